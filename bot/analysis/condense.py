"""Many series into few facts: now, before, the extremes, and when each left its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bot.domain.facts import SeriesFact
from bot.domain.series import Series, service_of
from bot.domain.window import Window

Array = NDArray[np.float64]

UNITS = 4.0
RELATIVE = 0.1
FLOOR = 0.02
"""The scale's floor, as a share of the largest value: a series at rest has no noise of its own."""
POINTS = 3
"""A departure lasts so many points (one fewer at the very end), and a return of no more does not end it."""
HALF = 12
"""Points that half a baseline needs to be judged by itself."""
TENTHS = 2.56
"""Standard deviations between the first and the last tenth of a normal distribution."""


@dataclass(frozen=True)
class _Departure:
    """When a series left its level (UTC seconds), and how far in units of its scale."""

    since: float
    size: float


def condense(series: Sequence[Series], window: Window, now: datetime, unit: str = "") -> list[SeriesFact]:
    """One fact per series with samples in the window, those that changed most (in robust units) first.

    Samples before the window are the baseline; without them it is the first quarter of the window. Samples after
    `now` are left out. `changed_at` is when a change that reaches into the window began, which may be before it.
    """
    start, end = window.start.timestamp(), min(window.end, now).timestamp()
    ranked = []
    for one in series:
        times, values = np.asarray(one.times, dtype=np.float64), np.asarray(one.values, dtype=np.float64)
        upto, first = int(np.searchsorted(times, end, side="right")), int(np.searchsorted(times, start))
        if first < upto:
            fact, size = _fact(one, times[:upto], values[:upto], first, unit)
            distance = abs(fact["now"] - fact["before"])
            relative = distance / max(abs(fact["now"]), abs(fact["before"]), 1e-12)
            ranked.append(((size, relative, distance), fact))
    return [fact for _, fact in sorted(ranked, key=lambda pair: pair[0], reverse=True)]


def _fact(one: Series, times: Array, values: Array, first: int, unit: str) -> tuple[SeriesFact, float]:
    base = values[:first] if first >= 2 * POINTS else values[: max(1, first + (len(values) - first) // 4)]
    level, scale = _level(base, values)
    left = _departure(times, values, first, level, scale)
    here = values[first:]
    fact = SeriesFact(
        labels=dict(one.labels),
        service=service_of(one.labels),
        now=float(here[-1]),
        before=level,
        min=float(here.min()),
        max=float(here.max()),
        changed_at=datetime.fromtimestamp(left.since, UTC).isoformat(timespec="seconds") if left else "",
        unit=unit,
    )
    return fact, left.size if left else 0.0


def _level(base: Array, values: Array) -> tuple[float, float]:
    """The usual level and its scale; when the level changed within the baseline, what it was at first."""
    whole, half = np.sort(base), len(base) // 2
    least = max(FLOOR * float(np.abs(values).max()), 1e-12)
    if half < HALF:
        return _middle(whole), max(_spread(whole), least)
    early, late = np.sort(base[:half]), np.sort(base[half:])
    scale = max(min(_spread(early), _spread(late)), least)
    changed = abs(_middle(early) - _middle(late)) > UNITS * scale
    return _middle(early if changed else whole), scale


def _spread(ascending: Array) -> float:
    """The standard deviation by the outer tenths, which a few odd points do not move."""
    last = len(ascending) - 1
    return float(ascending[round(last * 0.9)] - ascending[round(last * 0.1)]) / TENTHS


def _middle(ascending: Array) -> float:
    count = len(ascending)
    return float(ascending[(count - 1) // 2] + ascending[count // 2]) / 2


def _departure(times: Array, values: Array, first: int, level: float, scale: float) -> _Departure | None:
    """The weightiest run of points away from the level that reaches into the window."""
    away = np.abs(values - level)
    out = np.flatnonzero(away > max(UNITS * scale, RELATIVE * abs(level)))
    runs = np.split(out, np.flatnonzero(np.diff(out) > POINTS + 1) + 1)
    last = len(values) - 1
    lasting = [run for run in runs if len(run) and run[-1] >= first and len(run) >= POINTS - (run[-1] == last)]
    if not lasting:
        return None
    run = max(lasting, key=lambda run: float(away[run].sum()))
    onset = int(run[0])
    side = values[onset] > level
    while onset > 0 and away[onset - 1] > 1.5 * scale and (values[onset - 1] > level) == side:
        onset -= 1
    return _Departure(float(times[onset]), float(np.median(away[run])) / scale)
