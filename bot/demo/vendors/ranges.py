"""Functions over range vectors, as Prometheus defines them."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from bot.demo.shop.series import Series
from bot.demo.vendors.vectors import Column
from bot.demo.vendors.windows import Span, Windows


def increases(
    values: Sequence[float], raw: Sequence[float], spans: list[Span | None], counter: bool, unit: float
) -> Column:
    """The extrapolated increase over each span, per `unit`; `values` are `raw` with resets made good.

    A counter is not stretched to before the time when it would have been 0.
    """
    column: Column = []
    for one in spans:
        if one is None:
            column.append(None)
            continue
        change = values[one.last] - values[one.first]
        start = one.start
        if counter and change > 0 and raw[one.first] >= 0:
            start = min(start, one.sampled * (raw[one.first] / change))
        column.append(change * one.stretch(start) / unit)
    return column


class Rates:
    """rate, increase and delta; for counters far from 0 the factors are shared by all series of a target."""

    def __init__(self, windows: Windows, unit: float) -> None:
        self._windows = windows
        self._unit = unit
        self._factors: dict[int, tuple[list[tuple[int, int, float]], float, float] | None] = {}

    def column(self, series: Series, values: Sequence[float], length: int, offset: int, counter: bool) -> Column:
        """The increase over each range of `length` milliseconds."""
        spans = self._windows.spans(series, length, offset)
        if not counter:
            return increases(values, series.values, spans, False, self._unit)
        if id(spans) not in self._factors:
            self._factors[id(spans)] = self._shared(spans)
        shared = self._factors[id(spans)]
        if shared is None:
            return increases(values, series.values, spans, True, self._unit)
        factors, shortest, farthest = shared
        raw, begin, end = series.values, factors[0][0], factors[-1][0]
        unbroken = values[end] - values[begin] == raw[end] - raw[begin]
        if not unbroken or raw[begin] * shortest < farthest * (values[factors[-1][1]] - values[begin]):
            return increases(values, series.values, spans, True, self._unit)
        return [(values[last] - values[first]) * factor for first, last, factor in factors]

    def _shared(self, spans: list[Span | None]) -> tuple[list[tuple[int, int, float]], float, float] | None:
        full = [one for one in spans if one is not None]
        if len(full) < len(spans) or not full:
            return None
        factors = [(one.first, one.last, one.stretch(one.start) / self._unit) for one in full]
        return factors, min(one.sampled for one in full), max(one.start for one in full)


def quantile(share: float, values: Sequence[float]) -> float:
    """The quantile of unsorted values, linear between neighbours."""
    if not values or math.isnan(share):
        return math.nan
    if share < 0.0 or share > 1.0:
        return math.copysign(math.inf, share - 0.5)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = share * (len(ordered) - 1)
    low = max(0, math.floor(rank))
    high = min(len(ordered) - 1, low + 1)
    weight = rank - math.floor(rank)
    return ordered[low] * (1.0 - weight) + ordered[high] * weight


def variance(values: Sequence[float]) -> float:
    """The population's variance."""
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def least(values: Sequence[float]) -> float:
    """The smallest number that is not NaN, if there is one."""
    found = min(values)
    return found if not math.isnan(found) else min((v for v in values if not math.isnan(v)), default=math.nan)


def most(values: Sequence[float]) -> float:
    """The largest number that is not NaN, if there is one."""
    found = max(values)
    return found if not math.isnan(found) else max((v for v in values if not math.isnan(v)), default=math.nan)


def changes(values: Sequence[float]) -> float:
    """How often the value changed."""
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairwise(values)))


def resets(values: Sequence[float]) -> float:
    """How often the value fell."""
    return float(sum(b < a for a, b in pairwise(values)))


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


FOLDS: dict[str, Callable[[Sequence[float]], float]] = {
    "avg_over_time": mean,
    "min_over_time": least,
    "max_over_time": most,
    "sum_over_time": sum,
    "count_over_time": lambda values: float(len(values)),
    "last_over_time": lambda values: values[-1],
    "present_over_time": lambda values: 1.0,
    "stddev_over_time": lambda values: math.sqrt(variance(values)),
    "stdvar_over_time": variance,
    "changes": changes,
    "resets": resets,
}
"""Functions of the values alone."""


def fold(name: str, series: Series, ranges: list[tuple[int, int]]) -> Column:
    """Applies one of `FOLDS` to each range."""
    function, values = FOLDS[name], series.values
    return [function(values[low:high]) if high > low else None for low, high in ranges]


def instant(series: Series, ranges: list[tuple[int, int]], counter: bool) -> Column:
    """irate (per second, from the last two samples) or idelta (their difference)."""
    column: Column = []
    for low, high in ranges:
        if high - low < 2:
            column.append(None)
            continue
        before, after = series.values[high - 2], series.values[high - 1]
        if not counter:
            column.append(after - before)
            continue
        seconds = (series.times[high - 1] - series.times[high - 2]) / 1000.0
        column.append((after if after < before else after - before) / seconds)
    return column


def regression(series: Series, low: int, high: int, origin: int) -> tuple[float, float]:
    """Slope per second and value at `origin` (milliseconds) of the least-squares line; a constant has slope 0."""
    values = series.values[low:high]
    if all(value == values[0] for value in values):
        return (math.nan, math.nan) if math.isinf(values[0]) else (0.0, values[0])
    places = [(time - origin) / 1000.0 for time in series.times[low:high]]
    number = float(len(values))
    sum_x, sum_y = math.fsum(places), math.fsum(values)
    cov = math.fsum(x * y for x, y in zip(places, values, strict=True)) - sum_x * sum_y / number
    slope = cov / (math.fsum(x * x for x in places) - sum_x * sum_x / number)
    return slope, sum_y / number - slope * sum_x / number


def slopes(series: Series, ranges: list[tuple[int, int]]) -> Column:
    """deriv: the slope of each range's line."""
    return [regression(series, low, high, series.times[low])[0] if high - low > 1 else None for low, high in ranges]


def predictions(series: Series, ranges: list[tuple[int, int]], times: Sequence[int], ahead: Sequence[float]) -> Column:
    """predict_linear: each range's line, `ahead` seconds after the evaluation time."""
    column: Column = []
    for (low, high), time, seconds in zip(ranges, times, ahead, strict=True):
        if high - low < 2:
            column.append(None)
            continue
        slope, intercept = regression(series, low, high, time)
        column.append(slope * seconds + intercept)
    return column
