"""Parses the PromQL subset that the demo's Prometheus understands; the whole subset stands in `FUNCTIONS` and `OPS`.

In: all selectors and matchers, offset, range vectors, subqueries, the functions and aggregations below, arithmetic,
comparison and set operators with bool, on, ignoring, group_left and group_right. Out: `@`, native histograms,
`atan2`, `count_values`, and every other function; they get an error of Prometheus' own form.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as pp

from bot.demo.vendors import plan
from bot.demo.vendors.failures import BadData
from bot.demo.vendors.wording import parse_error

DEFAULT_STEP = 15_000
"""The step of a subquery that names none: the evaluation interval, in milliseconds."""
OVER_TIME = ("avg", "min", "max", "sum", "count", "last", "stddev", "stdvar", "present", "quantile", "absent")
MATRIX = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets"}
    | {f"{name}_over_time" for name in OVER_TIME}
)
POINTWISE = frozenset({"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "ln", "log2", "log10", "exp"}
                      | {"sqrt", "sgn", "timestamp"})  # fmt: skip
OTHER = frozenset({"histogram_quantile", "label_replace", "label_join", "absent", "time", "vector", "scalar"}
                  | {"sort", "sort_desc"})  # fmt: skip
FUNCTIONS = MATRIX | POINTWISE | OTHER
OPS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile")
RETURNS: dict[str, plan.Kind] = {"time": "scalar", "scalar": "scalar"}


@lru_cache(maxsize=512)
def parse(query: str) -> plan.Node:
    """The plan of a query. Raises BadData with Prometheus' wording."""
    try:
        return _node(pp.parse(query), query)
    except ValueError as error:
        raise BadData(f'invalid parameter "query": {parse_error(query, str(error))}') from error


def _unsupported(query: str, what: str) -> ValueError:
    place = query.find(what.partition(" ")[0]) + 1
    return ValueError(f"@{max(1, place)}: {what} is not supported")


def _ms(delta: timedelta | None) -> int:
    return 0 if delta is None else round(delta.total_seconds() * 1000)


def _node(expr: Any, query: str) -> plan.Node:
    """Translates one node of the parser's tree."""
    translate = NODES.get(type(expr))
    if translate is None:
        raise _unsupported(query, f"{type(expr).__name__} expression")
    return translate(expr, query)


def _subquery(expr: Any, query: str) -> plan.Subquery:
    if expr.at is not None:
        raise _unsupported(query, "@ modifier")
    step = _ms(expr.step) or DEFAULT_STEP
    return plan.Subquery(_node(expr.expr, query), _ms(expr.range), step, _ms(expr.offset))


def _unary(expr: Any, query: str) -> plan.Node:
    inner = _node(expr.expr, query)
    return plan.Number(-inner.value) if isinstance(inner, plan.Number) else plan.Negate(inner)


OPERATORS = ((pp.MatchOp.Equal, "="), (pp.MatchOp.NotEqual, "!="), (pp.MatchOp.Re, "=~"), (pp.MatchOp.NotRe, "!~"))
"""The parser's operators cannot be hashed."""


def _selector(expr: Any, query: str) -> plan.Selector:
    if expr.at is not None:
        raise _unsupported(query, "@ modifier")
    matchers = [(_operator(m.op), m.name, m.value) for m in expr.matchers.matchers]
    if expr.matchers.or_matchers:
        raise _unsupported(query, "or between matchers")
    if expr.name is not None and not any(name == "__name__" for _, name, _ in matchers):
        matchers.insert(0, ("=", "__name__", expr.name))
    return plan.Selector(tuple(matchers), _ms(expr.offset))


def _operator(op: Any) -> str:
    return next(sign for known, sign in OPERATORS if known == op)


def _call(expr: Any, query: str) -> plan.Call:
    name = expr.func.name
    if name not in FUNCTIONS:
        raise ValueError(f"unknown function with name '{name}'")
    return plan.Call(name, tuple(_node(arg, query) for arg in expr.args), RETURNS.get(name, "vector"))


def _aggregate(expr: Any, query: str) -> plan.Aggregate:
    op = str(expr.op)
    if op not in OPS:
        raise _unsupported(query, f"{op} aggregation")
    by = expr.modifier is None or expr.modifier.type == pp.AggModifierType.By
    labels = () if expr.modifier is None else tuple(expr.modifier.labels)
    param = None if expr.param is None else _node(expr.param, query)
    return plan.Aggregate(op, _node(expr.expr, query), param, by, labels)


def _binary(expr: Any, query: str) -> plan.Binary:
    op, modifier = str(expr.op), expr.modifier
    if op == "atan2":
        raise _unsupported(query, "atan2 operator")
    left, right = _node(expr.lhs, query), _node(expr.rhs, query)
    if modifier is None:
        return plan.Binary(op, left, right)
    matching, card = modifier.matching, modifier.card
    on = matching is not None and matching.type == pp.LabelModifierType.Include
    labels = () if matching is None else tuple(matching.labels)
    group: Any = None
    if card == pp.VectorMatchCardinality.ManyToOne:
        group = "left"
    elif card == pp.VectorMatchCardinality.OneToMany:
        group = "right"
    include = tuple(modifier.group_labels or ())
    return plan.Binary(op, left, right, modifier.return_bool, on, labels, group, include)


NODES: dict[type, Callable[[Any, str], plan.Node]] = {
    pp.ParenExpr: lambda expr, query: _node(expr.expr, query),
    pp.NumberLiteral: lambda expr, query: plan.Number(expr.val),
    pp.StringLiteral: lambda expr, query: plan.Text(expr.val),
    pp.VectorSelector: _selector,
    pp.MatrixSelector: lambda expr, query: plan.Range(_selector(expr.vector_selector, query), _ms(expr.range)),
    pp.SubqueryExpr: _subquery,
    pp.Call: _call,
    pp.AggregateExpr: _aggregate,
    pp.UnaryExpr: _unary,
    pp.BinaryExpr: _binary,
}
