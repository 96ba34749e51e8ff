"""How unusual each sample of one series is, given what came before it.

Three views, each in standard deviations of its own past: the sample itself, how rough the last ten were, and how far
the last twenty are from the same time yesterday and last week. What is no more than the recent past showed weighs
little, and of one episode only its rises count, so that a reader is called once. No sample sees its future.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bot.analysis._regular import HUGE
from bot.analysis.frames import Array

THRESHOLD = 0.5
"""Scores from here on are worth a call: the best value on labelled series, with `SCALE`."""
SCALE = 7.4
"""The deviation, in past standard deviations, that scores one half."""
LONG = 6000
"""Samples of the past that say what is usual."""
RECENT = 700
"""Samples within which a deviation of the same size is no news."""
EPISODE = 100
"""Samples within which only a further rise counts."""
NOISE = 2.0
"""Deviations that everything shows."""
BOOST = 3.0
"""How much a deviation may be raised for being larger than any recent one."""
START = 50
"""The first samples say nothing."""
FLOOR = 3e-3
"""The least standard deviation, as a share of how far the series has been from its first value."""
DAY = 86400.0


def unusual(times: ArrayLike, values: ArrayLike) -> Array:
    """A score in 0..1 per sample (`times` in seconds, ascending; a missing sample repeats the one before)."""
    x = _carried(np.array(values, dtype=float).ravel())
    score = np.zeros(x.size)
    if x.size <= START:
        return score
    floor = FLOOR * np.maximum.accumulate(np.abs(x)) + 1e-12
    for view in _views(x, floor, _day(np.asarray(times, dtype=float).ravel(), x.size)):
        view[:START] = 0.0
        before = _highest_before(view, RECENT)
        news = np.minimum(view / np.maximum(before, NOISE), BOOST)
        score = np.maximum(score, view * news * news)
    score = np.where(score > _highest_before(score, EPISODE), score, 0.0)
    found: Array = score / (score + SCALE)
    return found


def _carried(x: Array) -> Array:
    """Missing (also absurdly huge) samples repeat the one before; values about unit size, counted from the first."""
    known = np.abs(x) < HUGE
    if not known.any():
        return np.zeros(x.size)
    last = np.maximum.accumulate(np.where(known, np.arange(x.size), np.argmax(known)))
    line = x[last]
    size = float(np.abs(line).max())
    line = line / size if size > 0 else line
    moved: Array = line - line[0]
    return moved


def _day(times: Array, size: int) -> int:
    """Samples a day, at least 2."""
    step = float(np.median(np.diff(times))) if times.size > 1 else DAY
    return max(2, min(round(DAY / step), size)) if step > 0 else size


def _views(x: Array, floor: Array, day: int) -> Iterator[Array]:
    """Deviations from the usual, in standard deviations of the past."""
    yield np.abs(_deviation(x, floor, 1))
    yield np.maximum(_deviation(_mean(np.abs(x - _ago(x, 1)), 10), floor, 10), 0.0)
    level = _mean(x, 20)
    apart = np.minimum(np.abs(level - _ago(level, day)), np.abs(level - _ago(level, 7 * day)))
    apart[: 2 * day] = 0.0
    seasonal = np.maximum(_deviation(apart, floor, 20), 0.0)
    seasonal[: 3 * day] = 0.0
    yield seasonal


def _deviation(x: Array, floor: Array, gap: int) -> Array:
    """Distance from the mean of the `LONG` samples up to `gap` ago, in their standard deviations (or the floor)."""
    level = _mean(x, LONG)
    spread = np.sqrt(np.maximum(_mean(x * x, LONG) - level * level, 0.0))
    away: Array = (x - _ago(level, gap)) / (_ago(spread, gap) + _ago(floor, gap))
    return away


def _mean(x: Array, window: int) -> Array:
    """The mean of the last `window` samples, of fewer at the start."""
    sums = np.cumsum(x)
    means = np.empty(x.size)
    head = min(window, x.size)
    means[:head] = sums[:head] / np.arange(1, head + 1)
    means[head:] = (sums[head:] - sums[:-head]) / window
    return means


def _ago(x: Array, samples: int) -> Array:
    """The values so many samples ago; the first one where there was none."""
    samples = min(samples, x.size)
    return np.concatenate((np.full(samples, x[0]), x[: x.size - samples]))


def _highest_before(x: Array, window: int) -> Array:
    """The highest of the `window` samples before each one; 0 where there were none (van Herk's two running maxima)."""
    size = x.size
    blocks = -(-(size + window) // window)
    padded = np.zeros(blocks * window)
    padded[window : window + size] = x
    rows = padded.reshape(blocks, window)
    left = np.maximum.accumulate(rows, axis=1).ravel()
    right = np.maximum.accumulate(rows[:, ::-1], axis=1)[:, ::-1].ravel()
    highest: Array = np.maximum(right[:size], left[window - 1 : window - 1 + size])
    return highest
