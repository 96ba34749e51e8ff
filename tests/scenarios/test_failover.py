"""One model takes over from the other at any step of an investigation, and makes one answer of what is there."""

from functools import partial
from typing import Any

import pytest

from bot.domain.breaker import Breaker
from tests.fakes.messages_server import Refused, Reply, Request, Said, Text, Think
from tests.scenarios.conftest import ONE_WAY, Play
from tests.scenarios.investigated import CALLS, conversation, investigates
from tests.scenarios.stage import CLAUDE, HEAD, LLAMA, text_of, words

SINGLE = "llama:llama-3.3-70b-instruct"
DRAFT = Text("mailer looks sick, I think.\n" * 8)
GONE = Refused(401, "authentication_error")
CUT = Said(Think("hm"), DRAFT, ending="tcp_cut")
STEPS: dict[str, tuple[int, Reply, str]] = {
    "first turn": (0, GONE, "refused our key"),
    "between tools": (2, GONE, "refused our key"),
    "after the last tool": (3, GONE, "refused our key"),
    "mid-stream of the first turn": (0, CUT, "broke off"),
    "mid-stream between tools": (2, CUT, "broke off"),
    "mid-stream of the answer": (3, CUT, "broke off"),
    "refused at last": (3, Said(DRAFT, stop="refusal"), "would not answer"),
}
"""After how many calls the first model fails, how, and what is said of it."""


def fails_as_named(request: Request, *, one_by_one: bool = False) -> Reply:
    """The same, until the step that the question names."""
    after, reply, _ = next(STEPS[name] for name in STEPS if f"({name})" in words(request))
    failed = len(conversation(request)[0]) == after
    return reply if failed else investigates(request, one_by_one=one_by_one)


def of(requests: list[Request], step: str) -> list[Request]:
    """The requests of a step's question."""
    return [request for request in requests if f"({step})" in words(request)]


@ONE_WAY
@pytest.mark.parametrize(("first", "second"), [(CLAUDE, LLAMA), (LLAMA, CLAUDE), (CLAUDE, SINGLE), (SINGLE, CLAUDE)])
async def test_a_switch_at_every_step(play: Play, monkeypatch: pytest.MonkeyPatch, first: str, second: str) -> None:
    """The second model reads every call and result of the first and none of its thoughts, and answers once."""
    monkeypatch.setattr(Breaker, "holds", lambda _: False)  # they share one model, and each is to be met
    goes_on = partial(investigates, one_by_one=second == SINGLE)
    starts = partial(fails_as_named, one_by_one=first == SINGLE)
    async with play(script=starts, mind=first, stand_in=goes_on, behind=second) as scene:
        asked = {step: await scene.ask(f"@nightjar why is cart failing? ({step})", channel="general") for step in STEPS}
        answers = {a["thread_ts"]: text_of(a) for a in await scene.answers(len(STEPS), "general", 30.0)}
        records = {record.question.ts: record for record in await scene.records()}
        assert scene.model is not None
        assert scene.other is not None
        for step, (_, _, said) in STEPS.items():
            took, record = of(scene.other.requests, step), records[asked[step]["ts"]]
            answer = answers[asked[step]["ts"]]
            before, handed_on = of(scene.model.requests, step)[-1], took[0]
            assert conversation(handed_on) == conversation(before), step
            assert conversation(took[-1])[0] == CALLS, step
            assert "thinking" not in str([entry["content"] for entry in handed_on.body["messages"]]), step
            assert "let me see" not in words(handed_on), step
            assert words(handed_on).count("I look.") == words(before).count("I look."), step
            assert f"{scene.who} {said}; {second.partition(':')[2]} took over" in answer, step
            assert HEAD in answer, step
            assert "mailer looks sick" not in answer, step
            assert record.answer is not None
            assert (record.answer.model, record.answer.tool_calls) == (second.partition(":")[2], 2 + len(CALLS)), step
        assert (scene.streaming, scene.posts()) == (0, len(STEPS))


@ONE_WAY
async def test_a_follow_up_goes_to_the_first_again(play: Play) -> None:
    """What the second answered is history for the first, which is well again: both are named by who wrote what."""
    ill = [True]
    script = lambda request: Refused(402) if ill[0] else investigates(request)  # noqa: E731
    async with play(script=script, stand_in=investigates) as scene:
        root = (await scene.ask())["ts"]
        (answer,) = await scene.answers()
        assert "claude-opus-5-5 has reached its spend limit; llama-4-scout took over" in text_of(answer)
        ill[0] = False
        guarded: Any = scene.house.deps.models.get(CLAUDE)
        guarded.breaker.worked()
        await scene.ask("and an hour ago?", thread=root)
        answer = (await scene.answers(2))[-1]
        assert scene.model is not None
        assert HEAD in words(scene.model.requests[-1])
        assert "took over" not in text_of(answer)
        assert [record.answer.model for record in await scene.records() if record.answer] == [
            "claude-opus-5-5", "llama-4-scout",
        ]  # fmt: skip


@ONE_WAY
async def test_both_down(play: Play) -> None:
    """The playbook answers with facts, once, and who failed how is said of both."""
    silent = Said(DRAFT, ending="stall")
    async with play(script=lambda _: silent, stand_in=lambda _: Refused(529, "overloaded_error"), stall=0.3) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        said = "claude-opus-5-5 did not answer in time, llama-4-scout is overloaded; the playbook took over"
        assert said in text_of(answer)
        assert "cart is unhealthy" in text_of(answer)
        assert "no model (playbook)" in text_of(answer)
        assert (scene.streaming, scene.posts()) == (0, 1)
