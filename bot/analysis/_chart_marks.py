"""Moments and stretches marked in a chart: their lines, their texts above it, their shades."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.analysis._chart_names import shortened
from bot.analysis._chart_said import Clock
from bot.analysis._chart_style import ALARM, BACKED, EDGE, INK, LETTER, QUIET, RIGHT, printable, say
from bot.domain.evidence import Chart, Zone

ROW, MARKS, ZONES = 0.2, 4, 3
"""Inches of a row of texts; how many moments and stretches are marked at the most."""
DOTTED = (0, (2, 2))


@dataclass(frozen=True)
class Mark:
    """A moment (UTC seconds) with its text, `row` rows above the plot; `place` is a share of the picture's width."""

    at: float
    text: str
    row: int
    place: float
    colour: str
    line: Any


def laid(
    chart: Chart, now: float | None, time: tuple[float, float], place: tuple[float, float], clock: Clock
) -> list[Mark]:
    """The incident, now, and up to four moments in all; later ones lower, so that no line crosses a text.

    `time` (UTC seconds) lies across `place` (shares of the picture's width).
    """
    own: list[tuple[float, str, str, Any]] = []
    if chart.incident is not None:
        own.append((chart.incident.timestamp(), "incident", ALARM, "-"))
    if now is not None:
        own.append((now, "now", QUIET, "-"))
    given = [(at.timestamp(), shortened(printable(text), 34), QUIET, DOTTED) for at, text in sorted(chart.marks)]
    own = [mark for mark in own if time[0] <= mark[0] <= time[1]]
    inside = [mark for mark in given if time[0] <= mark[0] <= time[1]][: MARKS - len(own)]
    found: list[Mark] = []
    begins: list[float] = []
    for at, text, colour, line in sorted([*inside, *own], key=lambda mark: mark[:2], reverse=True):
        words = f"{Clock(clock.zone)(at)} {text}"
        across = place[0] + (at - time[0]) / (time[1] - time[0]) * (place[1] - place[0])
        left = _left(across, words)
        row = next((row for row, begin in enumerate(begins) if left + len(words) * LETTER < begin), len(begins))
        begins[row : row + 1] = [left]
        found.append(Mark(at, words, row, across, colour, line))
    return found


def _left(place: float, words: str) -> float:
    """A text begins at its moment, or earlier where it would leave the picture."""
    return max(EDGE, min(place, RIGHT - len(words) * LETTER))


def draw(figure: Any, marks: Sequence[Mark], low: float, top: float) -> None:
    """Each mark's line from `low` through the plot's `top` up to its text."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - costs a second, only where it is used

    inch = 1 / figure.get_figheight()
    for mark in marks:
        height = top + 0.05 * inch + ROW * inch * mark.row
        style = {"color": mark.colour, "linewidth": 1.1, "linestyle": mark.line, "zorder": -1}
        figure.add_artist(Line2D([mark.place] * 2, [low, height + 0.015 * inch], **style))
        say(figure, _left(mark.place, mark.text), height + 0.085 * inch, mark.text, size=8.5, color=_read(mark),
            bbox=BACKED)  # fmt: skip


def _read(mark: Mark) -> str:
    """The text's colour; a quiet line's text is as bright as the others."""
    return INK if mark.colour == QUIET else mark.colour


def shades(zones: Sequence[Zone], start: float, end: float) -> list[tuple[float, float, str]]:
    """Up to three stretches, cut to the time shown (UTC seconds), each with its label, in their order."""
    cut = [
        (max(start, _seconds(one.start)), min(end, _seconds(one.end)), shortened(printable(one.label), 30))
        for one in sorted(zones, key=lambda one: (one.start, one.end, one.label))
    ]
    return [one for one in cut if one[0] < one[1]][:ZONES]


def _seconds(at: datetime) -> float:
    return at.astimezone(UTC).timestamp()
