"""What an operator sees of a question's whole way: a trace, metrics, and logs that hold nothing that anybody wrote."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.answers import Answer
from bot.slack.reply import SlackReply
from bot.telemetry import METRICS, exposition, trace_of
from bot.telemetry.spans import trace_id
from tests.fakes.collector import Collector
from tests.fakes.messages_server import Request, Said, Text
from tests.scenarios.conftest import Play
from tests.scenarios.stage import WRITTEN, Scene, looks_then_answers, words
from tests.test_vitals import switched, until

CANARY = f"canary{secrets.token_hex(6)}"
QUESTION = f"@nightjar why is cart failing? {CANARY}"


def says_canaries(request: Request) -> Said:
    """A model that repeats what it was told, after a look."""
    said = looks_then_answers(request)
    return Said(Text(f"{WRITTEN} {CANARY}")) if isinstance(said.blocks[0], Text) and len(said.blocks) == 1 else said


def totals() -> dict[str, float]:
    """All that was counted so far, by metric, and every gauge that is shown."""
    seen: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition().decode()):
        for sample in family.samples:
            if not sample.name.endswith(("_created", "_bucket", "_sum")):
                name = family.name.removeprefix("nightjar_")
                seen[name] = seen.get(name, 0.0) + abs(sample.value)
    return seen


async def a_day(scene: Scene) -> None:
    """A question, and a Slack that has had enough."""
    await scene.slack.fail("chat.postMessage", "rate_limited", times=1, seconds=1)
    await scene.ask(QUESTION)
    await scene.answers()


@pytest.mark.parametrize("play", ["socket"], indirect=True)
async def test_every_metric_that_is_declared_is_fed(play: Play) -> None:
    """One question, a rate limit, a beat and a trace: nothing on the dashboard stays empty."""
    before = totals()
    async with Collector() as collector, switched() as (_, url):
        told: dict[str, Any] = {"otel_exporter_otlp_endpoint": collector.url, "heartbeat_url": url}
        async with play(script=looks_then_answers, **told) as scene, scene.house.vitals.watching():
            await a_day(scene)
            assert await scene.house.deps.beat()
            await until(lambda: totals().get("spans", 0) > before.get("spans", 0))
            await until(lambda: "runs_waiting" in totals() and "part_up" in totals())
            after = totals()
    gauges = {name for name, metric in METRICS.items() if metric.kind == "gauge"}
    assert gauges - after.keys() == set()
    assert {name for name in METRICS.keys() - gauges if after.get(name, 0) <= before.get(name, 0)} == set()


@pytest.mark.parametrize("play", ["socket"], indirect=True)
async def test_a_question_is_one_trace(play: Play) -> None:
    """Accepted, begun, context, tools, model turns, finished; with tokens and outcomes, and without a word of it."""
    async with Collector() as collector:
        told = {"otel_exporter_otlp_endpoint": collector.url}
        async with play(script=says_canaries, **told) as scene, scene.house.vitals.watching():
            asked = await scene.ask(QUESTION)
            await scene.answers()
            await until(lambda: any(span.name == "finish" for span in collector.spans))
            (record,) = await scene.records()
            sent = (scene.slack.bot_token, scene.slack.app_token)
    assert collector.wrong == []
    root = collector.spans[0]
    assert {span.trace for span in collector.spans} == {trace_id(trace_of(record.flow))}
    assert [span.parent for span in collector.spans] == ["", *[root.id] * (len(collector.spans) - 1)]
    kinds = [span.name.partition(":")[0] for span in collector.spans]
    assert [kind for kind in dict.fromkeys(kinds) if kind != "now"] == [
        "accept", "begin", "context", "tools", "model", "finish"
    ]  # fmt: skip
    models = [span for span in collector.spans if span.name.startswith("model:claude")]
    assert [span.attributes["outcome"] for span in models] == ["tools", "end"]
    assert all(span.attributes["tokens.input"] > 0 for span in models)
    assert {span.attributes.get("tool") for span in collector.spans if span.name.startswith("tools")} >= {
        "alerts", "service_signals"
    }  # fmt: skip
    everything = b"".join(collector.bodies).decode()
    for private in (CANARY, "cart", "rate(", *sent):
        assert private not in everything
    assert asked["ts"] in everything


@pytest.mark.parametrize("play", ["socket"], indirect=True)
async def test_logs_hold_a_trace_and_nothing_anybody_wrote(
    play: Play, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """At DEBUG, over a question that is answered and one that fails: no question, answer, query or token."""
    whole, tries = SlackReply.finish, [0]

    async def finish(reply: SlackReply, answer: Answer) -> None:
        tries[0] += 1
        if tries[0] == 2:
            raise ValueError(f"{answer.head}\n{CANARY}")
        await whole(reply, answer)

    monkeypatch.setattr(SlackReply, "finish", finish)
    async with play(script=says_canaries, log_level="DEBUG", log_format="json") as scene:
        await scene.ask(QUESTION)
        await scene.answers()
        await scene.ask(QUESTION)
        (_, failed) = await scene.answers(2)
        secret = (scene.slack.bot_token, scene.slack.app_token, scene.slack.signing_secret)
        prompts = "".join(map(words, scene.model.requests if scene.model else ()))
        first = (await scene.records())[0]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    everything = json.dumps(lines, ensure_ascii=False)
    assert CANARY in prompts
    for private in (CANARY, "why is cart failing", "rate(", *secret):
        assert private not in everything, private
    told = [line for line in lines if line["text"] == "a flow failed"]
    assert [line["trace"] for line in told] == [trace_of(first.flow)]
    assert told[0]["trace"] in json.dumps(failed)
    assert [line for line in lines if "key" in line and "trace" not in line] == []
