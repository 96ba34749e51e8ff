"""Whether anything changed at all: shifts against what the baseline does by itself from one stretch to the next."""

from collections.abc import Sequence

import numpy as np

from bot.analysis._rank_sizes import ENDLESS, RELATIVE, Sizes, Usual, beyond, peer_floor, spread_of, sums
from bot.analysis._rank_table import Side
from bot.analysis.frames import Array

STRETCHES = 24
"""Stretches of the baseline that are tried, at most; each at least an eighth of it, or as long as the window."""
LEAST = 2.5
"""Robust units that the largest of many quiet series reaches at any time."""
BEYOND = 1.5
"""Times the largest shift that a metric shows in the baseline by itself, over all services, from which on it counts."""
ALONE = 5.0
"""Times as much again for kinds that need company, where no other kind of the service moved."""
NEED_COMPANY = frozenset({"calling", "host", "other"})
"""Kinds that seldom speak for themselves: what others do, what a host shares, and what no word tells."""


def significance(side: Side, kinds: Sequence[str], found: Sizes, usual: Usual) -> Array:
    """For each column how surely it changed: from 1 on more than its metric does in the baseline by itself."""
    chance = np.maximum(side.families.quantile(_by_itself(side, usual), 1.0), LEAST)
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


def _by_itself(side: Side, usual: Usual) -> Array:
    """Per column the largest shift of a stretch of the baseline against the rest of it, in robust units."""
    rows, columns = side.base.shape
    width = max(1, min(side.post.shape[1], columns // 8))
    count = min(STRETCHES, columns // width)
    largest = np.zeros(rows)
    if count < 2:
        return largest
    level = np.nan_to_num(usual.level)
    every = sums(usual.away)
    for start in np.linspace(0, columns - width, count).astype(int).tolist():
        part = usual.away[:, start : start + width]
        shift = np.nan_to_num(beyond(part))
        rest = (whole - here for whole, here in zip(every, sums(part), strict=True))
        spread = spread_of(usual.mad, *rest)
        scale = np.maximum(
            np.maximum(spread, RELATIVE * np.abs(level)), peer_floor(side.families, spread, level, shift)
        )
        over = np.divide(np.abs(shift), scale, out=np.zeros(rows), where=scale > 0)
        largest = np.maximum(largest, np.minimum(over, ENDLESS))
    return largest
