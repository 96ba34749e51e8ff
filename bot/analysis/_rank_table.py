"""Tables of series, put side by side: the same columns in the same order, whatever each table has."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bot.analysis.frames import Array

Rows = NDArray[np.int64]
SEPARATOR = "|"


@dataclass(frozen=True)
class Table:
    """Series of one stretch of time.

    `times` (n,) in any unit, ascending; `columns` m names `service|metric` or `service|metric|statistic`; `values`
    (m x n), NaN where a sample is missing.
    """

    times: Array
    columns: tuple[str, ...]
    values: Array

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.columns), len(self.times)):
            raise ValueError(
                f"values are {self.values.shape}, but there are {len(self.columns)} columns and {len(self.times)} times"
            )


@dataclass(frozen=True)
class Side:
    """Three tables over the same m columns: `post`, `base` (the usual) and `before` (right before; may have no row).

    `families` are the rows of one metric (with its statistic) over all services.
    """

    columns: tuple[str, ...]
    times: Array
    post: Array
    base: Array
    before: Array
    services: tuple[str, ...] = field(default=())
    metrics: tuple[str, ...] = field(default=())
    families: tuple[Rows, ...] = field(default=())


def side_by_side(post: Table, baseline: Table, before: Table | None) -> Side:
    """The union of the columns by name, in the order of names, so that the order they come in changes nothing."""
    names = tuple(sorted({*post.columns, *baseline.columns, *(before.columns if before else ())}))
    parts = [name.partition(SEPARATOR) for name in names]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, part in enumerate(parts):
        groups[part[2]].append(row)
    return Side(
        columns=names,
        times=np.asarray(post.times, dtype=float),
        post=_aligned(post, names),
        base=_aligned(baseline, names),
        before=_aligned(before, names) if before else np.zeros((len(names), 0)),
        services=tuple(p[0] for p in parts),
        metrics=tuple(p[2] for p in parts),
        families=tuple(np.array(rows) for _, rows in sorted(groups.items())),
    )


def _aligned(table: Table, names: Sequence[str]) -> Array:
    """The table's values in the order of the names; a column it has not is all NaN, and so is what is not finite."""
    where = {name: row for row, name in enumerate(table.columns)}
    values = np.full((len(names), len(table.times)), np.nan)
    known = [(row, where[name]) for row, name in enumerate(names) if name in where]
    if known:
        to, origin = (list(part) for part in zip(*known, strict=True))
        values[to] = table.values[origin]
    values[~(np.abs(values) < 1e150)] = np.nan
    return values
