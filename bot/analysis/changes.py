"""When series left their baseline: onset, end and return, on many series at once.

The baseline is the level a series starts from (or comes back to, when it starts in trouble and its bad side is known).
A point is out when it deviates by more than a threshold in robust units (median, MAD and the noise of first
differences); runs of such points are episodes. The onset of a ramp is found by walking back to the baseline.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bot.analysis.frames import Array

Mask = NDArray[np.bool_]
BLOCKS = 16
FEW = 12
"""With at most so many points to start from, the change may lie among them, and the first two count."""
MAD = 1.4826


@dataclass(frozen=True)
class Limits:
    """Per row: which side is bad (+1 up, -1 down, 0 both), robust units and least deviations that count, scale floor.

    `points` is how many points make an episode; `worst` is the worst level that can pass for usual.
    """

    bad: NDArray[np.int8]
    units: Array
    least: Array
    relative: Array
    floor: Array
    points: NDArray[np.int64]
    worst: Array


@dataclass(frozen=True)
class Baseline:
    """Per row: the usual level and its scale (never 0)."""

    level: Array
    scale: Array


@dataclass(frozen=True)
class Shift:
    """A row's departure: times in UTC seconds, `size` in robust units with its sign; `until` None while it lasts."""

    row: int
    before: float
    now: float
    peak: float
    size: float
    since: float
    until: float | None
    episodes: int
    share: float
    excess: float
    ramp: bool = False


def shifts(times: Array, values: Array, limits: Limits, allowed: Mask | None = None) -> tuple[Shift, ...]:
    """The departures of all rows that have one, in row order; only points that are `allowed` can be out."""
    if values.size == 0:
        return ()
    with _quiet():
        baseline = _baseline(values, limits, _start_size(values.shape[1]))
        may = np.ones(values.shape, dtype=bool) if allowed is None else allowed
        out = _outside(values, baseline, limits) & may
        baseline = _settle(values, out, baseline, limits)
        out = _outside(values, baseline, limits) & may
        found = (
            _shift(int(row), times, (values[row], out[row]), baseline, limits)
            for row in np.flatnonzero(out.any(axis=1))
        )
        return tuple(shift for shift in found if shift is not None)


def _start_size(columns: int) -> int:
    return max(4, int(columns * 0.12))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences numpy's words about rows without any point."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def medians(values: Array) -> Array:
    """Each row's median, NaN left out, NaN where nothing is left. One sort of all rows beats `nanmedian` many times."""
    rows, columns = values.shape
    if not columns:
        return np.full(rows, np.nan)
    ordered = np.sort(values, axis=1)
    counts = columns - np.isnan(ordered).sum(axis=1)
    row = np.arange(rows)
    low, high = np.maximum(counts - 1, 0) // 2, np.minimum(counts // 2, columns - 1)
    middle: Array = (ordered[row, low] + ordered[row, high]) / 2
    return middle


def _baseline(values: Array, limits: Limits, size: int) -> Baseline:
    """The level of the first points; of a later, better stretch where the bad side is known and the start was bad."""
    columns = values.shape[1]
    first = np.argmax(~np.isnan(values), axis=1)
    start = np.minimum(first[:, None] + np.arange(size), columns - 1)
    head = np.take_along_axis(values, start, axis=1)
    level = medians(head)
    blocks = np.array([medians(part) for part in np.array_split(values, min(BLOCKS, columns), axis=1)])
    pairs_high = np.fmax(blocks[:-1], blocks[1:]) if len(blocks) > 1 else blocks
    pairs_low = np.fmin(blocks[:-1], blocks[1:]) if len(blocks) > 1 else blocks
    best = np.where(limits.bad > 0, np.nanmin(pairs_high, axis=0), np.nanmax(pairs_low, axis=0))
    known = head
    if size <= FEW:
        early = np.where(limits.bad > 0, np.nanmax(head[:, :2], axis=1), np.nanmin(head[:, :2], axis=1))
        best = np.where(limits.bad > 0, np.fmin(best, early), np.fmax(best, early))
        known = np.broadcast_to(level[:, None], head.shape)
    gap = np.maximum(limits.units * _scale(known, level, values, limits), limits.least)
    gap = np.maximum(gap, limits.relative * np.abs(best))
    better = (limits.bad != 0) & ((level - best) * limits.bad > gap)
    usual = _capped(np.where(better, best, level), limits)
    sample = np.where((usual != level)[:, None], usual[:, None], head)
    return Baseline(np.nan_to_num(usual), _scale(sample, usual, values, limits))


def _capped(level: Array, limits: Limits) -> Array:
    """The level, but never worse than what can pass for usual: a series may be in trouble from its first point on."""
    worse = np.where(limits.bad > 0, np.minimum(level, limits.worst), np.maximum(level, limits.worst))
    return np.where(np.isnan(limits.worst) | (limits.bad == 0), level, worse)


def _scale(sample: Array, level: Array, values: Array, limits: Limits) -> Array:
    """The largest of: the sample's MAD, the noise between neighbours, the floor."""
    spread = MAD * medians(np.abs(sample - medians(sample)[:, None]))
    steps = np.abs(np.diff(values, axis=1))
    noise = MAD * medians(steps) / np.sqrt(2) if steps.shape[1] else np.zeros(len(values))
    known = np.fmax(np.nan_to_num(spread), np.nan_to_num(noise))
    return np.maximum(np.maximum(known, limits.floor), 1e-9 * np.maximum(1.0, np.abs(np.nan_to_num(level))))


def _outside(values: Array, baseline: Baseline, limits: Limits) -> Mask:
    deviation = values - baseline.level[:, None]
    signed = np.where(limits.bad[:, None] == 0, np.abs(deviation), deviation * limits.bad[:, None])
    threshold = np.maximum(limits.units * baseline.scale, limits.least)
    threshold = np.maximum(threshold, limits.relative * np.abs(baseline.level))
    result: Mask = signed > threshold[:, None]
    return result


def _settle(values: Array, out: Mask, baseline: Baseline, limits: Limits) -> Baseline:
    """The baseline again, from every point before the first departure (when there are enough)."""
    size = _start_size(values.shape[1])
    first_out = np.where(out.any(axis=1), np.argmax(out, axis=1), values.shape[1])
    quiet = np.where(np.arange(values.shape[1]) < first_out[:, None], values, np.nan)
    enough = (~np.isnan(quiet)).sum(axis=1) >= size
    usable = enough & ~out[:, : max(1, size // 2)].any(axis=1)
    level = np.where(usable, medians(quiet), baseline.level)
    scale = np.where(usable, _scale(quiet, level, quiet, limits), baseline.scale)
    return Baseline(np.nan_to_num(_capped(level, limits)), scale)


def runs(mask: Mask, gap: int) -> list[tuple[int, int]]:
    """Half-open runs of true; holes of up to `gap` points do not end one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    merged: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2):
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = merged[-1][0], int(end)
        else:
            merged.append((int(start), int(end)))
    return merged


def _shift(row: int, times: Array, line: tuple[Array, Mask], baseline: Baseline, limits: Limits) -> Shift | None:
    here = np.flatnonzero(~np.isnan(line[0]))
    x, out, times = line[0][here], line[1][here], times[here]
    least = int(limits.points[row])
    episodes = [(a, b) for a, b in runs(out, 1) if b - a >= least or (b == len(x) and b - a >= max(1, least - 1))]
    if not episodes:
        return None
    episodes = _tall(np.abs(x - float(baseline.level[row])), episodes)
    level, scale = float(baseline.level[row]), float(baseline.scale[row])
    inside = np.concatenate([np.arange(a, b) for a, b in episodes])
    inside = inside[out[inside]]
    deviation = x[inside] - level
    typical = float(np.median(deviation))
    sign = 1.0 if typical >= 0 else -1.0
    peak = float(x[inside][np.argmax(sign * deviation)])
    begin, ramp = _onset(times, sign * (x - level), episodes[0], scale)
    until = _until(times, episodes)
    threshold = max(limits.units[row] * scale, limits.least[row], limits.relative[row] * abs(level))
    last = slice(*episodes[-1])
    now = float(np.median(x[last][-5:])) if until is None else float(np.median(x[-5:]))
    return Shift(
        row, level, now, peak, typical / scale, begin, until, len(episodes), len(inside) / max(1, len(x)),
        abs(typical) / threshold, ramp,
    )  # fmt: skip


def _tall(out: Array, episodes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The episodes that come up to a third of the strongest: a blip is neither the onset nor a recurrence."""
    heights = [float(np.median(np.sort(out[a:b])[-3:])) for a, b in episodes]
    return [e for e, height in zip(episodes, heights, strict=True) if height >= max(heights) / 3]


def _until(times: Array, episodes: list[tuple[int, int]]) -> float | None:
    """When the last episode ended; None if it lasts, or if episodes recur and the next may be due."""
    end = episodes[-1][1]
    if end >= len(times):
        return None
    quiet = float(times[-1] - times[end])
    step = float(np.median(np.diff(times[-10:]))) if len(times) > 1 else 1.0
    gaps = [float(times[b[0]] - times[a[1] - 1]) for a, b in pairwise(episodes)]
    usual = max(gaps[-4:], default=0.0)
    return float(times[end]) if quiet > max(2 * step, 1.4 * usual) else None


def _onset(times: Array, out: Array, episode: tuple[int, int], scale: float) -> tuple[float, bool]:
    """Where the way out of the baseline began (UTC seconds), and whether that was a ramp rather than a step.

    `out` is how far out each point is. From the point that is half way out, back to the baseline's noise; a straight
    ramp is followed to the baseline.
    """
    start, end = episode
    height = float(np.median(np.sort(out[start:end])[-3:]))
    half = start + int(np.argmax(out[start:end] >= 0.5 * height))
    first = _back(out, half, max(0.1 * height, 1.5 * scale))
    early = _back(out, first, 1.5 * scale)
    before = float(times[max(0, first - 1)])
    if half - first >= 4:
        t, y = times[first : half + 1] - times[first], out[first : half + 1]
        slope, cut = np.polyfit(t, y, 1)
        rest = float(np.std(y - (slope * t + cut)))
        if slope > 0 and rest < 0.15 * np.ptp(y):
            line = float(times[first] - max(0.0, cut / slope))
            return float(np.clip(line, times[max(0, early - 1)], times[first])), True
    return (before + float(times[first])) / 2, False


def _back(out: Array, at: int, limit: float) -> int:
    """The first point of the unbroken stretch above `limit` that ends at a point."""
    while at > 0 and out[at - 1] > limit:
        at -= 1
    return at


def steady(times: Array, values: Array, tail: float) -> Iterator[tuple[int, float, float]]:
    """(row, slope per second, R²) of a straight line through the last `tail` seconds of each row with enough points."""
    late = times >= times[-1] - tail if len(times) else np.zeros(0, dtype=bool)
    for row, x in enumerate(values):
        here = late & ~np.isnan(x)
        if here.sum() < 5 or np.ptp(x[here]) == 0:
            continue
        t = times[here] - times[-1]
        slope, cut = np.polyfit(t, x[here], 1)
        rest = float(np.var(x[here] - (slope * t + cut)))
        yield row, float(slope), 1.0 - rest / float(np.var(x[here]))
