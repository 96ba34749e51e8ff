"""Where a series goes: a fan of paths, and whether and when it crosses a threshold.

Simple forecasters are blended by how they did on the series' own past; the spread is what the blend missed there
(leave-out residual paths, so that gradual drifts, noise and jumps keep their shapes). Deterministic.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from bot.analysis._blend import blend
from bot.analysis._crossing import Times, chance, first, peaks, times
from bot.analysis._regular import HUGE, filled, grain, gridded, rate
from bot.analysis.frames import Array
from bot.domain.forecasts import OPEN, Bounds, Breach, Direction, Forecast
from bot.domain.series import Series

DAY = 86400.0
FINEST = 288
"""Horizons are cut into at most so many steps; finer samples are averaged."""
KEPT = 35
"""Days of history that are looked at."""
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
CALM = 0.6
"""The likely time is also judged by paths that miss the centre by so much less."""
DIRECT = 0.8
"""Weight of the misses of past peaks, beside the share of paths that cross, in the probability."""
NORMAL = (-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645)
"""Middles of ten equally likely parts of a normal distribution."""


@dataclass(frozen=True)
class Outlook:
    """Paths (paths × horizon) with weights that sum to 1, the `centre`, and past peaks' forecasts to judge by.

    `expected` and `came` (backtests × horizon) are what the blend said and what happened; both have no rows where the
    history is too short for backtests. `grain` is what the source rounds to (0 for nothing), and a value it gave.
    """

    paths: Array
    weights: Array
    centre: Array
    expected: Array
    came: Array
    recent: Array
    grain: tuple[float, float] = (0.0, 0.0)

    @property
    def backtests(self) -> int:
        """On how many pasts the spread was measured."""
        return len(self.came)

    def quantiles(self, levels: tuple[float, ...] = LEVELS) -> Array:
        """The weighted quantiles at each step, shape (levels, horizon)."""
        order = np.argsort(self.paths, axis=0, kind="stable")
        ordered = np.take_along_axis(self.paths, order, axis=0)
        share = np.cumsum(self.weights[order], axis=0)
        at = [np.minimum((share < level - 1e-12).sum(axis=0), len(ordered) - 1) for level in levels]
        return np.stack([ordered[rows, np.arange(ordered.shape[1])] for rows in at])

    def crossing(
        self, threshold: float, direction: Direction = "above", sustain: int = 1
    ) -> tuple[float, Times | None]:
        """Probability that the threshold is reached for `sustain` samples in a row, and the steps at which."""
        sign = -1.0 if direction == "below" else 1.0
        sustain = min(max(1, sustain), self.centre.size)
        paths, limit = sign * self.paths, self._limit(sign, threshold)
        steps = first(paths, limit, sustain)
        hit = steps >= 0
        probability = float(self.weights[hit].sum())
        if self.backtests:
            misses = peaks(sign * self.came, sustain) - peaks(sign * self.expected, sustain)
            peak = float(peaks(sign * self.centre, sustain))
            direct = chance(peak, misses, self.recent, limit)
            probability = (1 - DIRECT) * probability + DIRECT * direct
        found = None
        if hit.any():
            centre = sign * self.centre
            calmer = first(centre + CALM * (paths - centre), limit, sustain)
            also = calmer >= 0
            found = times(steps[hit], self.weights[hit], calmer[also], self.weights[also], self.centre.size)
        return min(max(probability, 0.0), 1.0), found

    def _limit(self, sign: float, threshold: float) -> float:
        """The level upwards from which a sample, as the source rounds it, is at the threshold or beyond."""
        limit = float(np.clip(sign * threshold, -HUGE, HUGE))
        step, given = self.grain
        if not step:
            return limit
        return sign * given + (math.ceil((limit - sign * given) / step - 1e-6) - 0.5) * step


def outlook(values: ArrayLike, horizon: int, day: int, bounds: Bounds = OPEN) -> Outlook | None:
    """The next `horizon` steps of regular samples (NaN where missing), `day` steps a day; None where nothing is known.

    A series that was never negative is taken to stay so.
    """
    x = filled(values)[-KEPT * max(day, 1) :]
    if not x.size or horizon < 1:
        return None
    if bounds.low is None and x.min() >= 0:
        bounds = replace(bounds, low=0.0)
    level = float(np.median(x))
    scale = float(np.abs(x - level).max()) or 1.0
    unit = (x - level) / scale

    def back(paths: Array) -> Array:
        """In the series' own unit, within its bounds."""
        clipped: Array = np.clip(paths * scale + level, bounds.low, bounds.high)
        return clipped

    found = blend(unit, horizon, max(day, 1))
    if found is None:
        paths, nothing = back(_walk(unit, horizon)), np.zeros((0, horizon))
        even = np.full(len(paths), 1 / len(paths))
        return Outlook(paths, even, np.median(paths, axis=0), nothing, nothing, np.zeros(0))
    recent = np.exp(-3 * found.ages)
    return Outlook(
        back(found.centre + found.errors), found.weights, back(found.centre),
        back(found.came - found.errors), back(found.came), recent / recent.sum(), grain(values),
    )  # fmt: skip


def _walk(x: Array, horizon: int) -> Array:
    """Paths of a random walk with the drift that the few samples speak for, shape (10, horizon)."""
    ahead = np.arange(1, horizon + 1)
    steps = np.diff(x) if x.size > 1 else np.zeros(1)
    rough = float(np.std(steps))
    drift = float(np.mean(steps))
    sure = drift * drift / (drift * drift + rough * rough / steps.size + 1e-24)
    paths: Array = x[-1] + sure * drift * ahead + np.array(NORMAL)[:, None] * rough * np.sqrt(ahead)
    return paths


def _seen(series: Series, horizon: float, counter: bool, bounds: Bounds) -> tuple[Outlook | None, float]:
    """The outlook of a series `horizon` seconds on, and the seconds of its step."""
    gaps = np.diff(np.asarray(series.times, dtype=float))
    usual = float(np.median(gaps)) if gaps.size else horizon
    step = max(usual, horizon / FINEST, 1e-3)
    line = gridded(series.times, series.values, step)
    if counter:
        line = rate(line, step)
    return outlook(line, max(1, round(horizon / step)), max(1, round(DAY / step)), bounds), step


def forecast(series: Series, horizon: float, bounds: Bounds = OPEN, counter: bool = False) -> Forecast | None:
    """The fan for the next `horizon` seconds, of a counter's rate a second; None where nothing is known."""
    seen, step = _seen(series, horizon, counter, bounds)
    if seen is None:
        return None
    at = series.times[-1] + step * np.arange(1, seen.centre.size + 1)
    fan = tuple(tuple(float(v) for v in path) for path in seen.quantiles())
    return Forecast(tuple(float(t) for t in at), LEVELS, fan, seen.backtests)


def breach(
    series: Series, threshold: float, horizon: float, direction: Direction = "above", *,
    sustain: int = 1, bounds: Bounds = OPEN, counter: bool = False,
) -> Breach | None:  # fmt: skip
    """Whether and when the series reaches the threshold within `horizon` seconds; None where nothing is known."""
    seen, step = _seen(series, horizon, counter, bounds)
    if seen is None:
        return None
    probability, at = seen.crossing(threshold, direction, sustain)
    if at is None:
        return Breach(threshold, direction, horizon, probability, backtests=seen.backtests)
    earliest, likely, latest = (series.times[-1] + step * (ahead + 1) for ahead in (at.earliest, at.likely, at.latest))
    return Breach(threshold, direction, horizon, probability, earliest, likely, latest, seen.backtests)
