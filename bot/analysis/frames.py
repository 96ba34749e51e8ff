"""Many series on one time axis: coarse for what is long ago, fine for what is recent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.domain.series import Labels, Series
from bot.domain.window import Window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """A stretch with one step: `start` and `step` in seconds, start is a multiple of step; `rate` is rate()'s range."""

    start: float
    end: float
    step: float
    rate: float

    @property
    def window(self) -> Window:
        """The stretch as a window."""
        return Window(datetime.fromtimestamp(self.start, UTC), datetime.fromtimestamp(self.end, UTC))

    @property
    def count(self) -> int:
        """How many points it has."""
        return int((self.end - self.start) / self.step + 1e-6) + 1


@dataclass(frozen=True)
class Axis:
    """The segments in order, and the points of time they make (UTC seconds)."""

    segments: tuple[Segment, ...]

    @cached_property
    def times(self) -> Array:
        """All points, ascending."""
        parts = [s.start + s.step * np.arange(s.count) for s in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0)

    @cached_property
    def spans(self) -> Array:
        """How many seconds each point stands for."""
        return np.concatenate([np.full(s.count, s.step) for s in self.segments]) if self.segments else np.zeros(0)

    @property
    def resolution(self) -> float:
        """The step of the newest stretch, in seconds."""
        return self.segments[-1].step if self.segments else 60.0


@dataclass(frozen=True)
class Row:
    """One series on the axis; a missing point is NaN."""

    labels: Labels
    values: Array


def rows(axis: Axis, answers: Sequence[Iterable[Series]]) -> tuple[Row, ...]:
    """One row per label set, from one answer per segment."""
    found: dict[tuple[tuple[str, str], ...], Row] = {}
    offset = 0
    for segment, answer in zip(axis.segments, answers, strict=True):
        for series in answer:
            key = tuple(sorted(series.labels.items()))
            row = found.setdefault(key, Row(dict(series.labels), np.full(axis.times.size, np.nan)))
            if series.times:
                at = (np.asarray(series.times) - segment.start) / segment.step
                place = np.rint(at).astype(int)
                fits = (np.abs(at - place) < 0.45) & (place >= 0) & (place < segment.count)
                row.values[offset + place[fits]] = np.asarray(series.values)[fits]
        offset += segment.count
    return tuple(found.values())


def total(group: Iterable[Array], size: int) -> Array:
    """The sum of rows point by point; a point that all lack stays NaN."""
    stacked = np.array(list(group)).reshape(-1, size)
    if not len(stacked):
        return np.full(size, np.nan)
    summed: Array = np.where(np.isnan(stacked).all(axis=0), np.nan, np.nansum(stacked, axis=0))
    return summed


def ratio(above: Array, below: Array, least: float = 1e-12) -> Array:
    """`above / below` where below is at least `least`, else NaN."""
    fits = np.abs(below) >= least
    result: Array = np.where(fits, above / np.where(fits, below, 1.0), np.nan)
    return result
