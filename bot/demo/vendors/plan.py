"""A parsed query in our own frozen nodes: what the evaluator walks."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["scalar", "vector", "matrix", "string"]
Matcher = tuple[str, str, str]
"""Operator (=, !=, =~, !~), label name, value."""


@dataclass(frozen=True)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True)
class Selector:
    """An instant vector selector; `offset` in milliseconds."""

    matchers: tuple[Matcher, ...]
    offset: int = 0


@dataclass(frozen=True)
class Range:
    """A range vector selector; `range` in milliseconds."""

    selector: Selector
    range: int


@dataclass(frozen=True)
class Subquery:
    """An expression evaluated over a range; milliseconds."""

    expr: "Node"
    range: int
    step: int
    offset: int = 0


@dataclass(frozen=True)
class Call:
    """A function call; `returns` is what it gives."""

    name: str
    args: tuple["Node", ...]
    returns: Kind


@dataclass(frozen=True)
class Aggregate:
    """An aggregation: `by` True keeps the labels, False (`without`) drops them."""

    op: str
    expr: "Node"
    param: "Node | None"
    by: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Binary:
    """A binary operation: `on` True matches on the labels, False ignores them; `group` is the many side."""

    op: str
    left: "Node"
    right: "Node"
    boolean: bool = False
    on: bool = False
    labels: tuple[str, ...] = ()
    group: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Negate:
    """Unary minus."""

    expr: "Node"


Node = Number | Text | Selector | Range | Subquery | Call | Aggregate | Binary | Negate


FIXED: dict[type, Kind] = {Number: "scalar", Text: "string", Range: "matrix", Subquery: "matrix"}


def kind(node: Node) -> Kind:
    """What a node evaluates to."""
    if isinstance(node, Call):
        return node.returns
    if isinstance(node, Binary):
        return "scalar" if kind(node.left) == kind(node.right) == "scalar" else "vector"
    if isinstance(node, Negate):
        return kind(node.expr)
    return FIXED.get(type(node), "vector")
