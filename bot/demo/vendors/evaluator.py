"""Evaluates a plan over a grid of times at once: a column per series instead of a loop per time."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from bot.demo.shop.series import Series
from bot.demo.vendors import functions, plan, ranges
from bot.demo.vendors.aggregations import aggregate
from bot.demo.vendors.arithmetic import SETS, combine
from bot.demo.vendors.binary import between, sets, with_scalar
from bot.demo.vendors.failures import Execution, Timeout
from bot.demo.vendors.storage import Storage
from bot.demo.vendors.vectors import DUPLICATE, Labels, Row, Scalar, Vector, dense, merged, without_name
from bot.demo.vendors.windows import Windows

TIMED_OUT = "query timed out in expression evaluation"
PER_RANGE = {"rate": (True, True), "increase": (True, False), "delta": (False, False)}
"""Function: is it of a counter, is it per second."""


@dataclass(frozen=True)
class Spread:
    """A range vector's series with where its ranges lie; `times` are the evaluation times."""

    series: list[Series]
    length: int
    offset: int
    windows: Windows
    stored: bool = False


@dataclass
class Evaluation:
    """One query over `times` (milliseconds). `deadline` is a monotonic time. Raises Execution and Timeout."""

    storage: Storage
    times: Sequence[int]
    deadline: float = math.inf
    windows: Windows = field(init=False)

    def __post_init__(self) -> None:
        self.windows = Windows(self.times)

    def scalar(self, node: plan.Node) -> Scalar:
        """A node that evaluates to a scalar, at each time."""
        if isinstance(node, plan.Number):
            return [node.value] * len(self.times)
        if isinstance(node, plan.Negate):
            return [-value for value in self.scalar(node.expr)]
        if isinstance(node, plan.Binary):
            pairs = zip(self.scalar(node.left), self.scalar(node.right), strict=True)
            return [cast("float", combine(node.op, a, b, node.boolean)) for a, b in pairs]
        call = cast("plan.Call", node)
        if call.name == "time":
            return [moment / 1000.0 for moment in self.times]
        vector = self.vector(call.args[0])
        return [self._only(vector, place) for place in range(len(self.times))]

    @staticmethod
    def _only(vector: Vector, place: int) -> float:
        there = [row.column[place] for row in vector if row.column[place] is not None]
        return cast("float", there[0]) if len(there) == 1 else math.nan

    def vector(self, node: plan.Node) -> Vector:
        """A node that evaluates to an instant vector, at each time."""
        self._hurry()
        return self._KINDS[type(node)](self, node)

    def _hurry(self) -> None:
        """Raises Timeout after the deadline."""
        if time.monotonic() > self.deadline:
            raise Timeout(TIMED_OUT)

    def _select(self, selector: plan.Selector) -> list[Series]:
        """The selector's series; finding them may have taken long."""
        found = self.storage.select(selector.matchers)
        self._hurry()
        return found

    def _selector(self, node: plan.Selector) -> Vector:
        chosen = self._select(node)
        rows = [Row(s.key, self.windows.column(s, node.offset)) for s in chosen]
        return dense(rows)

    def _negate(self, node: plan.Negate) -> Vector:
        rows = [
            Row(without_name(row.labels), [None if value is None else -value for value in row.column])
            for row in self.vector(node.expr)
        ]
        return merged(rows)

    def _aggregate(self, node: plan.Aggregate) -> Vector:
        param = None if node.param is None else self.scalar(node.param)
        return aggregate(node, self.vector(node.expr), param)

    def _binary(self, node: plan.Binary) -> Vector:
        scalars = [plan.kind(side) == "scalar" for side in (node.left, node.right)]
        if scalars[0]:
            return with_scalar(node, self.vector(node.right), self.scalar(node.left), swapped=True)
        if scalars[1]:
            return with_scalar(node, self.vector(node.left), self.scalar(node.right), swapped=False)
        left, right = self.vector(node.left), self.vector(node.right)
        return sets(node, left, right) if node.op in SETS else between(node, left, right)

    def _call(self, node: plan.Call) -> Vector:
        if node.args and any(plan.kind(arg) == "matrix" for arg in node.args):
            return self._over_range(node)
        if node.name in self._CALLS:
            return self._CALLS[node.name](self, node)
        bounds = [self.scalar(arg) for arg in node.args[1:]]
        return functions.pointwise(node.name, self.vector(node.args[0]), bounds)

    def _histogram_quantile(self, node: plan.Call) -> Vector:
        return functions.histogram_quantile(self.scalar(node.args[0]), self.vector(node.args[1]))

    def _label_replace(self, node: plan.Call) -> Vector:
        target, replacement, source, pattern = (cast("plan.Text", arg).value for arg in node.args[1:])
        return functions.label_replace(self.vector(node.args[0]), target, replacement, source, pattern)

    def _label_join(self, node: plan.Call) -> Vector:
        target, separator, *sources = (cast("plan.Text", arg).value for arg in node.args[1:])
        return functions.label_join(self.vector(node.args[0]), target, separator, sources)

    def _absent(self, node: plan.Call) -> Vector:
        return functions.absent(node.args[0], self.vector(node.args[0]), len(self.times))

    def _vector(self, node: plan.Call) -> Vector:
        return [Row((), list(self.scalar(node.args[0])))]

    def _sort(self, node: plan.Call) -> Vector:
        """Orders an instant query's result; a range query's has no order."""
        rows, sign = self.vector(node.args[0]), -1.0 if node.name == "sort_desc" else 1.0

        def key(row: Row) -> tuple[bool, float]:
            value = cast("float", row.column[0])
            return math.isnan(value), sign * value

        return sorted(rows, key=key) if len(self.times) == 1 else rows

    def _timestamp(self, node: plan.Call) -> Vector:
        arg = node.args[0]
        if not isinstance(arg, plan.Selector):
            rows = self.vector(arg)
            return [Row(without_name(r.labels), [None if v is None else t / 1000.0 for v, t in zip(
                r.column, self.times, strict=True)]) for r in rows]  # fmt: skip
        found: Vector = []
        for series in self._select(arg):
            places = self.windows.places(series, arg.offset)
            column = [series.times[at] / 1000.0 if at >= 0 else None for at in places]
            found.append(Row(without_name(series.key), column))
        return dense(merged(found))

    def spread(self, node: plan.Node) -> Spread:
        """A range vector: of stored series, or of an expression evaluated on its own grid."""
        if isinstance(node, plan.Range):
            chosen = self._select(node.selector)
            return Spread(chosen, node.range, node.selector.offset, self.windows, stored=True)
        inner = cast("plan.Subquery", node)
        first = self.times[0] - inner.offset - inner.range
        first += (-first) % inner.step
        grid = range(first, self.times[-1] - inner.offset + 1, inner.step)
        rows: Vector = []
        if grid:
            evaluation = Evaluation(self.storage, grid, self.deadline)
            rows = evaluation.rows(inner.expr)
        series = [self._series(row, grid) for row in rows]
        return Spread(series, inner.range, inner.offset, self.windows)

    def rows(self, node: plan.Node) -> Vector:
        """A node of any numeric kind as rows: a scalar is one without labels."""
        return [Row((), list(self.scalar(node)))] if plan.kind(node) == "scalar" else self.vector(node)

    @staticmethod
    def _series(row: Row, grid: Sequence[int]) -> Series:
        there = [(moment, value) for moment, value in zip(grid, row.column, strict=True) if value is not None]
        return Series(dict(row.labels), [moment for moment, _ in there], [value for _, value in there])

    def _over_range(self, node: plan.Call) -> Vector:
        place = next(n for n, arg in enumerate(node.args) if plan.kind(arg) == "matrix")
        spread = self.spread(node.args[place])
        params = [self.scalar(arg) for arg in node.args if plan.kind(arg) == "scalar"]
        column = self._column_of(node.name, spread, params)
        rows = []
        for series in spread.series:
            labels: Labels = series.key
            keeps = node.name == "last_over_time"
            rows.append(Row(labels if keeps else without_name(labels), column(series)))
        rows = dense(rows)
        if node.name == "absent_over_time":
            return functions.absent(node.args[place], rows, len(self.times))
        if len({row.labels for row in rows}) < len(rows):
            raise Execution(DUPLICATE)
        return rows

    def _column_of(self, name: str, spread: Spread, params: list[Scalar]) -> Callable[[Series], Any]:
        """The function that gives a series' column."""
        windows, length, offset = spread.windows, spread.length, spread.offset
        if name in PER_RANGE:
            counter, per_second = PER_RANGE[name]
            rates = ranges.Rates(windows, length / 1000.0 if per_second else 1.0)
            corrected = self.storage.corrected
            return lambda s: rates.column(s, corrected(s) if counter else s.values, length, offset, counter)
        if name in ("irate", "idelta"):
            return lambda s: ranges.instant(s, windows.ranges(s, length, offset), name == "irate")
        if name == "deriv":
            return lambda s: ranges.slopes(s, windows.ranges(s, length, offset))
        if name == "predict_linear":
            return lambda s: ranges.predictions(s, windows.ranges(s, length, offset), self.times, params[0])
        if name == "quantile_over_time":
            return lambda s: [
                ranges.quantile(share, s.values[low:high]) if high > low else None
                for share, (low, high) in zip(params[0], windows.ranges(s, length, offset), strict=True)
            ]
        fold = "present_over_time" if name == "absent_over_time" else name
        return lambda s: ranges.fold(fold, s, windows.ranges(s, length, offset))

    _KINDS: ClassVar[dict[type, Callable[["Evaluation", Any], Vector]]] = {
        plan.Selector: _selector,
        plan.Negate: _negate,
        plan.Aggregate: _aggregate,
        plan.Binary: _binary,
        plan.Call: _call,
    }
    _CALLS: ClassVar[dict[str, Callable[["Evaluation", Any], Vector]]] = {
        "histogram_quantile": _histogram_quantile,
        "label_replace": _label_replace,
        "label_join": _label_join,
        "absent": _absent,
        "vector": _vector,
        "sort": _sort,
        "sort_desc": _sort,
        "timestamp": _timestamp,
    }
