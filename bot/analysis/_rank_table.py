"""Tables of series, put side by side: the same columns in the same order, whatever each table has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.analysis.frames import Array

Rows = NDArray[np.int64]
SEPARATOR = "|"
PEERS = 4
"""From so many services on, the same metric of the others tells what is usual."""


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
class Families:
    """Which of the columns measure the same thing: `of` (m,) numbers the family of each, `sizes` counts its members."""

    of: Rows
    sizes: Rows

    @classmethod
    def by(cls, names: Sequence[str]) -> "Families":
        """Columns with the same name are of one family."""
        numbers = {name: n for n, name in enumerate(sorted(set(names)))}
        of = np.array([numbers[name] for name in names], dtype=np.int64)
        return cls(of, np.bincount(of, minlength=len(numbers)))

    def quantile(self, values: Array, share: float) -> Array:
        """For each column the quantile (linear) of its family's values, which are finite."""
        ordered = values[np.lexsort((values, self.of))]
        at = share * (self.sizes - 1)
        low = np.floor(at).astype(np.int64)
        starts = np.cumsum(self.sizes) - self.sizes
        lower, upper = ordered[starts + low], ordered[starts + np.minimum(low + 1, self.sizes - 1)]
        found: Array = lower + (upper - lower) * (at - low)
        return found[self.of]

    @property
    def many(self) -> NDArray[np.bool_]:
        """For each column whether its family has enough members to tell what is usual."""
        enough: NDArray[np.bool_] = (self.sizes >= PEERS)[self.of]
        return enough


@dataclass(frozen=True)
class Side:
    """Three tables over the same m columns: `post`, `base` (the usual) and `before` (right before; may have no row).

    `families` join the columns of one metric (with its statistic) over all services.
    """

    columns: tuple[str, ...]
    times: Array
    post: Array
    base: Array
    before: Array
    services: tuple[str, ...]
    metrics: tuple[str, ...]
    families: Families


def side_by_side(post: Table, baseline: Table, before: Table | None) -> Side:
    """The union of the columns by name, in the order of names, so that the order they come in changes nothing."""
    names = tuple(sorted({*post.columns, *baseline.columns, *(before.columns if before else ())}))
    parts = [name.partition(SEPARATOR) for name in names]
    metrics = tuple(part[2] for part in parts)
    return Side(
        columns=names,
        times=np.asarray(post.times, dtype=float),
        post=_aligned(post, names),
        base=_aligned(baseline, names),
        before=_aligned(before, names) if before else np.zeros((len(names), 0)),
        services=tuple(p[0] for p in parts),
        metrics=metrics,
        families=Families.by(metrics),
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
