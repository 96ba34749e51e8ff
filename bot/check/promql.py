"""PromQL as a parsed tree: what may be sent to a source, and how a selector is built from foreign text."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import promql_parser as promql

from bot.domain.errors import BadArguments

MAX_LENGTH = 2_000
MAX_RANGE = timedelta(days=7)
MAX_OFFSET = timedelta(days=400)
MAX_SUBQUERY_POINTS = 11_000
MAX_SERIES = 1_000
_MAX_DEPTH = 40
_MAX_OPERATORS = 60
_MAX_REGEX = 300
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_OPERATORS = re.compile(r"[-+*/%^]|\b(?:or|and|unless|atan2)\b|[=!<>]=|[<>]")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*')
_NESTED = re.compile(r"\([^()]*[|+*?}][^()]*\)[+*{]|\{\d{4,}|(?:\.\*.*){4}")
_LEGACY = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OFFSET = f"An offset may be at most {MAX_OFFSET.days} days."
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def check_query(query: str) -> None:
    """Raise BadArguments, saying what to change, for a query that is invalid or could hurt its source."""
    for node, level in _walk(_parse(query), 0):
        check = _CHECKS.get(type(node))
        if check is not None:
            check(node)
        if level > 1:
            raise BadArguments("Only one subquery level: take the inner [range:step] away, or ask in two steps.")


def metric_names(query: str) -> tuple[str, ...]:
    """The metrics a query reads, each once, in order; raises BadArguments when it does not parse."""
    selectors = (n for n, _ in _walk(_parse(query), 0) if isinstance(n, promql.VectorSelector))
    return tuple(dict.fromkeys(name for s in selectors if (name := _name(s))))


def selector(metric: str, labels: Mapping[str, str]) -> str:
    """`metric{name="value",…}` with every value escaped; any text is safe as a value."""
    if not metric:
        raise BadArguments("A selector needs a metric name.")
    plain = _LEGACY.fullmatch(metric) is not None
    parts = [] if plain else [_quoted(metric)]
    parts += [f"{name if _LABEL.fullmatch(name) else _quoted(name)}={_quoted(value)}" for name, value in labels.items()]
    head = metric if plain else ""
    return f"{head}{{{','.join(parts)}}}" if parts else head


def _quoted(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return (
        '"'
        + "".join(_ESCAPES.get(c) or (f"\\x{ord(c):02x}" if not c.isprintable() and ord(c) < 128 else c) for c in text)
        + '"'
    )


def _parse(query: str) -> promql.Expr:
    if not query.strip():
        raise BadArguments("The query is empty.")
    if len(query) > MAX_LENGTH:
        raise BadArguments(f"The query has {len(query)} characters; at most {MAX_LENGTH} are allowed.")
    if _CONTROL.search(query):
        raise BadArguments("The query holds control characters; take them out.")
    bare = _STRINGS.sub("", query)
    if max(_depths(bare), default=0) > _MAX_DEPTH or len(_OPERATORS.findall(bare)) > _MAX_OPERATORS:
        raise BadArguments("The query is nested too deeply or chains too many operators; ask in smaller queries.")
    try:
        return promql.parse(query)
    except ValueError as error:
        raise BadArguments(f"Not valid PromQL: {error}") from error


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        yield depth


def _walk(root: promql.Expr, level: int) -> Iterator[tuple[promql.Expr, int]]:
    """Every node of the tree, with the number of subqueries around it, itself included."""
    stack = [(root, level)]
    while stack:
        node, depth = stack.pop()
        depth += isinstance(node, promql.SubqueryExpr)
        yield node, depth
        stack.extend((child, depth) for child in reversed(_children(node)))


def _children(node: promql.Expr) -> list[promql.Expr]:
    match node:
        case promql.BinaryExpr():
            return [node.lhs, node.rhs]
        case promql.Call():
            return list(node.args)
        case promql.AggregateExpr():
            return [node.expr, *([node.param] if node.param is not None else [])]
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [node.expr]
    return []


def _name(node: promql.VectorSelector) -> str:
    if node.name:
        return str(node.name)
    equal = [m.value for m in node.matchers.matchers if m.name == "__name__" and m.op == promql.MatchOp.Equal]
    return equal[0] if equal else ""


def _check_selector(node: promql.VectorSelector) -> None:
    if not _name(node):
        raise BadArguments('Name the metric literally, as in http_requests_total{job="a"}; search metrics to find it.')
    if node.matchers.or_matchers:
        raise BadArguments("`or` between label matchers is not allowed; use a regular expression or two queries.")
    for matcher in node.matchers.matchers:
        if matcher.op in (promql.MatchOp.Re, promql.MatchOp.NotRe):
            _check_regex(matcher.value)
    _check_offset(node)


def _check_regex(pattern: str) -> None:
    if len(pattern) > _MAX_REGEX or _NESTED.search(pattern):
        raise BadArguments(
            f"Simplify the regular expression {pattern[:40]!r}: no repeat of a repeat, ≤ {_MAX_REGEX} characters."
        )


def _check_offset(node: promql.VectorSelector | promql.SubqueryExpr) -> None:
    try:
        offset = node.offset or timedelta(0)
    except ValueError as error:  # beyond what a timedelta holds
        raise BadArguments(_OFFSET) from error
    if abs(offset) > MAX_OFFSET:
        raise BadArguments(_OFFSET)


def _check_range(node: promql.MatrixSelector | promql.SubqueryExpr) -> None:
    if node.range is None or node.range > MAX_RANGE:
        raise BadArguments(f"The range in [...] may be at most {MAX_RANGE.days} days.")


def _check_subquery(node: promql.SubqueryExpr) -> None:
    _check_range(node)
    _check_offset(node)
    step = node.step or timedelta(minutes=1)
    if step <= timedelta(0) or (node.range or MAX_RANGE) / step > MAX_SUBQUERY_POINTS:
        raise BadArguments(
            f"The subquery has more than {MAX_SUBQUERY_POINTS} points; take a larger step or a shorter range."
        )


def _check_aggregate(node: promql.AggregateExpr) -> None:
    if isinstance(node.param, promql.NumberLiteral) and node.param.val > MAX_SERIES:
        raise BadArguments(f"At most {MAX_SERIES} series: lower the first argument of {node.op}.")


def _check_binary(node: promql.BinaryExpr) -> None:
    modifier = node.modifier
    if modifier is None or modifier.card not in _JOINS or modifier.matching is None:
        return
    if modifier.matching.type == promql.LabelModifierType.Include and not modifier.matching.labels:
        raise BadArguments("group_left and group_right need the labels to join on, as in on(instance) group_left().")


def _check_call(node: promql.Call) -> None:
    if node.func.name == "label_replace" and isinstance(node.args[4], promql.StringLiteral):
        _check_regex(node.args[4].val)


_JOINS = (promql.VectorMatchCardinality.ManyToOne, promql.VectorMatchCardinality.OneToMany)
_CHECKS: dict[type, Callable[[Any], None]] = {
    promql.VectorSelector: _check_selector,
    promql.MatrixSelector: _check_range,
    promql.SubqueryExpr: _check_subquery,
    promql.AggregateExpr: _check_aggregate,
    promql.BinaryExpr: _check_binary,
    promql.Call: _check_call,
}
