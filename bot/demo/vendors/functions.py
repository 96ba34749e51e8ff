"""Functions over instant vectors: pointwise mathematics, histogram quantiles, labels."""

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from bot.demo.vendors.failures import Execution
from bot.demo.vendors.plan import Range, Selector
from bot.demo.vendors.vectors import Column, Labels, Row, Scalar, Vector, dense, merged, without_name

LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def logarithm(base: Callable[[float], float]) -> Callable[[float], float]:
    """A logarithm with the server's values outside its domain."""

    def of(value: float) -> float:
        if value > 0.0:
            return base(value)
        return -math.inf if value == 0.0 else math.nan

    return of


def exponential(value: float) -> float:
    """e to the value; infinite beyond the largest number."""
    return math.exp(value) if value < 709.7 or math.isnan(value) else math.inf


def whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding function that leaves infinities and NaN alone."""
    return lambda value: float(function(value)) if math.isfinite(value) else value


MATH: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": whole(math.ceil),
    "floor": whole(math.floor),
    "exp": exponential,
    "ln": logarithm(math.log),
    "log2": logarithm(math.log2),
    "log10": logarithm(math.log10),
    "sqrt": lambda value: math.sqrt(value) if value >= 0.0 else math.nan,
    "sgn": lambda value: value if value == 0.0 or math.isnan(value) else math.copysign(1.0, value),
}


def clamp(value: float, low: float, high: float) -> float:
    """The value kept between two bounds."""
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return math.nan
    return max(low, min(high, value))


def rounded(value: float, nearest: float) -> float:
    """The nearest multiple, halves upwards."""
    if nearest == 0.0 or not math.isfinite(value):
        return math.nan if nearest == 0.0 else value
    inverse = 1.0 / nearest
    return math.floor(value * inverse + 0.5) / inverse


BOUNDED: dict[str, Callable[[float, Sequence[float]], float]] = {
    "clamp": lambda value, bounds: clamp(value, bounds[0], bounds[1]),
    "clamp_min": lambda value, bounds: clamp(value, bounds[0], math.inf),
    "clamp_max": lambda value, bounds: clamp(value, -math.inf, bounds[0]),
    "round": lambda value, bounds: rounded(value, bounds[0] if bounds else 1.0),
}


def pointwise(name: str, vector: Vector, bounds: list[Scalar]) -> Vector:
    """Applies one of `MATH` or `BOUNDED` to every value; the name goes."""
    rows: Vector = []
    for row in vector:
        column: Column
        if name in MATH:
            function = MATH[name]
            column = [None if value is None else function(value) for value in row.column]
        else:
            bounded = BOUNDED[name]
            each = zip(*bounds, strict=True) if bounds else ((),) * len(row.column)
            column = [None if value is None else bounded(value, at) for value, at in zip(row.column, each, strict=True)]
        rows.append(Row(without_name(row.labels), column))
    if name == "clamp":
        empty = [low > high for low, high in zip(*bounds, strict=True)]
        rows = [Row(r.labels, [None if e else v for v, e in zip(r.column, empty, strict=True)]) for r in rows]
    return dense(merged(rows))


def histogram_quantile(shares: Scalar, vector: Vector) -> Vector:
    """The quantile of classic histograms, linear within a bucket (Prometheus' `bucketQuantile`)."""
    groups: dict[Labels, list[tuple[float, Column]]] = {}
    for row in vector:
        bound = upper(dict(row.labels).get("le", ""))
        if bound is not None:
            rest = tuple(pair for pair in row.labels if pair[0] not in ("le", "__name__"))
            groups.setdefault(rest, []).append((bound, row.column))
    rows = []
    for labels, buckets in groups.items():
        buckets.sort(key=lambda bucket: bucket[0])
        bounds = [bound for bound, _ in buckets]
        cells = zip(*(column for _, column in buckets), strict=True)
        column = [bucket_quantile(share, bounds, counts) for share, counts in zip(shares, cells, strict=True)]
        rows.append(Row(labels, column))
    return dense(rows)


def upper(bound: str) -> float | None:
    """A bucket's upper bound; None if it is no number."""
    try:
        return float(bound)
    except ValueError:
        return None


def bucket_quantile(share: float, bounds: list[float], counts: Sequence[float | None]) -> float | None:
    """One quantile of one histogram; None without buckets, NaN without observations or without a last bucket."""
    there = [(bound, count) for bound, count in zip(bounds, counts, strict=True) if count is not None]
    if not there:
        return None
    if math.isnan(share) or share < 0.0 or share > 1.0:
        return math.nan if math.isnan(share) else math.copysign(math.inf, share - 0.5)
    if there[-1][0] != math.inf:
        return math.nan
    joined = [(bound, sum(count for _, count in same)) for bound, same in groupby(there, key=lambda cell: cell[0])]
    highest, ordered = 0.0, []
    for bound, count in joined:
        highest = max(highest, count)
        ordered.append((bound, highest))
    return interpolated(share, ordered)


def interpolated(share: float, buckets: list[tuple[float, float]]) -> float:
    """The place of a rank within growing cumulative buckets."""
    total = buckets[-1][1]
    if len(buckets) < 2 or total == 0.0 or math.isnan(total):
        return math.nan
    rank = share * total
    place = next((n for n, (_, count) in enumerate(buckets[:-1]) if count >= rank), len(buckets) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    end, count = buckets[place]
    if place == 0:
        return end if end <= 0.0 else end * ratio(rank, count)
    start, before = buckets[place - 1]
    return start + (end - start) * ratio(rank - before, count - before)


def ratio(part: float, total: float) -> float:
    """part / total; NaN for nothing of nothing."""
    return part / total if total else math.nan


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Sets a label from another one by a regular expression. Raises Execution as the server does."""
    try:
        regex = re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise Execution(f"invalid regular expression in label_replace(): {pattern}") from error
    if not LABEL.fullmatch(target):
        raise Execution(f"invalid destination label name in label_replace(): {target}")
    rows = []
    for row in vector:
        labels = dict(row.labels)
        found = regex.fullmatch(labels.get(source, ""))
        if found:
            labels[target] = expanded(replacement, found)
        rows.append(Row(tuple(sorted(pair for pair in labels.items() if pair[1])), row.column))
    return merged(rows)


def expanded(template: str, found: "re.Match[str]") -> str:
    """Puts `$1`, `${1}` and `${name}` into a template; `$$` is a dollar sign."""

    def group(place: "re.Match[str]") -> str:
        if place[0] == "$$":
            return "$"
        name = place["braced"] or place["bare"]
        key: str | int = int(name) if name.isdigit() else name
        try:
            return found[key] or ""
        except IndexError:
            return ""

    return re.sub(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<bare>\w+))", group, template)


def label_join(vector: Vector, target: str, separator: str, sources: Sequence[str]) -> Vector:
    """Joins labels into one. Raises Execution for a bad name."""
    if not LABEL.fullmatch(target):
        raise Execution(f"invalid destination label name in label_join(): {target}")
    rows = []
    for row in vector:
        labels = dict(row.labels)
        labels[target] = separator.join(labels.get(source, "") for source in sources)
        rows.append(Row(tuple(sorted(pair for pair in labels.items() if pair[1])), row.column))
    return merged(rows)


def absent(selector: object, vector: Vector, length: int) -> Vector:
    """1 at the times when there is nothing, with the labels that the selector asked for by `=`."""
    column: Column = [1.0] * length
    for row in vector:
        column = [None if value is not None else one for value, one in zip(row.column, column, strict=True)]
    inner = selector.selector if isinstance(selector, Range) else selector
    labels: dict[str, str] = {}
    if isinstance(inner, Selector):
        names = [name for _, name, _ in inner.matchers]
        labels = {
            name: value
            for op, name, value in inner.matchers
            if op == "=" and name != "__name__" and names.count(name) == 1
        }
    return dense([Row(tuple(sorted(labels.items())), column)])
