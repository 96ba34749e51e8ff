"""Charts as pictures that read on a phone, in light and in dark surroundings."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

from bot.analysis.axes import alone, broken, clocks, limits, moments, scale, ticks
from bot.analysis.chart_words import alt_text, facts, names, picked, shortened, span
from bot.domain.evidence import Chart

WIDTH, HEIGHT, DPI = 5.2, 3.3, 240
PAPER, INK, QUIET, GRID, ALARM = "#16191d", "#eef1f4", "#a9b1ba", "#30363d", "#ff6b6b"
COLOURS = ("#5cb8f2", "#f5a623", "#35c78f", "#d98cc0", "#f2e35a", "#ff8a5c", "#9d93ff", "#c3ccd6")
"""Told apart by people who see red and green alike; each also bears its name."""
TOP, BOTTOM, LEFT, RIGHT = 0.9, 0.145, 0.15, 0.985
BACKED = {"facecolor": PAPER, "edgecolor": "none", "pad": 1, "alpha": 0.75}
ROW, MARKS = 0.062, 4
TITLE = 56
LETTER = 0.0138
"""The width of a small letter, as a share of the picture."""


def draw(chart: Chart) -> tuple[bytes, str]:
    """The chart as PNG (1248 × 792) and its alt text; slow at first, so to be called off the loop."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - costs a second, only where it is used
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    Plot(figure, chart).paint()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
    return data.getvalue(), alt_text(chart)


class Plot:
    """One chart on one figure; positions are shares of the figure, times UTC seconds."""

    def __init__(self, figure: Any, chart: Chart) -> None:
        self.figure, self.chart = figure, chart
        self.series = [one for one, _ in picked(facts(chart))]
        self.names = names(self.series)
        self.more = len(chart.series) - len(self.series)
        values = [value for one in self.series for value in one.values]
        low, high = limits(values, chart.threshold)
        self.scale = scale(chart.unit, max(abs(low), abs(high)) * 0.95)
        self.low, self.high = low / self.scale.size, high / self.scale.size
        window = span(self.series)
        self.start, self.end = (window.start.timestamp(), window.end.timestamp()) if window else (0.0, 1.0)
        self.days = 1 + (window.end.date() - window.start.date()).days if window else 1
        if self.end <= self.start:
            self.start, self.end = self.start - 300, self.end + 300

    def paint(self) -> None:
        """Title, frame, lines, what is marked, and the names."""
        title = _titled(_printable(self.chart.title) or "Chart")
        for row, line in enumerate(title):
            self._say(0.025, 0.965 - 0.07 * row, line, size=10.5, weight="bold", va="top")
        aside = self._aside()
        marks = self._marks(RIGHT - aside)
        rows = 1 + max((row for *_, row in marks), default=-1)
        top = TOP - 0.07 * (len(title) - 1) - ROW * rows - 0.02
        self.axes = self.figure.add_axes((LEFT, BOTTOM, RIGHT - aside - LEFT, top - BOTTOM))
        if not self.series:
            self.axes.set_axis_off()
            self._say(0.5, 0.5, "no data in this window", size=11, color=QUIET, ha="center")
            return
        self._frame()
        self._lines()
        self._threshold()
        for at, text, row in marks:
            self._mark(at, text, top + 0.015 + ROW * row, top)
        self._labels(top)

    def _say(self, x: float, y: float, text: str, **style: Any) -> Any:
        given = {"color": INK, "size": 9, "va": "center", "parse_math": False, **style}
        return self.figure.text(x, y, _printable(text), **given)

    def _frame(self) -> None:
        axes = self.axes
        axes.set_facecolor(PAPER)
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
        at = moments(self.start, self.end)
        axes.set_xticks(at, clocks(at, self.days), parse_math=False)
        self._say(0.985, 0.03, "UTC", size=8, color=QUIET, ha="right", va="bottom")

    def _lines(self) -> None:
        for one, colour in zip(self.series, COLOURS, strict=False):
            times, values = broken(one)
            values = values / self.scale.size
            self.axes.plot(times, values, color=colour, linewidth=1.7, solid_joinstyle="round", solid_capstyle="round")
            single = alone(values)
            self.axes.plot(times[single], values[single], "o", color=colour, markersize=4.5)

    def _threshold(self) -> None:
        if self.chart.threshold is None:
            return
        at = self.chart.threshold / self.scale.size
        text = f"threshold {self.scale.tick(float(f'{at:.4g}'))}"
        inside = self.low <= at <= self.high
        if inside:
            self.axes.axhline(at, color=ALARM, linewidth=1.2, linestyle=(0, (4, 3)))
        height = (at - self.low) / (self.high - self.low) if inside else 1.0 if at > self.high else 0.0
        box = self.axes.get_position()
        below = height > 0.9
        text = text if inside else f"{text} ({'above' if below else 'below'})"
        place = (box.x0 + 0.008, box.y0 + height * box.height)
        self._say(*place, text, size=8, color=ALARM, va="top" if below else "bottom", bbox=BACKED)

    def _place(self, at: float) -> float:
        """Where a moment lies across the picture."""
        box = self.axes.get_position()
        return float(box.x0 + (at - self.start) / (self.end - self.start) * box.width)

    def _marks(self, right: float) -> list[tuple[float, str, int]]:
        """Up to four moments inside, each with text and row: later ones lower, so that their lines cross no text."""
        found: list[tuple[float, str, int]] = []
        begins: list[float] = []
        inside = sorted((at.timestamp(), text) for at, text in self.chart.marks)
        shown = [mark for mark in inside if self.series and self.start <= mark[0] <= self.end][:MARKS]
        for at, text in reversed(shown):
            words = f"{clocks([at], 1)[0]} {shortened(_printable(text), 34)}"
            left = self._left(LEFT + (at - self.start) / (self.end - self.start) * (right - LEFT), words)
            row = next((row for row, begin in enumerate(begins) if left + len(words) * LETTER < begin), len(begins))
            begins[row : row + 1] = [left]
            found.append((at, words, row))
        return found

    @staticmethod
    def _left(place: float, words: str) -> float:
        """A text begins at its moment, or earlier where it would leave the picture."""
        return max(0.025, min(place, RIGHT - len(words) * LETTER))

    def _mark(self, at: float, text: str, height: float, top: float) -> None:
        self.axes.axvline(at, color=QUIET, linewidth=1, linestyle=(0, (2, 2)))
        place = self._place(at)
        self._rule(place, top, height + 0.012)
        self._say(self._left(place, text), height + 0.026, text, size=8.5, bbox=BACKED)

    def _rule(self, place: float, low: float, high: float) -> None:
        """A mark's line goes on up to its text."""
        from matplotlib.lines import Line2D  # noqa: PLC0415 - see draw

        self.figure.add_artist(Line2D([place, place], [low, high], color=QUIET, linewidth=1, linestyle=(0, (2, 2))))

    def _aside(self) -> float:
        """How much room the names need on the right; a single nameless series needs none."""
        texts = [*self.names, f"+ {self.more} more" if self.more else ""]
        return 0.0 if texts == ["value", ""] else 0.02 + LETTER * max((len(text) for text in texts), default=0)

    def _labels(self, top: float) -> None:
        """Each name beside the end of its line, moved apart where lines end close together."""
        if not self._aside():
            return
        ends = [(one.values[-1] / self.scale.size - self.low) / (self.high - self.low) for one in self.series]
        order = sorted(range(len(ends)), key=lambda at: (ends[at], -at))
        wanted = [BOTTOM + min(1.0, max(0.0, ends[at])) * (top - BOTTOM) for at in order]
        floor = BOTTOM + (0.06 if self.more else 0.0)
        for at, height in zip(order, apart(wanted, floor, top, 0.058), strict=True):
            self._say(RIGHT - self._aside() + 0.015, height, self.names[at], size=8.5, color=COLOURS[at])
        if self.more:
            self._say(RIGHT - self._aside() + 0.015, BOTTOM, f"+ {self.more} more", size=8.5, color=QUIET)


def apart(wanted: Sequence[float], low: float, high: float, distance: float) -> list[float]:
    """Ascending places moved until they are `distance` apart and between the limits, as near as can be."""
    placed: list[float] = []
    for place in wanted:
        placed.append(max(place, low, placed[-1] + distance if placed else low))
    limit = high
    for at in range(len(placed) - 1, -1, -1):
        placed[at] = min(placed[at], limit)
        limit = placed[at] - distance
    return placed


def _titled(text: str) -> list[str]:
    """At most two lines, broken at a space where there is one near the end of the first."""
    if len(text) <= TITLE:
        return [text]
    space = text.rfind(" ", TITLE // 2, TITLE + 1)
    cut = space if space > 0 else TITLE
    rest = text[cut:].strip()
    return [text[:cut], rest if len(rest) <= TITLE else f"{rest[: TITLE - 1]}…"]


@cache
def _letters() -> frozenset[int]:
    """The characters that the picture's font has."""
    from matplotlib.font_manager import findfont, get_font  # noqa: PLC0415 - see draw

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _printable(text: str) -> str:
    """On one line, and a box for each character that the font lacks."""
    return "".join(c if ord(c) in _letters() else "□" for c in " ".join(text.split()))
