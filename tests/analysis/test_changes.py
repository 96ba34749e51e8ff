"""When series left their baseline."""

import numpy as np
import pytest

from bot.analysis.changes import Limits, Shift, runs, shifts, steady
from bot.analysis.frames import Array
from tests.analysis.made import at, axis, noisy, ramped, stepped


def limits(rows: int, bad: int = 1, worst: float = np.nan) -> Limits:
    """The same limits for every row."""
    return Limits(
        bad=np.full(rows, bad, dtype=np.int8),
        units=np.full(rows, 6.0),
        least=np.full(rows, 0.1),
        relative=np.full(rows, 0.3),
        floor=np.full(rows, 0.01),
        points=np.full(rows, 2),
        worst=np.full(rows, worst),
    )


def found(values: Array, bad: int = 1, worst: float = np.nan) -> Shift | None:
    """The shift of one row."""
    return next(iter(shifts(axis().times, values[None, :], limits(1, bad, worst))), None)


def test_a_step_is_found_where_it_is() -> None:
    """A clear step is dated within one sample, with its levels before and now."""
    shift = found(stepped(1.0, 3.0, minute=20))
    assert shift is not None
    assert shift.since == pytest.approx(at(20), abs=15)
    assert shift.before == pytest.approx(1.0, rel=0.05)
    assert shift.now == pytest.approx(3.0, rel=0.05)
    assert shift.until is None


def test_noise_alone_moves_nothing() -> None:
    """Two hundred quiet series give no shift."""
    values = np.array([noisy(1.0, noise=0.05, seed=seed) for seed in range(200)])
    assert shifts(axis().times, values, limits(200)) == ()


def test_a_ramp_is_dated_at_its_foot() -> None:
    """Slow growth began when it left the baseline, not when it crossed a threshold."""
    shift = found(ramped(1.0, 4.0, begin=10, end=25))
    assert shift is not None
    assert shift.ramp
    assert shift.since == pytest.approx(at(10), abs=45)


def test_what_came_back_is_over() -> None:
    """A fault that ended says when."""
    shift = found(stepped(1.0, 3.0, minute=10, until=18))
    assert shift is not None
    assert shift.until == pytest.approx(at(18), abs=20)


def test_what_recurs_is_not_over_between_two_times() -> None:
    """Pulses whose next one may be due still last."""
    times = axis().times
    values = np.where((times > at(8)) & ((times - at(8)) % 240 < 90), 3.0, 1.0)
    shift = found(values)
    assert shift is not None
    assert shift.episodes > 3
    assert shift.until is None


def test_a_series_that_starts_in_trouble_is_judged_by_what_it_comes_back_to() -> None:
    """Where the bad side is known, the better stretch is the baseline, so the start is the departure."""
    shift = found(stepped(3.0, 1.0, minute=12))
    assert shift is not None
    assert shift.before == pytest.approx(1.0, rel=0.05)
    assert shift.until == pytest.approx(at(12), abs=20)


def test_trouble_from_the_first_point_on_is_no_baseline() -> None:
    """A level worse than what passes for usual is out although it never moved."""
    shift = found(noisy(0.4), worst=0.02)
    assert shift is not None
    assert shift.before == pytest.approx(0.02)
    assert found(noisy(0.4)) is None


def test_a_start_that_holds_the_change_does_not_hide_it() -> None:
    """Data that begin three samples before the trouble: the few good points are baseline enough."""
    values = stepped(0.0, 0.35, minute=0.6)
    shift = found(values, worst=0.02)
    assert shift is not None
    assert shift.since == pytest.approx(at(0.6), abs=15)


def test_two_good_points_are_a_baseline_when_there_are_no_more() -> None:
    """Half a minute of data that began just before the trouble, with no worst level to go by."""
    values = np.concatenate([[0.13, 0.13], np.full(30, 2.6)])
    (shift,) = shifts(axis(8).times[:32], values[None, :], limits(1))
    assert shift.before == pytest.approx(0.13)
    assert shift.since == pytest.approx(axis().times[2], abs=15)


def test_the_bad_side_alone_counts() -> None:
    """A fall of what is bad when it rises is no departure, unless both sides count."""
    values = np.concatenate([noisy(3.0)[:60], noisy(1.0)[60:]])
    assert found(values, bad=0) is not None
    fallen = found(values, bad=1)
    assert fallen is None or fallen.until is not None


def test_gaps_are_no_departure() -> None:
    """Missing points neither begin nor end anything."""
    values = stepped(1.0, 3.0, minute=20)
    values[::7] = np.nan
    shift = found(values)
    assert shift is not None
    assert shift.since == pytest.approx(at(20), abs=30)
    assert found(np.full_like(values, np.nan)) is None


def test_a_blip_before_is_not_the_onset() -> None:
    """A small early excursion does not date a large later one."""
    values = stepped(1.0, 9.0, minute=20)
    values[20:23] = 1.8
    shift = found(values)
    assert shift is not None
    assert shift.since == pytest.approx(at(20), abs=15)


def test_only_allowed_points_count() -> None:
    """A point that may not count is not out."""
    values = stepped(1.0, 3.0, minute=20)[None, :]
    assert shifts(axis().times, values, limits(1), np.zeros(values.shape, dtype=bool)) == ()
    assert shifts(axis().times, np.zeros((0, 0)), limits(0)) == ()


def test_runs_bridge_single_holes() -> None:
    """A hole as small as the gap does not split a run."""
    mask = np.array([False, True, True, False, True, False, False, True])
    assert runs(mask, 1) == [(1, 5), (7, 8)]
    assert runs(mask, 0) == [(1, 3), (4, 5), (7, 8)]


def test_a_straight_line_is_measured() -> None:
    """Slope per second and fit of what grows steadily; nothing for what stands still."""
    times = axis().times
    values = np.array([2.0 + 0.001 * (times - times[0]), np.ones(times.size)])
    ((line, slope, fit),) = steady(times, values, 600)
    assert line == 0
    assert slope == pytest.approx(0.001)
    assert fit == pytest.approx(1.0)
