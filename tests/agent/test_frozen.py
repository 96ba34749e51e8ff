"""One answer without tools: whole words or a fault, and a second try only where it may help."""

import pytest

from bot.agent import frozen
from bot.agent.budget import Budget
from bot.agent.prompt import FROZEN
from bot.domain.messages import Message, ToolCall, Usage
from bot.domain.outcomes import Fault, Turn
from tests.agent.play import Scripted, said

ASKED = (Message("user", "why? " + "x" * 40_000),)
GOOD = said("payment is slow.\n\nCAUSE null")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before the second try."""
    monkeypatch.setattr(frozen, "AGAIN", 0.0)


async def answered(*lines: Turn | Fault) -> tuple[Turn | Fault, Scripted]:
    """What comes of a model that says these lines."""
    model = Scripted([*lines])
    return await frozen.answer_from(model, ASKED, Budget(), "medium"), model


async def test_no_tool_is_on_offer() -> None:
    """The model is told so, and gets the text cut to its window."""
    outcome, model = await answered(GOOD)
    (ask,) = model.asked
    assert isinstance(outcome, Turn)
    assert ask.system == FROZEN
    assert len(ask.messages[0].text) < 39_000
    assert outcome.seconds >= 0


@pytest.mark.parametrize("cause", ["overloaded", "rate_limited", "cut", "too_long"])
async def test_what_may_pass_is_tried_once_more(cause: str) -> None:
    """And both tries are paid for."""
    fault = Fault(cause, "busy", usage=Usage(50, 0, cost_usd=0.01))  # type: ignore[arg-type]
    outcome, model = await answered(fault, GOOD)
    assert isinstance(outcome, Turn)
    assert len(model.asked) == 2
    assert outcome.usage == fault.usage + GOOD.usage


async def test_what_was_too_long_is_shorter_the_second_time() -> None:
    """Half the window."""
    _, model = await answered(Fault("too_long", ""), GOOD)
    first, second = (len(ask.messages[0].text) for ask in model.asked)
    assert second < first


@pytest.mark.parametrize("cause", ["auth", "spend_limit", "timeout", "left_alone", "garbage"])
async def test_what_stays_is_not_tried_again(cause: str) -> None:
    """One call, one fault."""
    outcome, model = await answered(Fault(cause, "no"), GOOD)  # type: ignore[arg-type]
    assert isinstance(outcome, Fault)
    assert len(model.asked) == 1


async def test_a_long_wait_is_not_waited() -> None:
    """A server that asks for a minute gets no second call."""
    outcome, model = await answered(Fault("rate_limited", "", retry_after=60.0), GOOD)
    assert (isinstance(outcome, Fault), len(model.asked)) == (True, 1)


@pytest.mark.parametrize(
    ("turn", "cause"),
    [
        (said("  "), "garbage"),
        (said("I cannot.", "refusal"), "refused_request"),
        (Turn(Message("assistant", "let me look", calls=(ToolCall("c", "look", {}),)), "tools"), "garbage"),
    ],
)
async def test_what_is_no_answer_is_a_fault(turn: Turn, cause: str) -> None:
    """Silence, a refusal, and a call of a tool that nobody offered."""
    outcome, _ = await answered(turn)
    assert isinstance(outcome, Fault)
    assert outcome.cause == cause
