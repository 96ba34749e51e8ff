"""Many series into few facts: now, before, the extremes, and when each left its baseline."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from bot.analysis.changes import Limits, Shift, shifts
from bot.analysis.frames import Array
from bot.domain.facts import SeriesFact
from bot.domain.series import Series, service_of
from bot.domain.window import Window

UNITS = 4.0
RELATIVE = 0.1
FLOOR = 0.02
"""The scale's floor, as a share of the row's largest value: a series at rest has no noise of its own."""
TENTHS = 2.56
"""From the first to the last tenth of a normal distribution there are so many standard deviations."""
POINTS = 3


def condense(series: Sequence[Series], window: Window, now: datetime, unit: str = "") -> list[SeriesFact]:
    """One fact per series with samples in the window, those that changed most (in robust units) first.

    Samples before the window are the baseline; without any, the series' first level is. Samples after `now` are
    left out. `changed_at` is when a change that lasts into the window began, which may be before it.
    """
    start, end = window.start.timestamp(), min(window.end, now).timestamp()
    kept = [one for one in series if one.times and one.times[-1] >= start and one.times[0] <= end]
    if not kept:
        return []
    times, values = _matrix(kept, end)
    found = {shift.row: shift for shift in shifts(times, values, _limits(values)) if _lasts(shift, start)}
    inside = times >= start
    ranked = []
    for row, one in enumerate(kept):
        here = values[row][inside]
        here = here[~np.isnan(here)]
        if here.size:
            fact = _fact(one, here, _before(values[row], inside), found.get(row), unit)
            ranked.append((_rank(fact, found.get(row)), fact))
    return [fact for _, fact in sorted(ranked, key=lambda pair: pair[0], reverse=True)]


def _matrix(series: Sequence[Series], end: float) -> tuple[Array, Array]:
    """All series on the points of time that any of them has; a missing sample is NaN."""
    if all(one.times == series[0].times for one in series):
        times = np.asarray(series[0].times, dtype=float)
        values = np.array([one.values for one in series], dtype=float)
    else:
        times = np.unique(np.concatenate([np.asarray(one.times, dtype=float) for one in series]))
        values = np.full((len(series), times.size), np.nan)
        for row, one in enumerate(series):
            values[row, np.searchsorted(times, one.times)] = one.values
    return times[times <= end], values[:, times <= end]


def _limits(values: Array) -> Limits:
    rows = len(values)
    early = values[:, : max(POINTS, values.shape[1] // 4)]
    low, high = np.nanpercentile(np.where(np.isnan(early).all(axis=1)[:, None], 0.0, early), (10, 90), axis=1)
    return Limits(
        bad=np.zeros(rows, dtype=np.int8),
        units=np.full(rows, UNITS),
        least=np.zeros(rows),
        relative=np.full(rows, RELATIVE),
        floor=np.maximum(FLOOR * np.nanmax(np.abs(values), axis=1), (high - low) / TENTHS),
        points=np.full(rows, POINTS),
    )


def _lasts(shift: Shift, start: float) -> bool:
    return shift.until is None or shift.until > start


def _before(values: Array, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float | None:
    """The median ahead of the window, when there is enough of it."""
    earlier = values[~inside]
    earlier = earlier[~np.isnan(earlier)]
    return float(np.median(earlier)) if earlier.size >= POINTS else None


def _fact(one: Series, here: Array, before: float | None, shift: Shift | None, unit: str) -> SeriesFact:
    level = before if before is not None else float(np.median(here[: max(1, here.size // 4)]))
    return SeriesFact(
        labels=dict(one.labels),
        service=service_of(one.labels),
        now=float(here[-1]),
        before=shift.before if shift else level,
        min=float(here.min()),
        max=float(here.max()),
        changed_at=datetime.fromtimestamp(shift.since, UTC).isoformat(timespec="seconds") if shift else "",
        unit=unit,
    )


def _rank(fact: SeriesFact, shift: Shift | None) -> tuple[float, float, float]:
    distance = abs(fact["now"] - fact["before"])
    relative = distance / max(abs(fact["now"]), abs(fact["before"]), 1e-12)
    return abs(shift.size) if shift else 0.0, relative, distance
