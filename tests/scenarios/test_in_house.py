"""Where nothing may leave the house, no hosted model hears anything: not even that somebody connects."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.breaker import Breaker
from bot.tools import digest_logs
from tests.fakes.messages_server import Call, Refused, Reply, Request, Said, Text
from tests.scenarios.conftest import ONE_WAY, Play
from tests.scenarios.stage import CHANNEL, CLAUDE, LLAMA, Scene, looks_then_answers, text_of, told, words

FOLLOW_UP = "and an hour ago?"
QUESTIONS = ("why is cart failing? (plain)", "read its logs (digest)", "read its logs (no digest)", "what now? (down)")


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Writes what the settings say of the channel."""
    monkeypatch.setattr(Breaker, "holds", lambda _: False)  # a fault of one question says nothing of the next
    monkeypatch.setattr(digest_logs, "SMALL", 20)

    def write(in_house: bool) -> None:
        path = tmp_path / "nightjar.toml"
        path.write_text(f"[channels.{CHANNEL}]\nin_house = {str(in_house).lower()}\n", encoding="utf-8")
        monkeypatch.setenv("NIGHTJAR_CONFIG", str(path))

    return write


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, str]:
    """A source of a hundred log lines of several kinds."""
    now = datetime.now(UTC)
    times = [f"{now - timedelta(seconds=400 - 4 * n):%Y-%m-%dT%H:%M:%SZ}" for n in range(100)]
    verbs = ("reserve", "charge", "ship", "refund", "pack")
    lines = [f"{at} ERROR cart could not {verbs[n % 5]} order {n}" for n, at in enumerate(times)]
    (tmp_path / "cart.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"kind": "files", "paths": str(tmp_path / "*.log")}


def asked_in(request: Request) -> str:
    """The newest question of a request, by its mark."""
    found = {mark: words(request).rfind(f"({mark})") for mark in ("plain", "digest", "no digest", "down")}
    return max(found, key=lambda mark: found[mark])


def condenses(request: Request) -> bool:
    """Whether it is a piece of logs, to be condensed."""
    return "You condense log patterns" in str((request.body.get("system"), words(request)))


def hosted(request: Request) -> Reply:
    """Does whatever it is asked."""
    if condenses(request):
        return Said(Text("orders fail [cart:1]"))
    if "blameless post-mortem" in str(request.body):
        return Said(Text("## Summary\nThe cart fails [E1]."))
    if "digest" in asked_in(request) and not told(request.body["messages"][-1]):
        return Said(Call("digest_logs", {"question": f"why? ({asked_in(request)})"}))
    return looks_then_answers(request)


def own(request: Request) -> Reply:
    """The same, but for where it is down, or down as soon as logs are to be condensed."""
    if asked_in(request) == "down" or (condenses(request) and asked_in(request) == "no digest"):
        return Refused(401, "authentication_error")
    return hosted(request)


async def everything(scene: Scene) -> list[str]:
    """All questions, a follow-up, a deep dive and a post-mortem; the answers."""
    for count, question in enumerate(QUESTIONS, 1):
        root = await scene.ask(f"@nightjar {question}")
        answers = await scene.answers(count)
        if count == 1:
            first, thread = answers[0], root["ts"]
    await scene.ask(FOLLOW_UP, thread=thread)
    await scene.answers(len(QUESTIONS) + 1)
    await scene.slack.press(first, "deep_dive")
    await scene.answers(len(QUESTIONS) + 2, seconds=30.0)
    await scene.ask("@nightjar postmortem", thread=thread)
    return [text_of(answer) for answer in await scene.answers(len(QUESTIONS) + 3, seconds=30.0)]


def marks(requests: Sequence[Request]) -> set[str]:
    """The questions that requests are about, and what was condensed."""
    return {f"{'condense ' if condenses(request) else ''}{asked_in(request)}" for request in requests}


@ONE_WAY
@pytest.mark.parametrize("first", [CLAUDE, LLAMA])
@pytest.mark.parametrize("in_house", [True, False])
async def test_no_connection_to_a_hosted_model(
    play: Play, settings_file: Callable[[bool], None], logs: dict[str, str], first: str, *, in_house: bool
) -> None:
    """Questions, follow-ups, deep dives, digests, post-mortems: none with the switch on; with it off some."""
    settings_file(in_house)
    scripts = (hosted, own) if first == CLAUDE else (own, hosted)
    behind = LLAMA if first == CLAUDE else CLAUDE
    async with play(
        script=scripts[0], mind=first, stand_in=scripts[1], behind=behind, sources={"files": logs}
    ) as scene:
        answers = await everything(scene)
        there, here = (scene.model, scene.other) if first == CLAUDE else (scene.other, scene.model)
        assert there is not None
        assert here is not None
        if in_house:
            assert (there.connections, len(there.requests)) == (0, 0)
            assert {"plain", "digest", "condense digest", "condense no digest", "down"} <= marks(here.requests)
            assert any("llama-4-scout refused our key; the playbook took over" in answer for answer in answers)
            assert len(here.requests) > len(QUESTIONS)
        else:
            assert there.connections > 0
            wanted = {"condense no digest", "down"} if first == LLAMA else {"plain", "digest", "no digest", "down"}
            assert wanted <= marks(there.requests)
