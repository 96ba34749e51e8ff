"""What people hold for wrong stays with the answer, and whoever answers next is told."""

from dataclasses import replace

import pytest

from bot.agent.prompt import DISPUTED
from bot.domain.answers import Answer, Dispute
from bot.flows import dispute
from bot.flows.dispute import Disputed, marked
from bot.store.repositories import without_words
from tests.agent.play import Scripted, said
from tests.flows.house import PlayedHouse, house

GOOD = said("payment fails since 06:01 [E1].\n\nCAUSE null")
WHY = "it was the mailer"


async def disputed(here: PlayedHouse, key: str, person: str = "U2", why: str = WHY, once: str = "V1") -> Answer:
    """Dispute an answer and wait; how it is shown then."""
    await dispute.request(here.engine, Disputed(key, person, why), once)
    await here.engine.drained()
    return here.replies.finished[-1]


def test_newest_first_and_once_a_person() -> None:
    """Who says more replaces what they said; without a reason they dispute it no more."""
    answer = Answer("h")
    for person, why in (("U1", "a"), ("U2", "b"), ("U1", "  c\n d ")):
        answer = marked(answer, Disputed("k", person, why))
    assert answer.disputes == (Dispute("U1", "c d"), Dispute("U2", "b"))
    assert marked(answer, Disputed("k", "U1", " ")).disputes == (Dispute("U2", "b"),)
    assert len(marked(answer, Disputed("k", "U3", "x" * 900)).disputes[0].why) == dispute.MOST_CHARACTERS


async def test_the_answer_is_shown_again_and_kept() -> None:
    """With all it had; another form of the same person changes it once more, the same form does not."""
    async with house({"m": Scripted([GOOD])}) as here:
        key = await here.ask("why?")
        before = here.replies.finished[0]
        shown = await disputed(here, key)
        assert shown.disputes == (Dispute("U2", WHY),)
        assert replace(shown, disputes=(), asked=before.asked) == before
        await disputed(here, key, why="no, the cart", once="V1")
        assert (await disputed(here, key, why="no, the cart", once="V2")).disputes == (Dispute("U2", "no, the cart"),)
        assert len(here.replies.posts) == 1


async def test_an_answer_in_time_is_not_late_afterwards() -> None:
    """Shown again it says no time that it was asked; one that was late keeps it."""
    async with house({"m": Scripted([GOOD])}) as here:
        key = await here.ask("why?", accepted=here.deps.clock.now().timestamp())
        assert (await disputed(here, key)).asked == 0
        late = await here.ask("why?", ts="200.0", accepted=1.0)
        assert (await disputed(here, late)).asked == 1.0


@pytest.mark.parametrize("thread", ["100.0", ""])
async def test_whoever_answers_next_is_told(thread: str) -> None:
    """In the thread, in the first message, with the reason; elsewhere in the incident behind the answer's head."""
    async with house({"m": Scripted([GOOD])}) as here:
        key = await here.ask("why?")
        await disputed(here, key)
        await here.ask("and now?", "101.0", thread)
        model = here.deps.models.get("m")
        assert isinstance(model, Scripted)
        first = next(m.text for m in model.asked[-1].messages if m.text.startswith("Question: "))
        assert WHY in first
        assert (DISPUTED in first) == bool(thread)
        assert "payment fails since 06:01" in first


async def test_an_undisputed_thread_is_told_nothing() -> None:
    """The prompt is what it was."""
    async with house({"m": Scripted([GOOD])}) as here:
        await here.ask("why?")
        await here.ask("and now?", "101.0", "100.0")
        model = here.deps.models.get("m")
        assert isinstance(model, Scripted)
        assert "dispute" not in model.asked[-1].messages[-1].text


async def test_what_is_unknown_or_forgotten_is_left_alone() -> None:
    """No message is edited for an answer whose words are gone."""
    async with house({"m": Scripted([GOOD])}) as here:
        key = await here.ask("why?")
        await disputed(here, "ans:T1:C1:9.9")
        record = await here.store.audit.get(key)
        assert record is not None
        await here.store.audit.put(without_words(record))
        await disputed(here, key, once="V2")
        assert len(here.replies.finished) == 1
