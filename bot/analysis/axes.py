"""A chart's axes: the unit that values read well in, round ticks, clock times, and lines broken where samples lack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np

from bot.analysis.frames import Array
from bot.domain.series import Series

STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600,
    604_800, 1_209_600, 2_592_000,
)  # fmt: skip
"""Seconds between two ticks of time."""
TICKS = 5


@dataclass(frozen=True)
class Scale:
    """The unit that a chart's axis is labelled in; `size` is how much of the chart's own unit one of it is."""

    size: float
    name: str

    def tick(self, value: float) -> str:
        """A tick's label; `value` is in this scale, and zero needs no unit."""
        digits = f"{value:,.0f}" if 1_000 <= abs(value) < 1e6 else f"{value:.4g}"
        return f"{digits} {self.name}".strip() if value else "0"


_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "seconds": ((86_400, "d"), (7_200, "h"), (600, "min"), (1, "s"), (1e-3, "ms"), (0, "µs")),
    "bytes": ((2.0**50, "PiB"), (2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (0, "B")),
    "bytes/s": (
        (2.0**50, "PiB/s"),
        (2.0**40, "TiB/s"),
        (2.0**30, "GiB/s"),
        (2.0**20, "MiB/s"),
        (2.0**10, "KiB/s"),
        (0, "B/s"),
    ),
    "ratio": ((0, "%"),),
    "1/s": ((1e9, "G/s"), (1e6, "M/s"), (1e4, "k/s"), (0, "/s")),
    "": ((1e9, "G"), (1e6, "M"), (1e4, "k"), (0, "")),
}
_SIZES = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "ms": 1e-3, "µs": 1e-6, "%": 0.01, "G": 1e9, "M": 1e6, "k": 1e3}


def scale(unit: str, largest: float) -> Scale:
    """The scale in which the largest value reads well; an unknown unit stands behind plain numbers."""
    steps = _SCALES.get("" if unit == "count" else unit)
    if steps is None:
        return Scale(1.0, unit[:8])
    least, name = next(step for step in steps if abs(largest) >= step[0] or step[0] == 0)
    binary = unit.startswith("bytes") and least
    return Scale(least if binary else _SIZES.get(name.removesuffix("/s") or name, 1.0), name)


def limits(values: Sequence[float], threshold: float | None) -> tuple[float, float]:
    """What the axis spans: from zero where that does not flatten the lines; a threshold near enough is inside."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if threshold is not None and low - 3 * (high - low or abs(high)) <= threshold <= high + 3 * (
        high - low or abs(high)
    ):
        low, high = min(low, threshold), max(high, threshold)
    if 0 < low <= 0.6 * high:
        low = 0.0
    elif 0.6 * low <= high < 0:
        high = 0.0
    room = (high - low) * 0.08 or abs(high) * 0.5 or 1.0
    return (low if low == 0 and high > 0 else low - room), (high if high == 0 and low < 0 else high + room)


def ticks(low: float, high: float) -> list[float]:
    """Four or so round values between the limits."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(size for size in (1, 2, 2.5, 5, 10) if size * power >= rough) * power)
    first = np.ceil(low / step - 1e-9)
    return [float(f"{(first + at) * step:.10g}") + 0.0 for at in range(int((high / step - first) + 1e-9) + 1)]


def moments(start: float, end: float, zone: tzinfo = UTC) -> list[float]:
    """Round moments in the zone, six at the most."""
    step = next((step for step in STEPS if (end - start) / step <= TICKS), STEPS[-1])
    ahead = _offset(start, zone)
    first = -(-(start + ahead) // step) * step - ahead
    return [first + at * step for at in range(int((end - first) // step) + 1)][: TICKS + 1]


def _offset(at: float, zone: tzinfo) -> float:
    """Seconds that the zone's clocks are ahead of UTC."""
    ahead = datetime.fromtimestamp(at, zone).utcoffset()
    return ahead.total_seconds() if ahead is not None else 0.0


def clocks(times: Sequence[float], days: int, zone: tzinfo = UTC) -> list[str]:
    """Their labels: the clock, with the day under it where a new one begins in a chart of several."""
    shown = [datetime.fromtimestamp(at, zone) for at in times]
    step = times[1] - times[0] if len(times) > 1 else 60.0
    if step >= STEPS[17]:
        return [f"{at.day} {at:%b}" for at in shown]
    labels = [f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}" for at in shown]
    new = [days > 1 and (at == 0 or shown[at].date() != shown[at - 1].date()) for at in range(len(shown))]
    return [f"{text}\n{at.day} {at:%b}" if first else text for text, at, first in zip(labels, shown, new, strict=True)]


def broken(one: Series) -> tuple[Array, Array]:
    """Its times and values, with a NaN where samples lack for more than three times their usual distance."""
    times, values = np.asarray(one.times, dtype=np.float64), np.asarray(one.values, dtype=np.float64)
    apart = np.diff(times)
    gaps = np.flatnonzero(apart > 3 * np.median(apart)) if len(apart) > 1 else np.zeros(0, dtype=int)
    at = gaps + 1
    return np.insert(times, at, (times[gaps] + times[at]) / 2), np.insert(values, at, np.nan)


def alone(values: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which points have no neighbour, so that a line would not show them."""
    padded = np.concatenate(([np.nan], values, [np.nan]))
    result: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        ~np.isnan(values) & np.isnan(padded[:-2]) & np.isnan(padded[2:])
    )
    return result
