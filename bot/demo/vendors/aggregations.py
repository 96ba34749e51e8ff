"""Aggregations over the rows of a vector, at each evaluation time."""

import math
from collections.abc import Callable, Sequence

from bot.demo.vendors.plan import Aggregate
from bot.demo.vendors.ranges import least, mean, most, quantile, variance
from bot.demo.vendors.vectors import Column, Labels, Row, Scalar, Vector, dense

Cells = Sequence[float]
FOLDS: dict[str, Callable[[Cells], float]] = {
    "sum": sum,
    "avg": mean,
    "min": least,
    "max": most,
    "count": lambda cells: float(len(cells)),
    "group": lambda cells: 1.0,
    "stddev": lambda cells: math.sqrt(variance(cells)),
    "stdvar": variance,
}


def key(node: Aggregate, labels: Labels) -> Labels:
    """The labels that a row's group keeps."""
    if node.by:
        return tuple(pair for pair in labels if pair[0] in node.labels)
    return tuple(pair for pair in labels if pair[0] not in node.labels and pair[0] != "__name__")


def aggregate(node: Aggregate, vector: Vector, param: Scalar | None) -> Vector:
    """The aggregation's result."""
    groups: dict[Labels, Vector] = {}
    for row in vector:
        groups.setdefault(key(node, row.labels), []).append(row)
    if node.op in ("topk", "bottomk"):
        return dense([row for rows in groups.values() for row in ranked(rows, param or [], node.op == "topk")])
    return [Row(labels, folded(node.op, [row.column for row in rows], param)) for labels, rows in groups.items()]


def folded(op: str, columns: list[Column], param: Scalar | None) -> Column:
    """One column out of many."""
    if op == "quantile":
        return [quantile_present(share, cells) for *cells, share in zip(*columns, param or [], strict=True)]
    fold = FOLDS[op]
    if any(None in column for column in columns):
        return [fold_present(fold, row) for row in zip(*columns, strict=True)]
    return [fold(row) for row in zip(*columns, strict=True)]


def fold_present(fold: Callable[[Cells], float], cells: Sequence[float | None]) -> float | None:
    """Folds the cells that have a value; None if none has."""
    there = [cell for cell in cells if cell is not None]
    return fold(there) if there else None


def quantile_present(share: float | None, cells: Sequence[float | None]) -> float | None:
    """A quantile of the cells that have a value; None if none has."""
    there = [cell for cell in cells if cell is not None]
    return quantile(math.nan if share is None else share, there) if there else None


def ranked(rows: Vector, counts: Scalar, largest: bool) -> Vector:
    """topk and bottomk: each row where it is among the first, the best of the last time first."""
    columns: list[Column] = [[None] * len(row.column) for row in rows]
    order: list[int] = []
    for place, count in enumerate(counts):
        cells = [(number, row.column[place]) for number, row in enumerate(rows)]
        there = [(number, value) for number, value in cells if value is not None]
        there.sort(key=lambda cell: (math.isnan(cell[1]), -cell[1] if largest else cell[1]))
        order = [number for number, _ in there]
        for number, value in there[: max(0, int(count)) if not math.isnan(count) else 0]:
            columns[number][place] = value
    rest = [number for number in range(len(rows)) if number not in order]
    return [Row(rows[number].labels, columns[number]) for number in (*order, *rest)]
