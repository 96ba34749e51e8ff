"""Binary operators between scalars and vectors: matching of label sets, one to one or many to one."""

from collections import defaultdict

from bot.demo.vendors.arithmetic import ARITHMETIC, combine
from bot.demo.vendors.failures import Execution
from bot.demo.vendors.plan import Binary
from bot.demo.vendors.vectors import Column, Labels, Row, Scalar, Vector, dense, merged, spelled, without_name

MANY = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
GROUPED = "multiple matches for labels: grouping labels must ensure unique matches"


def with_scalar(node: Binary, vector: Vector, scalar: Scalar, swapped: bool) -> Vector:
    """A vector against a scalar; `swapped` when the scalar stands on the left."""
    drop = node.op in ARITHMETIC or node.boolean
    rows = []
    for row in vector:
        column: Column = []
        for value, number in zip(row.column, scalar, strict=True):
            if value is None:
                column.append(None)
                continue
            found = (
                combine(node.op, number, value, node.boolean)
                if swapped
                else combine(node.op, value, number, node.boolean)
            )
            keeps = swapped and found is not None and not drop
            column.append(value if keeps else found)
        rows.append(Row(without_name(row.labels) if drop else row.labels, column))
    return dense(merged(rows))


def signature(node: Binary, labels: Labels) -> Labels:
    """What has to be equal on both sides."""
    if node.on:
        return tuple(pair for pair in labels if pair[0] in node.labels)
    return tuple(pair for pair in labels if pair[0] not in node.labels and pair[0] != "__name__")


def grouped(node: Binary, vector: Vector) -> dict[Labels, Vector]:
    """Rows by their signature."""
    groups: dict[Labels, Vector] = defaultdict(list)
    for row in vector:
        groups[signature(node, row.labels)].append(row)
    return groups


def between(node: Binary, left: Vector, right: Vector) -> Vector:
    """Arithmetic or comparison of two vectors. Raises Execution where the matching is ambiguous."""
    many, one, side = (right, left, "left") if node.group == "right" else (left, right, "right")
    ones = grouped(node, one)
    for key, partners in ones.items():
        unique(partners, key, side)
    pairs: list[Row] = []
    for key, rows in grouped(node, many).items():
        partners = ones.get(key, [])
        if partners and node.group is None:
            alone(rows, partners)
        for row in rows:
            pairs.extend(paired(node, row, partner) for partner in partners)
    return dense(merged(pairs, GROUPED if node.group else MANY))


def unique(rows: Vector, key: Labels, side: str) -> None:
    """Raises Execution if two rows of the one side have a value at the same time."""
    for number, row in enumerate(rows):
        for other in rows[:number]:
            if any(a is not None and b is not None for a, b in zip(row.column, other.column, strict=True)):
                raise Execution(
                    f"found duplicate series for the match group {spelled(key)} on the {side} hand-side of the "
                    f"operation: [{spelled(row.labels)}, {spelled(other.labels)}];many-to-many matching not allowed: "
                    "matching labels must be unique on one side"
                )


def alone(rows: Vector, partners: Vector) -> None:
    """Raises Execution if two rows meet a partner at the same time without a group modifier."""
    there = [any(cells) for cells in zip(*([v is not None for v in p.column] for p in partners), strict=True)]
    for number, row in enumerate(rows):
        for other in rows[:number]:
            both = zip(row.column, other.column, there, strict=True)
            if any(a is not None and b is not None and partner for a, b, partner in both):
                raise Execution(MANY)


def paired(node: Binary, many: Row, one: Row) -> Row:
    """One row of the many side with its partner."""
    column: Column = []
    for a, b in zip(many.column, one.column, strict=True):
        if a is None or b is None:
            column.append(None)
        elif node.group == "right":
            found = combine(node.op, b, a, node.boolean)
            column.append(found)
        else:
            column.append(combine(node.op, a, b, node.boolean))
    return Row(outcome(node, many.labels, one.labels), column)


def outcome(node: Binary, many: Labels, one: Labels) -> Labels:
    """The labels of a pair's result."""
    labels = without_name(many) if node.op in ARITHMETIC or node.boolean else many
    if node.group is None:
        if node.on:
            return tuple(pair for pair in labels if pair[0] in node.labels)
        return tuple(pair for pair in labels if pair[0] not in node.labels)
    source, merged_labels = dict(one), dict(labels)
    for name in node.include:
        if source.get(name):
            merged_labels[name] = source[name]
        else:
            merged_labels.pop(name, None)
    return tuple(sorted(merged_labels.items()))


def sets(node: Binary, left: Vector, right: Vector) -> Vector:
    """and, or, unless: which rows are there, at each time."""
    lefts, rights = presence(node, left), presence(node, right)
    if node.op == "or":
        rows = [*left, *(kept(node, row, lefts, False) for row in right)]
    else:
        rows = [kept(node, row, rights, node.op == "and") for row in left]
    return dense(merged(rows))


def presence(node: Binary, vector: Vector) -> dict[Labels, list[bool]]:
    """Where each signature has a value."""
    found: dict[Labels, list[bool]] = {}
    for key, rows in grouped(node, vector).items():
        found[key] = [any(v is not None for v in cells) for cells in zip(*(r.column for r in rows), strict=True)]
    return found


def kept(node: Binary, row: Row, other: dict[Labels, list[bool]], wanted: bool) -> Row:
    """The row's values where the other side's presence is as wanted."""
    there = other.get(signature(node, row.labels))
    if there is None:
        return Row(row.labels, [None] * len(row.column) if wanted else row.column)
    return Row(row.labels, [v if here is wanted else None for v, here in zip(row.column, there, strict=True)])
