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
class Usual:
    """Per column of the baseline: median (NaN: unknown), MAD as a standard deviation, and every sample's deviation."""

    level: Array
    mad: Array
    away: Array

    @classmethod
    def of(cls, base: Array) -> "Usual":
        """What is usual in a baseline (m x n)."""
        level = medians(base)
        away = base - level[:, None]
        return cls(level, np.nan_to_num(MAD * medians(np.abs(away))), away)

    def spread(self) -> Array:
        """The larger of the MAD and the standard deviation, so that bursts that are usual count."""
        return spread_of(self.mad, *sums(self.away))


@dataclass(frozen=True)
class Sizes:
    """Per column: usual `level` and the new one (`now`), and the `size` of the shift in robust units, signed."""

    level: Array
    now: Array
    scale: Array
    size: Array


def sizes(side: Side, kinds: Sequence[str], usual: Usual) -> Sizes:
    """The shifts of all columns; 0 where one of the sides is unknown."""
    level, spread, still = usual.level, usual.spread(), _still(side)
    shift = beyond(side.post - level[:, None])
    if side.before.shape[1]:
        near = medians(side.before)
        lately = beyond(side.post - near[:, None])
        known = np.isfinite(near)
        fresh = (still | np.isnan(level)) & known
        level = np.where(fresh, near, level)
        spread = np.where(fresh, 0.0, spread)
        shift = np.where(fresh, lately, shift)
        stocks = np.array([kind in STOCKS for kind in kinds], dtype=bool)
        shift = np.where(stocks & known, _common(shift, lately), shift)
    shift = np.nan_to_num(shift)
    level = np.nan_to_num(level)
    scale = np.maximum(spread, RELATIVE * np.abs(level))
    scale = np.maximum(scale, peer_floor(side.families, spread, level, shift, still.astype(float)))
    size = np.divide(shift, scale, out=np.sign(shift) / RELATIVE, where=scale > 0)
    return Sizes(level, level + shift, scale, np.clip(size, -ENDLESS, ENDLESS))


def _common(first: Array, second: Array) -> Array:
    """The smaller of two shifts; none where they have different signs."""
    same = np.sign(first) == np.sign(second)
    return np.where(same, np.sign(first) * np.minimum(np.abs(first), np.abs(second)), 0.0)


def beyond(away: Array) -> Array:
    """How far a quarter of the samples is away at least, on the side where that is more; NaN where there is none."""
    rows, columns = away.shape
    if not columns:
        return np.full(rows, np.nan)
    ordered = np.sort(away, axis=1)
    last = np.maximum(columns - np.isnan(ordered).sum(axis=1) - 1, 0)
    up, down = _quantile(ordered, last, 0.75), _quantile(ordered, last, 0.25)
    return np.where(np.abs(up) >= np.abs(down), up, down)


def _quantile(ordered: Array, last: NDArray[np.int64], share: float) -> Array:
    """Each row's quantile (linear); `last` is the place of its last known value."""
    at = share * last
    low = np.floor(at).astype(np.int64)
    row = np.arange(len(ordered))
    lower, upper = ordered[row, low], ordered[row, np.minimum(low + 1, last)]
    found: Array = lower + (upper - lower) * (at - low)
    return found


def sums(away: Array) -> tuple[Array, Array, Array]:
    """Per row how many values are known, their sum, and the sum of their squares."""
    known = np.isfinite(away)
    filled = np.where(known, away, 0.0)
    return known.sum(axis=1).astype(float), filled.sum(axis=1), np.einsum("ij,ij->i", filled, filled)


def spread_of(mad: Array, number: Array, total: Array, square: Array) -> Array:
    """The larger of a MAD and the standard deviation that the sums tell."""
    number = np.maximum(number, 1.0)
    found: Array = np.maximum(mad, np.sqrt(np.maximum(square / number - (total / number) ** 2, 0.0)))
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
