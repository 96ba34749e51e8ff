"""A recording plays what was recorded, and says when it is over."""

from pathlib import Path

import pytest

from bot.domain.errors import SetupError
from bot.domain.messages import Message, Thinking, ToolCall, Usage
from bot.domain.outcomes import Fault, Turn
from bot.llm.recorded import PROVIDER, Recorded, RecordedSettings, Recording, open_recorded
from tests.fakes.messages_server import Call, Refused, Reply, Said, Text, Think
from tests.llm.served import TOOLS, ask, served

CALL = Turn(
    Message("assistant", calls=(ToolCall("a", "query_metrics", {"query": "up"}),), thinking=(Thinking("t", "s"),)),
    "tools",
    Usage(10, 5, cost_usd=0.25),
)
ANSWER = Turn(Message("assistant", "Payments ran out of database connections at 14:02."), "end")


async def test_turns_come_in_order_and_are_remembered() -> None:
    """What the model was asked can be looked at afterwards."""
    shown: list[str] = []
    model = Recorded([CALL, ANSWER])
    assert [await model.turn(ask(), TOOLS, shown.append) for _ in range(2)] == [CALL, ANSWER]
    assert "".join(shown) == ANSWER.message.text
    assert len(shown) > 1
    assert model.asks == [ask(), ask()]


async def test_a_recording_that_is_over_is_a_fault() -> None:
    """Not a crash, so that the loop goes on to the next model; unless it may begin anew."""
    outcomes = [await Recorded([]).turn(ask(), TOOLS, lambda _: None)]
    again = Recorded([ANSWER], repeat=True)
    outcomes += [await again.turn(ask(), TOOLS, lambda _: None) for _ in range(2)]
    assert [outcome.kind for outcome in outcomes] == ["fault", "turn", "turn"]


async def test_a_script_may_be_a_function_of_the_request() -> None:
    """It answers by what it is asked."""
    model = Recorded(lambda asked: ANSWER if len(asked.messages) > 1 else CALL)
    assert await model.turn(ask(), TOOLS, lambda _: None) == CALL
    assert await model.turn(ask(*ask().messages, CALL.message), TOOLS, lambda _: None) == ANSWER


async def test_what_a_real_model_did_plays_again_equal(tmp_path: Path) -> None:
    """Turns and faults alike, thinking, calls and money included."""
    said = Said(Think("hm"), Text("One."), Call("query_metrics", {"query": "up"}))
    script: list[Reply] = [said, Refused(529, "overloaded_error")]
    async with served(script) as (_, claude):
        recording = Recording(claude)
        for _ in script:
            await recording.turn(ask(), TOOLS, lambda _: None)
    recording.save(tmp_path / "turns.json")
    played = open_recorded(RecordedSettings(path=str(tmp_path / "turns.json")), "")
    assert [await played.turn(ask(), TOOLS, lambda _: None) for _ in script] == recording.outcomes
    assert [type(outcome) for outcome in recording.outcomes] == [Turn, Fault]
    assert recording.facts == claude.facts


@pytest.mark.parametrize(("content", "match"), [("{", "no recording"), ('[{"kind": "x"}]', "no recording")])
def test_a_file_that_is_no_recording_stops_the_start(tmp_path: Path, content: str, match: str) -> None:
    """With its path."""
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SetupError, match=match):
        PROVIDER.open(RecordedSettings(), str(tmp_path / "x.json"))


def test_a_recording_must_be_named_and_there() -> None:
    """Both are said in words."""
    with pytest.raises(SetupError, match="needs the path"):
        open_recorded(RecordedSettings(), "")
    with pytest.raises(SetupError, match="cannot be read: No such file"):
        open_recorded(RecordedSettings(), "/nowhere/x.json")
