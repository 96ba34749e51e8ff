"""What the loop may rely on, whichever model it talks to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.outcomes import Fault, ModelOutcome, Turn, decode, encode
from bot.domain.ports import Model
from bot.llm.recorded import Recorded, Recording
from tests.fakes.messages_server import Call, Refused, Reply, Said, Text, Think
from tests.llm.served import TOOLS, ask, chatting, served

SCRIPT: list[Reply] = [
    Said(Think("hm"), Text("Looking."), Call("query_metrics", {"query": "up"}, "a")),
    Refused(529, "overloaded_error"),
    Said(Text("Payments ran out of connections. " * 4)),
]


@pytest.fixture(params=["claude", "llama", "recording", "recorded"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    """Each implementation, with the same three outcomes to give."""
    async with served(SCRIPT) as (_, claude), chatting(SCRIPT) as (_, llama):
        recording = Recording(claude)
        if request.param == "recorded":
            for _ in SCRIPT:
                await recording.turn(ask(), TOOLS, lambda _: None)
        models: dict[str, Model] = {
            "claude": claude,
            "llama": llama,
            "recording": recording,
            "recorded": Recorded(recording.outcomes),
        }
        yield models[request.param]


async def test_outcomes_survive_the_codec(model: Model) -> None:
    """A live run and a replay see equal values."""
    outcomes = [await model.turn(ask(), TOOLS, lambda _: None) for _ in SCRIPT]
    assert [outcome.kind for outcome in outcomes] == ["turn", "fault", "turn"]
    assert decode(list[ModelOutcome], encode(list[ModelOutcome], outcomes)) == outcomes


async def test_what_is_shown_is_what_is_said(model: Model) -> None:
    """The pieces of a turn add up to its text."""
    for _ in SCRIPT:
        shown: list[str] = []
        outcome = await model.turn(ask(), TOOLS, shown.append)
        assert "".join(shown) == (outcome.message.text if isinstance(outcome, Turn) else "")


@pytest.mark.parametrize("opened", [served, chatting], ids=["claude", "llama"])
@pytest.mark.parametrize(("own", "asked", "said"), [(9.0, 0.3, "0.3 s"), (0.3, 9.0, "0.3 s"), (0.3, 0.0, "0.3 s")])
async def test_silence_ends_when_either_says_so(opened: Any, own: float, asked: float, said: str) -> None:
    """The settings, or the request where that is sooner: a stand-in may not keep people waiting as long."""
    async with opened([Said(Text("so far"), ending="stall")], stall_seconds=own) as (_, model):
        fault = await model.turn(ask(silence_seconds=asked), TOOLS, lambda _: None)
    assert isinstance(fault, Fault)
    assert (fault.cause, fault.detail) == ("timeout", f"nothing said for {said}")


async def test_a_turn_is_the_assistants_and_calls_stop_it(model: Model) -> None:
    """Calls come with the stop `tools` and only then."""
    outcomes = [await model.turn(ask(), TOOLS, lambda _: None) for _ in SCRIPT]
    turns = [outcome for outcome in outcomes if isinstance(outcome, Turn)]
    assert all(turn.message.role == "assistant" and turn.message.model for turn in turns)
    assert [bool(turn.message.calls) for turn in turns] == [turn.stop == "tools" for turn in turns] == [True, False]


async def test_a_model_knows_its_facts(model: Model) -> None:
    """The window to fit, and whose model it is."""
    assert model.facts.name
    assert model.facts.provider
    assert model.facts.context_tokens > model.facts.max_output_tokens > 0
