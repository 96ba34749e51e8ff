"""A series as regular samples: gaps bridged, counters as rates, lone spikes left out of what the future is built on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bot.analysis.frames import Array

SPIKE = 10.0
"""A sample so many times the usual roughness away from the median of its five neighbours is a spike."""
FEWEST = 20
LONGEST = 200_000
GRAINS = 3
"""Fewer different values than these say nothing of how a source rounds."""
HUGE = 1e150
"""No metric is larger; what claims to be is a fault of the source and counts as missing."""


def filled(values: ArrayLike) -> Array:
    """The values, missing (NaN, infinite, absurdly huge) ones bridged by straight lines; empty if none is known."""
    x = np.array(values, dtype=float).ravel()
    known = np.abs(x) < HUGE
    if not known.any():
        return np.zeros(0)
    at = np.arange(x.size)
    line: Array = x if known.all() else np.interp(at, at[known], x[known])
    return line


def rate(values: ArrayLike, step: float) -> Array:
    """Per-second growth of a counter sampled each `step` seconds, one sample shorter; a fall is a reset to 0."""
    x = filled(values)
    grown = np.diff(x)
    growth: Array = np.where(grown < 0, np.maximum(x[1:], 0.0), grown) / step
    return growth


def gridded(times: Sequence[float], values: Sequence[float], step: float) -> Array:
    """Means per `step` seconds up to the newest, at most `LONGEST`; NaN where none fell (times in UTC seconds)."""
    at, x = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    known = np.abs(x) < HUGE
    at, x = at[known], x[known]
    if not x.size:
        return np.zeros(0)
    away = np.floor((at[-1] - at) / step + 0.5)
    late = away < LONGEST
    slot, x = away[late].astype(np.int64), x[late]
    size = int(slot.max()) + 1
    counts = np.bincount(slot, minlength=size)
    sums = np.bincount(slot, weights=x, minlength=size)
    with np.errstate(invalid="ignore"):
        means: Array = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)[::-1]
    return means


def grain(values: ArrayLike) -> tuple[float, float]:
    """What a source rounds to, as the step between two values and one of them; a step of 0 where it does not."""
    x = np.asarray(values, dtype=float).ravel()
    x = x[np.abs(x) < HUGE]
    levels = np.unique(x)
    if levels.size < GRAINS or 2 * levels.size > x.size:
        return 0.0, 0.0
    gaps = np.diff(levels)
    step = float(gaps[gaps > 1e-9 * np.abs(levels).max()].min(initial=HUGE))
    steps = (levels - levels[0]) / step
    even = bool((np.abs(steps - np.round(steps)) < 0.02).all()) and steps[-1] >= 1
    return (step, float(levels[0])) if even else (0.0, 0.0)


def despiked(x: Array) -> Array:
    """Lone spikes replaced by the median of five neighbours (a Hampel filter)."""
    if x.size < FEWEST:
        return x
    around = np.lib.stride_tricks.sliding_window_view(np.pad(x, 2, mode="edge"), 5)
    middle = np.sort(around, axis=1)[:, 2]
    away = np.abs(x - middle)
    usual = float(np.median(np.abs(np.diff(x))))
    if (away > 0).any():
        usual = max(usual, float(np.median(away[away > 0])))
    result: Array = np.where(away > SPIKE * 1.48 * usual, middle, x)
    return result
