"""Counts over time, one row of bars for each kind of log line: what is new since the incident stands out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from bot.analysis._chart_names import names
from bot.analysis.axes import STEPS
from bot.analysis.frames import Array
from bot.domain.evidence import Chart
from bot.domain.series import Series
from bot.domain.window import Window

BARS = 64
"""Bars in a row, at the most: more are thinner than a phone shows."""
NAME = 70
_WORDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Row:
    """Counts of one kind: `values[k]` fell into the `step` seconds from `times[k]`; `since` is the incident's start."""

    name: str
    times: Array
    values: Array
    step: float
    since: float | None = None

    @property
    def total(self) -> float:
        """All of them."""
        return float(self.values.sum())

    @property
    def after(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Which steps reach into the incident."""
        found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = self.times + self.step > (self.since or -np.inf)
        return found

    @property
    def before(self) -> float:
        """Those that came before the incident."""
        return float(self.values[~self.after].sum())

    @property
    def first(self) -> float:
        """When the first step with any began, UTC seconds; of the first step where there are none."""
        return float(self.times[int((self.values != 0).argmax())])

    @property
    def new(self) -> bool:
        """Some since the incident, and none in a time before it that is known."""
        return bool(self.since is not None and self.total and not self.before and not self.after.all())


def rows(chart: Chart) -> list[Row]:
    """The rows of a chart of bars, all its series with samples; they share the step."""
    series = [one for one in chart.series if one.times]
    gaps = [after - before for one in series for before, after in pairwise(one.times)]
    step = float(np.median(gaps)) if gaps else 60.0
    since = chart.incident.timestamp() if chart.incident else None
    return [
        Row(
            name, np.asarray(one.times, dtype=np.float64), np.asarray(one.values, dtype=np.float64), step or 60.0, since
        )
        for name, one in zip(names(series, NAME), series, strict=True)
    ]


def counted(
    title: str, kinds: Sequence[tuple[str, Sequence[float]]], window: Window, incident: datetime | None = None
) -> Chart:
    """A chart of bars from the times (UTC seconds, in any order) of each kind's entries; those outside do not count.

    The steps are round, at most 64, and one begins with the incident, so that none belongs to both sides of it.
    """
    start, end = window.start.timestamp(), window.end.timestamp()
    step = next((step for step in STEPS if (end - start) / step <= BARS - 2), STEPS[-1])
    origin = incident.timestamp() if incident else 0.0
    first = origin + np.floor((start - origin) / step) * step
    number = max(1, int(np.ceil((end - first) / step)))
    times = tuple(float(first + step * at) for at in range(number))
    series = []
    for text, stamps in kinds:
        at = np.asarray(stamps, dtype=np.float64)
        inside = at[(at >= start) & (at <= end)]
        place = np.clip(np.floor((inside - first) / step).astype(int), 0, number - 1)
        count = np.bincount(place, minlength=number)
        series.append(Series({"template": text}, times, tuple(float(value) for value in count)))
    return Chart(title, tuple(series), "count", kind="bars", incident=incident)


def step_in_words(step: float) -> str:
    """`1 min`, `30 s`, `2 h`."""
    size, name = next(((size, name) for size, name in _WORDS if step >= size and step % size == 0), (1, "s"))
    return f"{step / size:g} {name}"
