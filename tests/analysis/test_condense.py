"""Series condensed to facts."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.analysis.condense import condense
from bot.domain.series import Series
from bot.domain.window import last

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WINDOW = last(timedelta(hours=1), NOW)
STEP = 15.0
COUNT = 481
"""Points of the window and of the hour before it."""


def series(values: np.ndarray[tuple[int], np.dtype[np.float64]], **labels: str) -> Series:
    """Values that end at the window's end."""
    end = NOW.timestamp()
    times = tuple(end - STEP * (len(values) - 1 - n) for n in range(len(values)))
    return Series(labels, times, tuple(float(value) for value in values))


def noise(seed: int, level: float = 100.0, spread: float = 3.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A level with noise."""
    return np.random.default_rng(seed).normal(level, spread, COUNT)


def minutes_off(stamp: str, minutes_ago: float) -> float:
    """How far a moment is from the true one, in minutes."""
    return abs((datetime.fromisoformat(stamp) - (NOW - timedelta(minutes=minutes_ago))).total_seconds()) / 60


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ago", [5, 20, 45, 75])
@pytest.mark.parametrize("jump", [25.0, -40.0, 400.0])
def test_a_step_is_found_where_it_was(seed: int, ago: float, jump: float) -> None:
    """A level that jumps is found within a minute, also when it jumped shortly before the window."""
    values = noise(seed)
    values[-int(ago * 4) - 1 :] += jump
    (fact,) = condense([series(values)], WINDOW, NOW)
    assert minutes_off(fact["changed_at"], ago) <= 1
    assert fact["before"] == pytest.approx(100, abs=2)


@pytest.mark.parametrize("seed", range(40))
def test_noise_is_no_change(seed: int) -> None:
    """Noise, a single spike and what was over before the window are no change."""
    values = noise(seed, 100.0, 5.0)
    values[300] = 900.0
    values[100:120] += 200.0
    (fact,) = condense([series(values)], WINDOW, NOW)
    assert fact["changed_at"] == ""


def test_a_series_at_rest_that_wakes() -> None:
    """Errors that were exactly zero and then are not; the first moment counts."""
    values = np.zeros(COUNT)
    values[-40:] = 3.0
    (fact,) = condense([series(values, service="pay")], WINDOW, NOW, "1/s")
    assert (fact["before"], fact["now"], fact["min"], fact["max"]) == (0, 3, 0, 3)
    assert minutes_off(fact["changed_at"], 9.75) == 0
    assert (fact["service"], fact["unit"]) == ("pay", "1/s")


def test_a_slow_leak_is_found_at_its_foot() -> None:
    """A ramp is dated near where it began, not where it became large."""
    values = noise(1, 300.0, 2.0)
    values[-120:] += np.linspace(0, 300, 120)
    (fact,) = condense([series(values)], WINDOW, NOW)
    assert minutes_off(fact["changed_at"], 30) <= 3


def test_what_changed_most_comes_first() -> None:
    """Order is by robust size: a small quiet series that trebles is before a large noisy one that rises by a fifth."""
    loud, quiet, calm = noise(1, 1e6, 5e4), noise(2, 1.0, 0.02), noise(3)
    loud[-60:] *= 1.3
    quiet[-60:] *= 3
    facts = condense([series(calm, n="calm"), series(loud, n="loud"), series(quiet, n="quiet")], WINDOW, NOW)
    assert [fact["labels"]["n"] for fact in facts] == ["quiet", "loud", "calm"]


def test_what_has_no_samples_in_the_window_is_left_out() -> None:
    """A series that ended before the window gives no fact; one that began in it has itself as baseline."""
    ended = Series({}, (NOW.timestamp() - 7_000,), (1.0,))
    young = series(np.concatenate([np.full(40, 2.0), np.full(40, 9.0)]))
    (fact,) = condense([ended, young, Series({}, (), ())], WINDOW, NOW)
    assert fact["before"] == 2
    assert minutes_off(fact["changed_at"], 9.75) == 0


def test_what_is_after_now_is_not_looked_at() -> None:
    """Samples later than now (a future window end) do not count."""
    later = NOW - timedelta(minutes=10)
    values = noise(1)
    values[-30:] = 9e9
    (fact,) = condense([series(values)], WINDOW, later)
    assert fact["max"] < 200


def test_one_point_is_enough_for_a_fact() -> None:
    """A single sample is now, before, min and max."""
    (fact,) = condense([Series({}, (NOW.timestamp(),), (5.0,))], WINDOW, NOW)
    assert (fact["now"], fact["before"], fact["min"], fact["max"], fact["changed_at"]) == (5, 5, 5, 5, "")
