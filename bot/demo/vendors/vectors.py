"""Columns over a grid of evaluation times: the evaluator's values, and the rules that keep label sets unique."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.demo.vendors.failures import Execution

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs, `__name__` among them."""
Column = list[float | None]
"""A value or nothing at each evaluation time."""
Scalar = list[float]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One series of a result."""

    labels: Labels
    column: Column


Vector = list[Row]
DUPLICATE = "vector cannot contain metrics with the same labelset"


def without_name(labels: Labels) -> Labels:
    """The labels without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != "__name__")


def merged(rows: Iterable[Row], message: str = DUPLICATE) -> Vector:
    """Rows with equal labels become one. Raises Execution if two of them have a value at the same time."""
    found: dict[Labels, Row] = {}
    for row in rows:
        other = found.get(row.labels)
        if other is None:
            found[row.labels] = row
            continue
        if any(a is not None and b is not None for a, b in zip(other.column, row.column, strict=True)):
            raise Execution(message)
        column = [b if a is None else a for a, b in zip(other.column, row.column, strict=True)]
        found[row.labels] = Row(row.labels, column)
    return list(found.values())


def dense(vector: Vector) -> Vector:
    """Only the rows that have a value somewhere."""
    return [row for row in vector if row.column.count(None) < len(row.column)]


def spelled(labels: Labels) -> str:
    """Labels as they stand in messages: `{a="b", c="d"}`."""
    return "{" + ", ".join(f'{key}="{value}"' for key, value in labels) + "}"
