"""A chart of bars as a picture: a row for each kind, all over the same time."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.analysis import _chart_marks as marks
from bot.analysis._chart_names import MOST, shortened
from bot.analysis._chart_said import clock_of
from bot.analysis._chart_style import (
    COLOURS,
    EDGE,
    GRID,
    HEIGHT,
    INK,
    LETTER,
    PAPER,
    QUIET,
    RIGHT,
    printable,
    say,
    titled,
)
from bot.analysis.axes import clocks, moments
from bot.analysis.bars import Row, rows, step_in_words
from bot.domain.evidence import Chart
from bot.domain.window import Window

TITLE, LABEL, BAR, GAP, FOOT = 0.23, 0.2, 0.3, 0.1, 0.48
"""Inches: a line of the title, a row's name, its bars, what is between two rows, the times at the foot."""
ROW = LABEL + BAR + GAP
LEFT, END = 0.095, 0.955
NARROW = 0.92
"""The letters of log lines are narrower than those of names."""
TINY = 1e-9
FOOTED = 66
KNOWN, NEW = COLOURS[0], COLOURS[1]


class Rows:
    """One chart of bars; `height` in inches grows with its rows."""

    def __init__(self, chart: Chart, zone: str) -> None:
        self.chart, self.zone = chart, ZoneInfo(zone)
        told = rows(chart)
        self.rows, self.more = told[:MOST], max(0, len(told) - MOST)
        self.start = min((float(row.times[0]) for row in self.rows), default=0.0)
        self.end = max((float(row.times[-1]) + row.step for row in self.rows), default=1.0)
        window = Window(datetime.fromtimestamp(self.start, UTC), datetime.fromtimestamp(self.end, UTC))
        self.days = 1 + (window.end.astimezone(self.zone).date() - window.start.astimezone(self.zone).date()).days
        self.title = titled(printable(chart.title) or "Chart")
        laid = marks.laid(chart, None, (self.start, self.end), (LEFT, END), clock_of(window, zone))
        self.marks = laid if self.rows else []
        above = marks.ROW * (1 + max((mark.row for mark in self.marks), default=-1)) + 0.06
        self.top = 0.1 + TITLE * len(self.title) + above
        self.height = self.top + len(self.rows) * ROW + FOOT if self.rows else HEIGHT

    def paint(self, figure: Any) -> None:
        """Title, rows, marks and the times."""
        inch = 1 / self.height
        for number, line in enumerate(self.title):
            say(figure, EDGE, 1 - (0.115 + TITLE * number) * inch, line, size=10.5, weight="bold", va="top")
        if not self.rows:
            say(figure, 0.5, 0.5, "no data in this window", size=11, color=QUIET, ha="center")
            return
        axes = self._frame(figure)
        for number, row in enumerate(self.rows):
            base = (len(self.rows) - 1 - number) * ROW
            self._bars(axes, row, base)
            self._name(figure, row, (FOOT + base + BAR) * inch)
        marks.draw(figure, self.marks, FOOT * inch, 1 - self.top * inch)
        more = f"+ {self.more} more · " if self.more else ""
        labels = [label for _, _, label in marks.shades(self.chart.zones, self.start, self.end) if label]
        shaded = f" · shaded: {', '.join(labels)}" if labels else ""
        foot = f"{more}a bar: {step_in_words(self.rows[0].step)}{shaded}"
        self._foot(figure, EDGE, shortened(foot, FOOTED), "left")
        self._foot(figure, RIGHT, f"{datetime.fromtimestamp(self.end, self.zone):%Z}", "right")

    def _foot(self, figure: Any, place: float, text: str, side: str) -> None:
        say(figure, place, 0.1 / self.height, text, size=8, color=QUIET, ha=side, va="bottom")

    def _frame(self, figure: Any) -> Any:
        """One frame for all rows: times across, inches upward."""
        inch, tall = 1 / self.height, len(self.rows) * ROW
        axes = figure.add_axes((LEFT, FOOT * inch, END - LEFT, tall * inch))
        axes.set_facecolor("none")
        axes.set_xlim(self.start, self.end)
        axes.set_ylim(0, tall)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        at = moments(self.start, self.end, self.zone)
        axes.set_xticks(at, clocks(at, self.days, self.zone), parse_math=False)
        axes.set_yticks([])
        axes.tick_params(length=0, labelsize=9, colors=QUIET, pad=5)
        for start, end, _ in marks.shades(self.chart.zones, self.start, self.end):
            axes.axvspan(start, end, color=QUIET, alpha=0.14, linewidth=0)
        return axes

    def _bars(self, axes: Any, row: Row, base: float) -> None:
        from matplotlib.collections import PolyCollection  # noqa: PLC0415 - costs a second, only where it is used

        most = max(float(row.values.max()), TINY)
        tint = [(NEW if row.new else KNOWN) if later else QUIET for later in row.after]
        left, right = row.times + 0.08 * row.step, row.times + 0.92 * row.step
        high = base + BAR * row.values / most
        corners = [((a, base), (a, y), (b, y), (b, base)) for a, b, y in zip(left, right, high, strict=True)]
        axes.add_collection(PolyCollection(corners, facecolors=tint, linewidths=0), autolim=False)
        axes.plot([self.start, self.end], [base, base], color=GRID, linewidth=1.2, clip_on=False)

    def _name(self, figure: Any, row: Row, height: float) -> None:
        """The kind above its bars, how many on the right, the tallest bar's count on the left."""
        inch = 1 / self.height
        aside = f"{'new, ' if row.new else ''}{row.total:,.0f}"
        room = int((RIGHT - EDGE - len(aside) * LETTER) / LETTER / NARROW) - 2
        style = {"size": 8.5, "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 1}}
        say(figure, EDGE, height + 0.1 * inch, shortened(printable(row.name), room), color=INK, **style)
        say(figure, RIGHT, height + 0.1 * inch, aside, color=NEW if row.new else QUIET, ha="right", **style)
        most = _short(float(row.values.max()))
        say(figure, LEFT - 0.012, height, most, size=7.5, color=QUIET, ha="right", va="top")


def _short(value: float) -> str:
    """A count in four characters or so."""
    size, name = next(((size, name) for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")) if value >= size), (1, ""))
    return f"{value / (1e3 if name == 'k' else size):.3g}{name}" if value < 1e12 else f"{value:.0e}"
