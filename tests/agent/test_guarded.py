"""A model behind its breaker."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bot.agent.guarded import Guarded
from bot.domain.breaker import Breaker
from bot.domain.messages import Ask, Message, ModelFacts
from bot.domain.outcomes import Fault, FaultCause, Turn

ASK = Ask("", (), "low", 100, 10.0)


class Given:
    """A model that gives what it is told, and counts how often it was asked."""

    def __init__(self, *outcomes: Turn | Fault) -> None:
        self.outcomes, self.asked, self.closed = list(outcomes), 0, False

    @property
    def facts(self) -> ModelFacts:
        raise NotImplementedError

    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault:
        self.asked += 1
        return self.outcomes.pop(0)

    async def close(self) -> None:
        self.closed = True


async def asked(model: Guarded, times: int) -> list[str]:
    """The causes of so many turns, empty for one that came."""
    outcomes = [await model.turn(ASK, (), print) for _ in range(times)]
    return [outcome.cause if isinstance(outcome, Fault) else "" for outcome in outcomes]


async def test_after_three_faults_nobody_waits_for_it() -> None:
    """The fourth is told at once, and the model hears nothing of it."""
    given = Given(*[Fault("timeout", "nothing said for 15 s")] * 3)
    assert await asked(Guarded(given), 5) == ["timeout"] * 3 + ["left_alone"] * 2
    assert given.asked == 3


@pytest.mark.parametrize("cause", ["auth", "spend_limit"])
async def test_a_refused_key_is_tried_once(cause: FaultCause) -> None:
    """And a spent budget: no retries, one notice."""
    given = Given(Fault(cause, "refused"))
    assert await asked(Guarded(given), 3) == [cause, "left_alone", "left_alone"]


async def test_a_question_that_is_too_long_says_nothing_of_the_model() -> None:
    """Nor does a request it refuses: the server works."""
    given = Given(*[Fault("too_long", "x"), Fault("refused_request", "y")] * 3)
    assert "left_alone" not in await asked(Guarded(given), 6)


async def test_it_is_normal_again_after_one_answer() -> None:
    """The one that tries is answered, and all may ask."""
    now = [0.0]
    turn = Turn(Message("assistant", "well"), "end")
    given = Given(*[Fault("overloaded", "529")] * 3, turn, turn)
    model = Guarded(given, Breaker(now=lambda: now[0]))
    assert await asked(model, 4) == ["overloaded"] * 3 + ["left_alone"]
    now[0] += 5.0
    assert await asked(model, 2) == ["", ""]


async def test_closing_reaches_the_model() -> None:
    """Its connections are given back."""
    given = Given()
    await Guarded(given).close()
    assert given.closed
