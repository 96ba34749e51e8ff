"""Whatever the model's server does, the thread gets one answer, which says who took over."""

import pytest

from bot.agent.guarded import Guarded
from bot.domain.breaker import FIRST, Breaker
from tests.fakes.messages_server import Call, Page, Refused, Reply, Request, Said, Text
from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import HEAD, WRITTEN, looks_then_answers, text_of, words

DRAFT = "cart looks sick.\n" * 8
FAULTS: dict[str, tuple[Reply, str]] = {
    "429": (Refused(429, "rate_limit_error", headers={"retry-after": "0"}), "is rate-limited"),
    "429 for long": (Refused(429, "rate_limit_error", headers={"retry-after": "50"}), "is rate-limited"),
    "529": (Refused(529, "overloaded_error"), "is overloaded"),
    "overloaded in the stream": (Said(Text(DRAFT), ending="overloaded"), "is overloaded"),
    "cut": (Said(Text(DRAFT), ending="tcp_cut"), "broke off"),
    "stall": (Said(Text(DRAFT), ending="stall"), "did not answer in time"),
    "clean end of file": (Said(Text(DRAFT), ending="eof"), "broke off"),
    "page with 200": (Page(b"<html>proxy</html>"), "sent something that is no answer"),
    "refusal": (Said(Text("I cannot help."), stop="refusal"), "would not answer"),
    "wrong key": (Refused(401, "authentication_error"), "refused our key"),
    "server error": (Refused(500), "is overloaded"),
}


def as_named(request: Request) -> Reply:
    """The fault that the question names, each time it is asked."""
    return next(reply for name, (reply, _) in FAULTS.items() if f"({name})" in words(request))


@EITHER_MODEL
async def test_the_playbook_takes_over_and_says_so(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault, each time the model is asked: one answer of the playbook, no stream left, none of the draft."""
    monkeypatch.setattr(Breaker, "holds", lambda _: False)  # they share one model, and each is to be met
    async with play(script=as_named, stall=0.3) as scene:
        asked = {
            name: await scene.ask(f"@nightjar why is cart failing? ({name})", channel="general") for name in FAULTS
        }
        answers = {answer["thread_ts"]: text_of(answer) for answer in await scene.answers(len(FAULTS), "general")}
        for name, (_, said) in FAULTS.items():
            answer = answers[asked[name]["ts"]]
            assert f"{scene.who} {said}; the playbook took over" in answer, name
            assert "cart is unhealthy" in answer, name
            assert "cart looks sick" not in answer, name
        assert (scene.streaming, scene.posts()) == (0, len(FAULTS))


@EITHER_MODEL
@pytest.mark.parametrize("name", ["529", "cut", "overloaded in the stream"])
async def test_one_fault_is_tried_again(play: Play, name: str) -> None:
    """A fault that passes costs a second, and the model answers; no tool runs twice."""
    reply, _ = FAULTS[name]
    seen: list[Request] = []

    def once(request: Request) -> Reply:
        seen.append(request)
        return reply if len(seen) == 2 else looks_then_answers(request)

    async with play(script=once) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        (record,) = await scene.records()
        assert HEAD in text_of(answer)
        assert "took over" not in text_of(answer)
        assert len(seen) == 3
        assert record.answer is not None
        assert record.answer.tool_calls == 3


@EITHER_MODEL
async def test_a_model_that_never_stops_asking_is_ended(play: Play) -> None:
    """A model that only calls tools runs into the limits, is told to answer, and is replaced when it does not."""

    def restless(request: Request) -> Said:
        turns = sum(entry["role"] == "assistant" for entry in request.body["messages"])
        return Said(Call("find_metrics", {"words": f"errors {turns}"}))

    async with play(script=restless, limits={"turns": 3}) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        assert "limit" in text_of(answer)
        assert scene.model is not None
        assert len(scene.model.requests) <= 6


async def test_beyond_the_days_money_the_playbook_answers(play: Play) -> None:
    """With the daily ceiling spent no model is asked."""
    dear = Said(Text(WRITTEN), usage={"input_tokens": 100_000, "output_tokens": 1_000})
    async with play(script=lambda _: dear, limits={"usd_per_day": 0.1}) as scene:
        await scene.ask()
        await scene.answers()
        await scene.ask()
        _, second = await scene.answers(2)
        assert scene.model is not None
        assert len(scene.model.requests) == 1
        assert "the $0.1 a day for models are spent; the playbook took over" in text_of(second)


@EITHER_MODEL
async def test_a_model_that_keeps_failing_is_left_alone(play: Play) -> None:
    """After three faults nobody waits for it, and the answer says so; a while later one tries, and it is normal."""
    well: list[bool] = []
    async with play(script=lambda request: looks_then_answers(request) if well else Refused(500)) as scene:
        assert scene.model is not None
        guarded = scene.house.deps.models.get(scene.mind)
        assert isinstance(guarded, Guarded)
        now = [0.0]
        guarded.breaker.now = lambda: now[0]
        for count in (1, 2):
            await scene.ask()
            await scene.answers(count)
        asked = len(scene.model.requests)
        assert asked == 3  # the second question met the open breaker at its second try
        await scene.ask()
        answer = (await scene.answers(3))[-1]
        assert len(scene.model.requests) == asked
        assert f"{scene.who} is left alone after failing; the playbook took over" in text_of(answer)
        well.append(True)
        now[0] += FIRST
        await scene.ask()
        assert HEAD in text_of((await scene.answers(4))[-1])
