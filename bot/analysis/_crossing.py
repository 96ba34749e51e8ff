"""Whether and when weighted paths cross a threshold."""

from dataclasses import dataclass

import numpy as np

from bot.analysis.frames import Array

TAIL = 0.16
"""Share of the first crossings left out on each side of the interval: measured on backtests, they lie a bit closer
together than what comes, and whole steps widen the interval again; together that makes 80 % or a bit more."""
BLUR = 0.5
"""Each past miss stands for a stretch of so many standard deviations of them all."""
NEAR = 0.1
"""The likely time is where most first crossings lie within this share of the horizon."""


@dataclass(frozen=True)
class Times:
    """Steps ahead (0 is the first future sample) of the first crossing."""

    earliest: int
    likely: int
    latest: int


def peaks(paths: Array, sustain: int) -> Array:
    """The highest level each path (last axis) holds for `sustain` samples in a row."""
    if sustain > 1:
        paths = np.lib.stride_tricks.sliding_window_view(paths, sustain, axis=-1).min(axis=-1)
    highest: Array = paths.max(axis=-1)
    return highest


def first(paths: Array, threshold: float, sustain: int) -> Array:
    """The first step of each path from which it holds `threshold` or more for `sustain` samples; -1 for never."""
    over = paths >= threshold
    if sustain > 1:
        over = np.lib.stride_tricks.sliding_window_view(over, sustain, axis=-1).min(axis=-1)
    found: Array = np.where(over.any(axis=-1), over.argmax(axis=-1), -1)
    return found


def times(steps: Array, weights: Array, calmer: Array, calm: Array, horizon: int) -> Times:
    """Where first crossings (steps, at least one) lie: an 80 % interval and the likely one.

    The likely one is the middle of the densest stretch, for which `calmer` paths' steps (weights `calm`) count too.
    """
    order = np.argsort(steps, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    low, high = (float(steps[order][min(int(np.searchsorted(share, q)), order.size - 1)]) for q in (TAIL, 1 - TAIL))
    likely = _densest(np.concatenate([steps, calmer]), np.concatenate([weights, calm]), 2 * max(1, int(NEAR * horizon)))
    return Times(int(min(low, likely)), likely, int(max(high, likely)))


def _densest(steps: Array, weights: Array, width: int) -> int:
    """The middle of the stretch of `width` steps that holds most weight."""
    order = np.argsort(steps, kind="stable")
    at = steps[order]
    before = np.concatenate(([0.0], np.cumsum(weights[order]) / weights.sum()))
    ends = np.searchsorted(at, at + width, side="right")
    held = before[ends] - before[:-1]
    best = np.flatnonzero(held >= held.max() - 1e-12)
    start = int(best[best.size // 2])
    return round(float(at[start] + at[ends[start] - 1]) / 2)


def chance(peak: float, misses: Array, weights: Array, threshold: float) -> float:
    """How likely a peak forecast at `peak` reaches the threshold, by how far past peaks `misses` came out above it."""
    centre = float(weights @ misses)
    width = BLUR * float(np.sqrt(weights @ (misses - centre) ** 2)) + 1e-9 * max(1e-3, abs(threshold))
    z = np.clip(1.7 * (misses - (threshold - peak)) / width, -40, 40)
    return float(weights @ (1 / (1 + np.exp(-z))))
