"""Which samples an evaluation time sees: worked out once for all series that share their sample times."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from bot.demo.shop.series import Series
from bot.demo.vendors.vectors import Column

LOOKBACK = 300_000
"""How old the newest sample may be, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """The samples first … last of a range, and how an increase over them is stretched to the range's borders.

    Prometheus' rule: up to a border that is near (within 1.1 mean intervals), else by half an interval. Seconds.
    """

    first: int
    last: int
    sampled: float
    start: float
    end: float
    mean: float

    def stretch(self, start: float) -> float:
        """The factor for an increase whose series began `start` seconds before its first sample at the earliest."""
        near = self.mean * 1.1
        before = start if start < near else self.mean / 2.0
        behind = self.end if self.end < near else self.mean / 2.0
        return (self.sampled + before + behind) / self.sampled


class Windows:
    """Evaluation times, shifted by an offset, against lists of sample times; milliseconds."""

    def __init__(self, times: Sequence[int]) -> None:
        self.times = times
        self._places: dict[tuple[int, int], list[int]] = {}
        self._ranges: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        self._spans: dict[tuple[int, int, int], list[Span | None]] = {}

    def places(self, series: Series, offset: int) -> list[int]:
        """The index of the sample that each evaluation time sees; -1 for none."""
        key = id(series.times), offset
        if key not in self._places:
            places = []
            for time in self.times:
                at = bisect_right(series.times, time - offset) - 1
                places.append(at if at >= 0 and series.times[at] >= time - offset - LOOKBACK else -1)
            self._places[key] = places
        if not series.stale:
            return self._places[key]
        return self._unless_stale(series, self._places[key], offset)

    def _unless_stale(self, series: Series, places: list[int], offset: int) -> list[int]:
        """Takes back what had ended before the evaluation time."""
        kept = []
        for time, at in zip(self.times, places, strict=True):
            ended = bisect_right(series.stale, time - offset) - 1
            gone = at >= 0 and ended >= 0 and series.stale[ended] > series.times[at]
            kept.append(-1 if gone else at)
        return kept

    def column(self, series: Series, offset: int) -> Column:
        """The value that each evaluation time sees."""
        values, places = series.values, self.places(series, offset)
        if -1 in places:
            return [values[at] if at >= 0 else None for at in places]
        return list(map(values.__getitem__, places))

    def ranges(self, series: Series, length: int, offset: int) -> list[tuple[int, int]]:
        """The samples in each range, both borders included: from the first to behind the last."""
        key = id(series.times), length, offset
        if key not in self._ranges:
            times = series.times
            self._ranges[key] = [
                (bisect_left(times, time - offset - length), bisect_right(times, time - offset)) for time in self.times
            ]
        return self._ranges[key]

    def spans(self, series: Series, length: int, offset: int) -> list[Span | None]:
        """The ranges that hold two samples or more; None for the others."""
        key = id(series.times), length, offset
        if key not in self._spans:
            ranges = self.ranges(series, length, offset)
            times = series.times
            self._spans[key] = [
                span(times, low, high, time - offset - length, time - offset) if high - low > 1 else None
                for (low, high), time in zip(ranges, self.times, strict=True)
            ]
        return self._spans[key]


def span(times: Sequence[int], low: int, high: int, begin: int, end: int) -> Span:
    """The span of the samples low … high - 1 in the range begin … end."""
    first, last = times[low], times[high - 1]
    sampled = (last - first) / 1000.0
    start, rest = (first - begin) / 1000.0, (end - last) / 1000.0
    return Span(low, high - 1, sampled, start, rest, sampled / (high - low - 1))
