"""How far each series moved, in robust units of its own and of the same metric elsewhere, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.analysis._rank_kinds import STOCKS
from bot.analysis._rank_table import Families, Side
from bot.analysis.changes import MAD, medians
from bot.analysis.frames import Array

RELATIVE = 0.05
"""A shift by this share of the level (its own, or the usual one of the same metric elsewhere) is one unit at least."""
ENDLESS = 1e9
"""More robust units than this are not told apart."""
CROWD = 0.75
"""The quantile of the shifts of one metric over services that is taken for common."""


@dataclass(frozen=True)
class Sizes:
    """Per column: usual `level` and the new one, `scale` (one robust unit) and `size` = shift / scale, signed."""

    level: Array
    now: Array
    scale: Array
    size: Array


def sizes(side: Side, kinds: Sequence[str]) -> Sizes:
    """The shifts of all columns; 0 where one of the sides is unknown."""
    stocks = np.array([kind in STOCKS for kind in kinds])
    level = medians(side.base)
    spread = spreads(side.base - level[:, None])
    shift = beyond(side.post - level[:, None])
    still = _still(side)
    if side.before.shape[1]:
        near = medians(side.before)
        lately = beyond(side.post - near[:, None])
        fresh = (still | np.isnan(level)) & np.isfinite(near)
        level = np.where(fresh, near, level)
        spread = np.where(fresh, 0.0, spread)
        shift = np.where(fresh, lately, shift)
        same = np.sign(shift) == np.sign(lately)
        least = np.where(same, np.sign(shift) * np.minimum(np.abs(shift), np.abs(lately)), 0.0)
        shift = np.where(stocks & np.isfinite(near), least, shift)
    shift = np.nan_to_num(np.where(np.isnan(level), 0.0, shift))
    usual = np.nan_to_num(level)
    scale = np.maximum(spread, RELATIVE * np.abs(usual))
    scale = np.maximum(scale, peer_floor(side.families, spread, usual, shift, still.astype(float)))
    size = np.divide(shift, scale, out=np.sign(shift) / RELATIVE, where=scale > 0)
    return Sizes(usual, usual + shift, scale, np.clip(size, -ENDLESS, ENDLESS))


def beyond(away: Array) -> Array:
    """How far a quarter of the samples is away at least, on the side where that is more; NaN where there is none."""
    up, down = quantiles(away, 0.75), quantiles(away, 0.25)
    return np.where(np.abs(up) >= np.abs(down), up, down)


def quantiles(values: Array, share: float) -> Array:
    """Each row's quantile (linear), NaN left out; NaN where nothing is left."""
    rows, columns = values.shape
    if not columns:
        return np.full(rows, np.nan)
    ordered = np.sort(values, axis=1)
    counts = columns - np.isnan(ordered).sum(axis=1)
    at = share * np.maximum(counts - 1, 0)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    row = np.arange(rows)
    lower, upper = ordered[row, low], ordered[row, high]
    found: Array = lower + (upper - lower) * (at - low)
    return found


def spreads(away: Array) -> Array:
    """The larger of the MAD and the standard deviation, so that bursts that are usual count."""
    known = np.isfinite(away)
    counts = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, away, 0.0)
    mean = filled.sum(axis=1) / counts
    square = np.maximum((filled**2).sum(axis=1) / counts - mean**2, 0.0)
    found: Array = np.maximum(np.nan_to_num(MAD * medians(np.abs(away))), np.sqrt(square))
    return found


def _still(side: Side) -> NDArray[np.bool_]:
    """Columns of a metric that never varied for any service in the baseline: it was not measured there."""
    if not side.base.shape[1]:
        return np.ones(len(side.columns), dtype=bool)
    high = np.where(np.isnan(side.base), -np.inf, side.base).max(axis=1)
    low = np.where(np.isnan(side.base), np.inf, side.base).min(axis=1)
    still: NDArray[np.bool_] = side.families.many & (side.families.quantile((high > low).astype(float), 1.0) == 0)
    return still


def peer_floor(families: Families, spread: Array, level: Array, shift: Array, still: Array | float = 0.0) -> Array:
    """A floor for each scale from the same metric of the other services, where there are enough of them.

    What most of them do is usual: their spread, a share of their level, and half of a shift that a quarter of them
    shares; one and a half of that shift where the baseline says nothing (`still` 1).
    """
    usual = np.maximum(families.quantile(spread, 0.5), RELATIVE * families.quantile(np.abs(level), 0.5))
    common = families.quantile(np.abs(shift), CROWD) * (0.5 + still)
    floor: Array = np.where(families.many, np.maximum(usual, common), 0.0)
    return floor


def since(side: Side, found: Sizes) -> Array:
    """When each column changed: the split of the window that best parts it into the usual and one new level."""
    rows, columns = side.post.shape
    if not columns:
        return np.full(rows, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = (side.post - found.level[:, None]) / np.where(found.scale > 0, found.scale, 1.0)[:, None]
    most = np.maximum(2.0 * np.abs(found.size), 1.0)[:, None]
    away = np.clip(np.nan_to_num(away), -most, most)
    tail = np.cumsum(away[:, ::-1], axis=1)[:, ::-1]
    gain = tail**2 / np.arange(columns, 0, -1)
    at: Array = side.times[np.argmax(gain, axis=1)]
    return at
