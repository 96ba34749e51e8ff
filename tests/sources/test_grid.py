"""The step of a range query."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import BadArguments
from bot.domain.window import Window
from bot.sources._grid import MAX_POINTS, grid

START = datetime(2026, 11, 23, 8, 3, 27, 700_000, UTC)


@pytest.mark.parametrize("hours", [0.01, 0.5, 1, 2, 2.1, 6, 24, 48, 24 * 14, 24 * 400])
@pytest.mark.parametrize("asked", [0.0, 1.0, 7.5, 60.0])
def test_few_points_on_shared_times(hours: float, asked: float) -> None:
    """Both ends are multiples of the step, there are at most 500 points, and no step below the one asked for."""
    start, end, step = grid(Window(START, START + timedelta(hours=hours)), asked)
    assert (start % step, end % step) == (0, 0)
    assert (end - start) / step + 1 <= MAX_POINTS
    assert step >= asked
    assert start <= START.timestamp() < start + step


def test_usual_steps() -> None:
    """An hour and two are read at 15 s, a day at 3 min."""
    steps = [grid(Window(START, START + timedelta(hours=hours)))[2] for hours in (1, 2, 24)]
    assert steps == [15, 15, 180]


def test_a_window_that_ends_before_it_starts() -> None:
    """An upside-down window is the caller's mistake."""
    with pytest.raises(BadArguments, match="ends before it starts"):
        grid(Window(START, START - timedelta(seconds=1)))
