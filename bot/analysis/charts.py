"""Charts as pictures that read on a phone, in light and in dark surroundings."""

import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.analysis import _chart_fan as fans
from bot.analysis import _chart_marks as marks
from bot.analysis._chart_names import names
from bot.analysis._chart_rows import Rows
from bot.analysis._chart_said import clock_of, crossed, crossing
from bot.analysis._chart_style import (
    ALARM,
    BACKED,
    COLOURS,
    DPI,
    EDGE,
    GRID,
    HEIGHT,
    INK,
    LETTER,
    PAPER,
    QUIET,
    RIGHT,
    WIDTH,
    apart,
    printable,
    say,
    titled,
)
from bot.analysis.axes import Scale, alone, broken, clocks, limits, moments, scale, ticks
from bot.analysis.chart_words import alt_text, facts, picked, seen, span
from bot.domain.evidence import Chart
from bot.domain.window import Window

TOP, BOTTOM, LEFT, MOST_LEFT = 0.9, 0.145, 0.15, 0.3
LEGEND = 0.055
"""What a forecast's legend takes at the foot, as a share of the height; so do the rest of these."""
SPARE = 0.03
"""The least beside the plot, for half of the last moment's label."""
TICK = 0.0125
"""The width of a digit under and beside the axes, as a share of the width."""
SAID = 64
"""Characters of a line under the title."""
ZONE = 0.1
"""The share of the plot that a row of the stretches' labels takes."""


def draw(chart: Chart, zone: str = "UTC") -> tuple[bytes, str]:
    """The chart as PNG and its alt text, times in the zone; slow at first, so to be called off the loop.

    The PNG is 1248 dots wide; a chart of lines is 792 high, one of bars as high as its rows need. The same chart gives
    the same bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - costs a second, only where it is used
    from matplotlib.figure import Figure  # noqa: PLC0415

    plain = seen(chart)
    rows = Rows(plain, zone) if chart.kind == "bars" else None
    figure = Figure(figsize=(WIDTH, round(rows.height * DPI) / DPI if rows else HEIGHT), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    if rows:
        rows.paint(figure)
    else:
        Plot(figure, plain, zone).paint()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
    return data.getvalue(), alt_text(chart, zone)


class Plot:
    """One chart of lines on one figure; positions are shares of the figure, times UTC seconds."""

    def __init__(self, figure: Any, chart: Chart, zone: str) -> None:
        self.figure, self.chart, self.zone = figure, chart, zone
        self.fan = fans.fan(chart)
        self.series = [one for one, _ in picked(facts(chart), self.fan is not None)]
        self.names = names(self.series)
        self.more = len(chart.series) - len(self.series)
        self.scale, self.low, self.high = self._heights()
        self.now = self.series[0].times[-1] if self.fan is not None else None
        self.start, self.end, self.days = self._times()
        self.zones = marks.shades(chart.zones, self.start, self.end) if self.series else []
        self.high += (self.high - self.low) * ZONE * len(self.zones)
        self.bottom = BOTTOM + (LEGEND if self.fan is not None else 0.0)
        self.endings = self._endings()
        longest = max(len(self.scale.tick(value)) for value in ticks(self.low, self.high))
        self.left = min(MOST_LEFT, max(LEFT, EDGE + 0.01 + TICK * longest))

    def _heights(self) -> tuple[Scale, float, float]:
        """The axis' scale and its limits in it."""
        values = [value for one in self.series for value in one.values]
        if self.fan is not None:
            values += fans.reach(self.fan, values)
        low, high = limits(values, self.chart.limit)
        found = scale(self.chart.unit, max(abs(low), abs(high)) * 0.95)
        return found, low / found.size, high / found.size

    def _times(self) -> tuple[float, float, int]:
        """From when to when, and over how many days of the zone."""
        window = span(self.series)
        if window is None:
            return 0.0, 1.0, 1
        start, end = window.start.timestamp(), window.end.timestamp()
        if self.fan is not None:
            end = max(end, float(self.fan.times[-1]))
        first, last = (datetime.fromtimestamp(at, ZoneInfo(self.zone)).date() for at in (start, end))
        return (start, end, 1 + (last - first).days) if end > start else (start - 300, end + 300, 1)

    def paint(self) -> None:
        """Title, frame, lines, what is marked, and the names."""
        top = self._head()
        aside = self._aside()
        place, clock = (self.left, RIGHT - aside), clock_of(_window(self.start, self.end), self.zone)
        laid = marks.laid(self.chart, self.now, (self.start, self.end), place, clock)
        laid = laid if self.series else []
        top -= marks.ROW / HEIGHT * (1 + max((mark.row for mark in laid), default=-1)) + 0.02
        self.axes = self.figure.add_axes((self.left, self.bottom, RIGHT - aside - self.left, top - self.bottom))
        if not self.series:
            self.axes.set_axis_off()
            self._say(0.5, 0.5, "no data in this window", size=11, color=QUIET, ha="center")
            return
        self._frame()
        self._shades()
        self._lines()
        self._threshold()
        marks.draw(self.figure, laid, self.bottom, top)
        self._labels(top)

    def _say(self, x: float, y: float, text: str, **style: Any) -> Any:
        return say(self.figure, x, y, text, **style)

    def _head(self) -> float:
        """The title, and what is to come under it; where the rest may begin."""
        title = titled(printable(self.chart.title) or "Chart")
        for row, line in enumerate(title):
            self._say(EDGE, 0.965 - 0.07 * row, line, size=10.5, weight="bold", va="top")
        top = TOP - 0.07 * (len(title) - 1)
        ends = [at for at in (self.end, self.chart.breach.latest if self.chart.breach else None) if at is not None]
        ahead = _window(self.now or self.end, max(ends))
        said = crossing(self.chart, clock_of(ahead, self.zone))
        lines = titled(said[:1].upper() + said[1:], SAID) if said else []
        for row, line in enumerate(lines):
            colour = INK if said.startswith("not ") else ALARM
            self._say(EDGE, top - 0.005 - 0.06 * row, line, size=9, color=colour, va="top")
        return top - 0.06 * len(lines) - (0.015 if lines else 0.0)

    def _frame(self) -> None:
        axes, zone = self.axes, ZoneInfo(self.zone)
        axes.set_facecolor("none")
        axes.set_xlim(self.start, self.end)
        axes.set_ylim(self.low, self.high)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(GRID)
        axes.tick_params(length=0, labelsize=9, colors=QUIET, pad=4)
        axes.tick_params(axis="x", pad=8)
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        heights = ticks(self.low, self.high)
        axes.set_yticks(heights, [self.scale.tick(value) for value in heights], parse_math=False)
        at = moments(self.start, self.end, zone)
        axes.set_xticks(at, clocks(at, self.days, zone), parse_math=False)
        name = f"{datetime.fromtimestamp(self.end, zone):%Z}"
        self._say(RIGHT, 0.03, name, size=8, color=QUIET, ha="right", va="bottom")

    def _shades(self) -> None:
        """The marked stretches, each label at the plot's top in a row of its own."""
        box = self.axes.get_position()
        for row, (start, end, label) in enumerate(self.zones):
            self.axes.axvspan(start, end, color=QUIET, alpha=0.16, linewidth=0, zorder=0.5)
            height = box.y1 - (0.03 + ZONE * 0.8 * row * box.height)
            place = min(self._place(start) + 0.006, box.x1 - len(label) * LETTER * 0.95)
            self._say(max(box.x0, place), height, label, size=8, color=QUIET, bbox=BACKED)

    def _lines(self) -> None:
        for at, (one, colour) in enumerate(zip(self.series, COLOURS, strict=False)):
            if at == 0 and self.fan is not None:
                fans.paint(self.axes, self.fan, (one.times[-1], one.values[-1]), self.scale.size, colour)
            times, values = broken(one)
            values = values / self.scale.size
            self.axes.plot(times, values, color=colour, linewidth=1.7, solid_joinstyle="round", solid_capstyle="round")
            single = alone(values)
            self.axes.plot(times[single], values[single], "o", color=colour, markersize=4.5)
        if self.fan is not None:
            name = "" if len(self.series) > 1 or self.names == ["value"] else f"{self.names[0]} · "
            self._say(EDGE, 0.03, f"{name}{self.fan.legend}", size=8, color=QUIET, va="bottom")

    def _threshold(self) -> None:
        if self.chart.limit is None:
            return
        at = self.chart.limit / self.scale.size
        text = f"threshold {self.scale.tick(float(f'{at:.4g}'))}"
        inside = self.low <= at <= self.high
        if inside:
            self.axes.axhline(at, color=ALARM, linewidth=1.2, linestyle=(0, (4, 3)))
            self._crossing(at)
        height = (at - self.low) / (self.high - self.low) if inside else 1.0 if at > self.high else 0.0
        box = self.axes.get_position()
        below = height > 0.9
        text = text if inside else f"{text} ({'above' if below else 'below'})"
        place = (box.x0 + 0.008, box.y0 + height * box.height)
        self._say(*place, text, size=8, color=ALARM, va="top" if below else "bottom", bbox=BACKED)

    def _crossing(self, height: float) -> None:
        """From the earliest to the latest crossing on the threshold, and a dot where it is likely."""
        breach = self.chart.breach
        if breach is None or breach.likely is None or self.fan is None or crossed(self.chart):
            return
        first, last = (at if at is not None else breach.likely for at in (breach.earliest, breach.latest))
        first, last = max(first, self.start), min(last, self.end)
        if first <= last:
            self.axes.plot([first, last], [height] * 2, color=ALARM, linewidth=4, solid_capstyle="butt", zorder=5)
        if self.start <= breach.likely <= self.end:
            style = {"color": PAPER, "markeredgecolor": ALARM, "markeredgewidth": 2, "clip_on": False, "zorder": 6}
            self.axes.plot([breach.likely], [height], "o", markersize=7, **style)

    def _place(self, at: float) -> float:
        """Where a moment lies across the picture."""
        box = self.axes.get_position()
        return float(box.x0 + (at - self.start) / (self.end - self.start) * box.width)

    def _endings(self) -> list[tuple[float, str, str]]:
        """What stands right of the lines' ends: height, text, colour; names, or a lone forecast's last figures."""
        ends = [one.values[-1] for one in self.series]
        if self.fan is not None:
            ends[0] = float(self.fan.middle[-1])
        if self.fan is None or len(self.series) > 1:
            told = zip(ends, self.names, COLOURS, strict=False)
            return [] if self.names == ["value"] and not self.more else list(told)
        paths = ((self.fan.low, QUIET), (self.fan.middle, INK), (self.fan.high, QUIET))
        figures = [(float(path[-1]), colour) for path, colour in paths]
        texts = [self.scale.tick(float(f"{value / self.scale.size:.3g}")) for value, _ in figures]
        every = [(value, text, colour) for (value, colour), text in zip(figures, texts, strict=True)]
        return every[1:2] if len(set(texts)) == 1 else every

    def _aside(self) -> float:
        """How much room the endings need on the right; a single nameless series needs none."""
        texts = [*(text for _, text, _ in self.endings), *([f"+ {self.more} more"] if self.more else [])]
        return max(SPARE, 0.02 + LETTER * max((len(text) for text in texts), default=0))

    def _labels(self, top: float) -> None:
        """Each ending beside its line, moved apart where lines end close together."""
        ends = [(value / self.scale.size - self.low) / (self.high - self.low) for value, _, _ in self.endings]
        order = sorted(range(len(ends)), key=lambda at: (ends[at], -at))
        wanted = [self.bottom + min(1.0, max(0.0, ends[at])) * (top - self.bottom) for at in order]
        floor = self.bottom + (0.06 if self.more else 0.0)
        left = RIGHT - self._aside() + 0.015
        for at, height in zip(order, apart(wanted, floor, top, 0.058), strict=True):
            _, text, colour = self.endings[at]
            self._say(left, height, text, size=8.5, color=colour)
        if self.more:
            self._say(left, self.bottom, f"+ {self.more} more", size=8.5, color=QUIET)


def _window(start: float, end: float) -> Window:
    return Window(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
