"""Messages while an investigation runs."""

import pytest

from bot.flows import answer, steer
from tests.agent.play import Scripted, called, said
from tests.flows.house import asked, house, until
from tests.flows.test_answer import GOOD, Slow


@pytest.mark.parametrize(
    ("text", "instruction"),
    [
        ("look at payment first", True),
        ("it is only in EU", True),
        ("why is search slow?", False),
        ("and what changed", False),
        ("payment?", False),
        ("ignore the cart alerts", True),
    ],
)
def test_form_decides(text: str, instruction: bool) -> None:
    """A question asks something new; anything else tells the running investigation something."""
    assert steer.is_instruction(text) is instruction


async def test_an_instruction_joins_and_its_own_turn_is_silent() -> None:
    """The running investigation takes it before its next turn; no second answer follows."""
    model = Slow([called("x"), GOOD])
    async with house({"m": model}) as here:
        await answer.request(here.engine, asked("why is checkout slow?", "100.0"))
        await until(lambda: here.replies.posts)
        second = asked("look at payment first", "101.0", "100.0")
        await answer.request(here.engine, second)
        await steer.acknowledge(here.deps, answer.lane_of(second), answer.key_of(second), second)
        await here.engine.drained()
        assert "joins" in here.chat.notes[0][1]
        assert model.asked[1].messages[-1].text == "look at payment first"
        assert len(here.replies.finished) == len(here.replies.posts) == 1


async def test_a_question_queues_and_shows_its_place() -> None:
    """A second question is told that one is ahead, and is answered after it, in its own placeholder."""
    async with house({"m": Slow([GOOD, said("Nothing is wrong\n\nCAUSE null")])}) as here:
        await answer.request(here.engine, asked("why is checkout slow?", "100.0"))
        await until(lambda: here.replies.posts)
        second = asked("and what changed?", "101.0", "100.0")
        await answer.request(here.engine, second)
        await steer.acknowledge(here.deps, answer.lane_of(second), answer.key_of(second), second)
        assert here.replies.posts[-1] == "Queued: 1 ahead of this one."
        await here.engine.drained()
        assert len(here.replies.posts) == 2
        assert [given.head[:8] for given in here.replies.finished] == ["payment ", "Nothing "]


async def test_a_free_thread_is_not_acknowledged_twice() -> None:
    """Where nothing runs the placeholder says enough."""
    async with house({"m": Scripted([GOOD])}) as here:
        question = asked("why?")
        await steer.acknowledge(here.deps, answer.lane_of(question), answer.key_of(question), question)
        assert (here.chat.notes, here.replies.posts) == ([], [])
