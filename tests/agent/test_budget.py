"""The seconds of an investigation are those of its own clock."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.agent.budget import Budget, going_on
from tests.agent.play import Scripted, called, play, said

HOUR = timedelta(hours=1)


def test_time_goes_on_from_what_a_clock_has_said() -> None:
    """Second by second, whatever the machine's own clock is."""
    then = datetime(2026, 1, 1, tzinfo=UTC)
    now, before = going_on(then), time.monotonic()
    passed = now() - then.timestamp()
    assert 0 <= passed <= 1
    assert now() - then.timestamp() - passed == pytest.approx(time.monotonic() - before - passed, abs=0.5)


@pytest.mark.parametrize("off", [HOUR, -HOUR])
async def test_a_clock_that_is_off_cuts_nothing_short(off: timedelta) -> None:
    """Both ends of what it took are told by one clock."""
    model = Scripted([called("a"), called("b"), said("cart is down")])
    worked = await play({"m": model}, budget=Budget(seconds=60), at=datetime.now(UTC) + off)
    assert (worked.text, worked.left_out) == ("cart is down", ())
    assert max(ask.deadline_seconds for ask in model.asked) <= 61
