"""The simple forecasters an ensemble is made of, each for many origins at once.

None is good everywhere, each is right somewhere: the newest level, straight lines, the same time yesterday or last
week, the usual day, the last cycle of a rhythm of its own, each with and without what the level did since. Level means
come from running sums, so that a member costs one pass over origins × horizon.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bot.analysis._regressed import regressed
from bot.analysis.frames import Array

Steps = NDArray[np.int64]
DAYS = 7


class Past:
    """A regular series with its running sums, seen from `origins` (first future samples) over `horizon` steps.

    `turn` is the length of its own rhythm in steps, 0 for none.
    """

    def __init__(self, x: Array, origins: Steps, horizon: int, day: int, turn: int = 0) -> None:
        self.x = x
        self.day = day
        self.turn = turn
        self.origins = origins
        self.at = origins[:, None]
        self.ahead = np.arange(horizon)
        self.index = self.at + self.ahead
        self.first = int(origins.min())
        self.horizon = horizon
        self.recent = max(1, horizon // 48)
        self._smooth = _smoothed(x, self.recent // 2)
        self.fading = 0.5 ** (self.ahead / max(1, horizon // 8))
        self._sums = np.concatenate(([0.0], np.cumsum(x)))
        self._moments = np.concatenate(([0.0], np.cumsum(np.arange(x.size) * x)))

    def mean(self, since: int, until: int = 0) -> Array:
        """Mean of the samples from `since` to `until` steps before each origin, shape (origins, 1)."""
        start = np.maximum(self.at - since, 0)
        end = self.at - until
        means: Array = (self._sums[end] - self._sums[start]) / np.maximum(end - start, 1)
        return means

    def around(self, index: Steps) -> Array:
        """The smoothed samples at past indices (origins × horizon), of which none reaches past its origin."""
        smooth: Array = self._smooth[np.minimum(index, self.at - 1 - self.recent // 2)]
        return smooth

    def line(self, window: int) -> Array:
        """The least-squares line through the last `window` samples, drawn into the future."""
        drawn: Array = self.mean(window) + self._slope(window, 0) * (self.index - self.at + (window + 1) / 2)
        return drawn

    def bend(self, window: int) -> Array:
        """From the newest level on, growth that grows as it did from the `window` samples before the last ones."""
        slope, ahead = self._slope(window, 0), self.ahead + 1
        growth = (slope - self._slope(window, window)) / window
        drawn: Array = self.mean(self.recent) + (slope + growth * window / 2) * ahead + growth * ahead**2 / 2
        return drawn

    def _slope(self, window: int, until: int) -> Array:
        """The least-squares slope of `window` samples that end `until` steps before each origin, shape (origins, 1)."""
        end = self.at - until
        start = end - window
        level = (self._sums[end] - self._sums[start]) / window
        moment = (self._moments[end] - self._moments[start]) / window
        slopes: Array = (moment - (start + end - 1) / 2 * level) / ((window * window - 1) / 12)
        return slopes


def _smoothed(x: Array, half: int) -> Array:
    """Means of each sample and `half` neighbours on each side: fine steps' noise is nothing to repeat tomorrow."""
    sums = np.concatenate(([0.0], np.cumsum(x)))
    at = np.arange(x.size)
    start, end = np.maximum(at - half, 0), np.minimum(at + half + 1, x.size)
    means: Array = (sums[end] - sums[start]) / (end - start)
    return means


def members(past: Past) -> Array:
    """All forecasts the shortest past allows, shape (members, origins, horizon)."""
    return np.stack([np.broadcast_to(path, past.index.shape) for path in _all(past)])


def _all(past: Past) -> Iterator[Array]:
    yield from _plain(past)
    if past.first >= 2 * past.day:
        yield from _daily(past)
    if past.first >= (DAYS + 1) * past.day and past.horizon <= DAYS * past.day:
        yield from _weekly(past)
    if past.turn:
        yield from _own(past)
    found = regressed(past.x, past.origins, past.horizon, past.day, past.recent)
    if found is not None:
        yield found


def _plain(past: Past) -> Iterator[Array]:
    """The newest level, the long-run mean, a short and a long line, and growth that goes on growing."""
    yield past.mean(past.recent)
    yield past.mean(DAYS * past.day if past.first >= past.day else 4 * past.horizon)
    for window in (past.horizon // 2, 2 * past.horizon):
        if 4 <= window <= past.first:
            yield past.line(window)
    if past.horizon >= 4 and past.first >= 2 * past.horizon:
        yield past.bend(past.horizon)


def _daily(past: Past) -> Iterator[Array]:
    """Yesterday and the usual day: as they were, moved to today's level, with the growth from day to day."""
    day, recent = past.day, past.recent
    turns = 1 + past.ahead // day
    yesterday = past.around(past.index - day * turns)
    today = past.mean(day)
    since = past.mean(recent) - past.mean(recent + day, day)
    yield yesterday
    yield yesterday + since * past.fading
    yield yesterday + since * turns
    yield yesterday + (today - past.mean(2 * day, day)) * turns
    days = DAYS if past.first >= DAYS * day else 3 if past.first >= 3 * day else 2
    slots = past.at + past.ahead % day
    usual: Array = sum((past.around(slots - k * day) for k in range(1, days + 1)), np.zeros(past.index.shape)) / days
    growth = (today - past.mean(days * day, (days - 1) * day)) / (days - 1)
    yield usual
    yield usual - past.mean(days * day) + today + growth * turns
    before = [past.mean(recent + k * day, k * day) for k in range(1, days)]
    yield usual + (past.mean(recent) - sum(before, np.zeros(past.at.shape)) / len(before)) * past.fading


def _own(past: Past) -> Iterator[Array]:
    """The last cycle of the series' own rhythm: as it was, and with what the level did since."""
    turn, recent = past.turn, past.recent
    turns = 1 + past.ahead // turn
    last = past.around(past.index - turn * turns)
    since = past.mean(recent) - past.mean(recent + turn, turn)
    yield last
    yield last + since * turns


def _weekly(past: Past) -> Iterator[Array]:
    """The last week or weeks, as they were and moved to the present level."""
    day, recent, week = past.day, past.recent, DAYS * past.day
    last = past.around(past.index - week)
    yield last
    yield last + past.mean(day) - past.mean(day + week, week)
    yield last + (past.mean(recent) - past.mean(recent + week, week)) * past.fading
    turns = 1 + past.ahead // day
    yield past.around(past.index - day * turns) + last - past.around(past.index - week - day * turns)
    total = last
    for weeks in (2, 3):
        if past.first >= weeks * week:
            total = total + past.around(past.index - weeks * week)
            yield total / weeks
