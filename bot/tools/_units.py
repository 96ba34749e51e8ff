"""Which unit a query's result has, as far as its metrics' names and its form tell."""

import re

_NAMED = (
    (r"_(seconds|duration)(_bucket|_sum|_count|_total)?$", "seconds"),
    (r"_(bytes)(_bucket|_sum|_count|_total)?$", "bytes"),
    (r"_(ratio|utilization)(_bucket|_sum|_count)?$", "ratio"),
    (r"(_total|_count|_bucket)$", "count"),
)
_COMPARED = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*(bool\b)?")
_CALL = re.compile(r"\s*([a-z_0-9]+)\s*(?:(?:by|without)\s*\([^()]*\)\s*)?\(", re.IGNORECASE)
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)")
_KEEP = frozenset({
    "sum", "avg", "min", "max", "topk", "bottomk", "quantile", "abs", "clamp", "clamp_min", "clamp_max", "sort",
    "sort_desc", "round", "ceil", "floor", "scalar", "vector", "label_replace", "label_join", "avg_over_time",
    "min_over_time", "max_over_time", "last_over_time", "quantile_over_time", "increase", "sum_over_time",
    "predict_linear", "delta", "idelta", "stddev", "histogram_quantile",
})  # fmt: skip
_FIXED = {
    "count": "count", "count_values": "count", "changes": "count", "resets": "count", "count_over_time": "count",
    "time": "seconds", "timestamp": "seconds",
}  # fmt: skip
_RATES = frozenset({"rate", "irate", "deriv"})
_LAST = frozenset({"topk", "bottomk", "quantile", "histogram_quantile", "quantile_over_time"})
"""Functions whose last argument is the series."""


def unit_of(query: str) -> str:
    """`seconds`, `bytes`, `ratio`, `1/s`, `count`, or empty where it cannot be told."""
    expr = _bare(re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', '""', query))
    left = _split(expr, _COMPARED)
    if len(left) > 1:
        return unit_of(left[0])
    sums = _split(expr, re.compile(r"(?<![eE])[-+]|\bor\b|\band\b|\bunless\b"))
    if len(sums) > 1:
        return _sum([unit_of(part) for part in sums])
    parts = _split(expr, re.compile(r"/"))
    if len(parts) > 1:
        return _quotient(unit_of(parts[0]), unit_of(parts[1]), parts)
    return _term(expr) if len(_split(expr, re.compile(r"[*^%]"))) == 1 else ""


def _term(expr: str) -> str:
    call = _CALL.match(expr)
    if call is None:
        name = _SELECTOR.match(expr)
        return _of_name(name[1]) if name else ""
    function, arguments = call[1].lower(), _split(_inside(expr, call.end()), re.compile(r","))
    argument = arguments[-1 if function in _LAST else 0]
    if function in _RATES:
        return _rate(unit_of(argument))
    return _FIXED.get(function, "") or (unit_of(argument) if function in _KEEP else "")


def _of_name(name: str) -> str:
    if re.search(r"_(seconds|bytes)_(bucket|count)$", name):
        return "seconds_bucket" if "_seconds_bucket" in name else "count"
    return next((unit for pattern, unit in _NAMED if re.search(pattern, name)), "")


def _rate(unit: str) -> str:
    return {"count": "1/s", "seconds": "ratio", "seconds_bucket": "seconds"}.get(unit, "")


def _sum(units: list[str]) -> str:
    known = {unit for unit in units if unit}
    return known.pop() if len(known) == 1 else ""


def _quotient(above: str, below: str, parts: list[str]) -> str:
    if len(parts) == 2 and _is_number(parts[1]):
        return above if parts[1].strip() == "1" else ""
    if above == "ratio" and below == "1/s":
        return "seconds"  # rate(x_seconds_sum) / rate(x_seconds_count)
    return "ratio" if above and above == below else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", text, re.IGNORECASE) is not None


def _bare(expr: str) -> str:
    """Without parentheses around the whole."""
    expr = expr.strip()
    while expr.startswith("(") and len(_inside(expr, 1)) == len(expr) - 2:
        expr = expr[1:-1].strip()
    return expr


def _inside(expr: str, start: int) -> str:
    """What stands between the parenthesis before `start` and the one that closes it."""
    depth = 1
    for at in range(start, len(expr)):
        depth += (expr[at] in "([{") - (expr[at] in ")]}")
        if depth == 0:
            return expr[start:at]
    return expr[start:]


def _split(expr: str, operator: re.Pattern[str]) -> list[str]:
    """The parts between operators that stand in no parentheses."""
    parts, depth, begin, at = [], 0, 0, 0
    while at < len(expr):
        depth += (expr[at] in "([{") - (expr[at] in ")]}")
        found = operator.match(expr, at) if depth == 0 and at > begin else None
        if found:
            parts.append(expr[begin:at])
            begin = at = found.end()
        else:
            at += 1
    return [*parts, expr[begin:]]
