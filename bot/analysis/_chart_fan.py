"""The fan of a chart's forecast: what is expected, and how far it may lie off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.analysis._chart_style import INK
from bot.analysis.frames import Array
from bot.domain.evidence import Chart

HUGE = 1e300
BAND = (0.1, 0.9)
"""The quantiles between which four of five futures lie."""
LEGEND = "dashed: expected · shaded: {} % interval"


@dataclass(frozen=True)
class Fan:
    """Paths over `times` (UTC seconds) in the chart's unit; `share` % of the futures lie between low and high."""

    times: Array
    low: Array
    middle: Array
    high: Array
    share: int

    @property
    def legend(self) -> str:
        """How the fan is drawn, in words."""
        return LEGEND.format(self.share) if self.share else "dashed: expected"


def fan(chart: Chart) -> Fan | None:
    """The chart's fan after its first series' last sample; None without a forecast of finite values there."""
    told = chart.forecast
    if told is None or not told.levels or not told.times or not chart.series or not chart.series[0].times:
        return None
    order = np.argsort(told.levels, kind="stable")
    levels, times = np.asarray(told.levels, dtype=np.float64)[order], np.asarray(told.times, dtype=np.float64)
    paths = np.asarray(told.paths, dtype=np.float64)[order]
    kept = (np.abs(paths) < HUGE).all(axis=0) & (times > chart.series[0].times[-1])
    if not kept.any():
        return None
    low, high = max(BAND[0], float(levels[0])), min(BAND[1], float(levels[-1]))
    low, high = min(low, high), max(low, high)
    lowest, middle, highest = (_path(levels, paths[:, kept], level) for level in (low, 0.5, high))
    return Fan(times[kept], lowest, middle, highest, round(100 * (high - low)))


def _path(levels: Array, paths: Array, level: float) -> Array:
    """The path of one quantile, between the two that are known around it."""
    above = int(np.clip(np.searchsorted(levels, level), 1, max(1, len(levels) - 1)))
    if len(levels) == 1:
        return np.asarray(paths[0], dtype=np.float64)
    before, after = float(levels[above - 1]), float(levels[above])
    part = min(1.0, max(0.0, (level - before) / (after - before))) if after > before else 0.0
    found: Array = paths[above - 1] * (1 - part) + paths[above] * part
    return found


def reach(found: Fan, values: Sequence[float]) -> list[float]:
    """Values that the axis has to span for it; a band far wider than all else is let run out of the picture."""
    known = [*values, *found.middle.tolist()]
    low, high = min(known), max(known)
    room = 1.5 * (high / 2 - low / 2) * 2 or 0.5 * abs(high) or 1.0
    return [float(found.middle.min()), float(found.middle.max()), max(float(found.low.min()), low - room),
            min(float(found.high.max()), high + room)]  # fmt: skip


def paint(axes: Any, found: Fan, start: tuple[float, float], size: float, colour: str) -> None:
    """The fan, joined to the last sample `start` (time, value); values are divided by `size`."""
    times = np.concatenate(([start[0]], found.times))
    low, middle, high = (np.concatenate(([start[1]], path)) / size for path in (found.low, found.middle, found.high))
    axes.fill_between(times, low, high, color=colour, alpha=0.36, linewidth=0.5)
    axes.plot(times, middle, color=INK, linewidth=1.3, linestyle=(0, (4, 2.2)))
