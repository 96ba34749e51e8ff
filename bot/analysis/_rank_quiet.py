"""Whether anything changed at all: shifts against what the baseline does by itself from one stretch to the next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.analysis._rank_sizes import ENDLESS, RELATIVE, Sizes, beyond, peer_floor
from bot.analysis._rank_table import Side
from bot.analysis.changes import MAD, medians
from bot.analysis.frames import Array

STRETCHES = 24
"""Stretches of the baseline that are tried, at most; each at least an eighth of it, or as long as the window."""
LEAST = 2.5
"""Robust units that the largest of many quiet series reaches at any time."""
BEYOND = 1.5
"""Times the largest shift that a metric shows in the baseline by itself, over all services, from which on it counts."""
ALONE = 5.0
"""Times as much again for kinds that seldom speak for themselves, where no other kind of the service moved."""
NEED_COMPANY = frozenset({"calling", "host", "other"})


def significance(side: Side, kinds: Sequence[str], found: Sizes) -> Array:
    """For each column how surely it changed: from 1 on more than its metric does in the baseline by itself."""
    chance = np.maximum(side.families.quantile(_by_itself(side), 1.0), LEAST)
    times = np.abs(found.size) / chance / BEYOND
    company: dict[str, set[str]] = {}
    for service, kind, over in zip(side.services, kinds, times.tolist(), strict=True):
        if over >= 1 and kind != "host":
            company.setdefault(service, set()).add(kind)
    lonely = np.array(
        [
            kind in NEED_COMPANY and not company.get(service, set()) - {kind}
            for service, kind in zip(side.services, kinds, strict=True)
        ],
        dtype=bool,
    )
    alone: Array = np.where(lonely, times / ALONE, times)
    return alone


def _by_itself(side: Side) -> Array:
    """Per column the largest shift of a stretch of the baseline against the rest of it, in robust units."""
    rows, columns = side.base.shape
    width = max(1, min(side.post.shape[1], columns // 8))
    count = min(STRETCHES, columns // width)
    largest = np.zeros(rows)
    if count < 2:
        return largest
    level = np.nan_to_num(medians(side.base))
    away = side.base - level[:, None]
    usual = np.maximum(np.nan_to_num(MAD * medians(np.abs(away))), RELATIVE * np.abs(level))
    known = np.isfinite(away)
    filled = np.where(known, away, 0.0)
    every = _sums(known, filled)
    for start in np.linspace(0, columns - width, count).astype(int).tolist():
        part = slice(start, start + width)
        shift = np.nan_to_num(beyond(away[:, part]))
        number, total, square = (a - b for a, b in zip(every, _sums(known[:, part], filled[:, part]), strict=True))
        number = np.maximum(number, 1.0)
        spread = np.maximum(usual, np.sqrt(np.maximum(square / number - (total / number) ** 2, 0.0)))
        scale = np.maximum(spread, peer_floor(side.families, spread, level, shift))
        over = np.divide(np.abs(shift), scale, out=np.zeros(rows), where=scale > 0)
        largest = np.maximum(largest, np.minimum(over, ENDLESS))
    return largest


def _sums(known: NDArray[np.bool_], filled: Array) -> tuple[Array, Array, Array]:
    """Per row how many values are known, their sum, and the sum of their squares."""
    return known.sum(axis=1).astype(float), filled.sum(axis=1), (filled**2).sum(axis=1)
