"""How charts look: sizes, colours told apart on a dark paper of their own, and texts that fit."""

from collections.abc import Sequence
from functools import cache
from typing import Any

WIDTH, HEIGHT, DPI = 5.2, 3.3, 240
"""Inches, and dots per inch; small enough that the letters stay readable on a phone 390 points wide."""
PAPER, INK, QUIET, GRID, ALARM = "#16191d", "#eef1f4", "#a9b1ba", "#30363d", "#ff6b6b"
COLOURS = ("#5cb8f2", "#f5a623", "#35c78f", "#d98cc0", "#f2e35a", "#ff8a5c", "#9d93ff", "#c3ccd6")
"""Told apart by people who see red and green alike; each also bears its name."""
EDGE, RIGHT = 0.025, 0.985
BACKED = {"facecolor": PAPER, "edgecolor": "none", "pad": 1, "alpha": 0.75}
LETTER = 0.0138
"""The width of a small letter, as a share of the picture."""
TITLE = 56


def say(figure: Any, x: float, y: float, text: str, **style: Any) -> Any:
    """A text on the figure; places are shares of it."""
    given = {"color": INK, "size": 9, "va": "center", "parse_math": False, **style}
    return figure.text(x, y, printable(text), **given)


def titled(text: str, most: int = TITLE) -> list[str]:
    """At most two lines, broken at a space where there is one near the end of the first."""
    if len(text) <= most:
        return [text]
    space = text.rfind(" ", most // 2, most + 1)
    cut = space if space > 0 else most
    rest = text[cut:].strip()
    return [text[:cut], rest if len(rest) <= most else f"{rest[: most - 1]}…"]


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


@cache
def _letters() -> frozenset[int]:
    """The characters that the picture's font has."""
    from matplotlib.font_manager import findfont, get_font  # noqa: PLC0415 - costs a second, only where it is used

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def printable(text: str) -> str:
    """On one line, and a box for each character that the font lacks."""
    return "".join(c if ord(c) in _letters() else "□" for c in " ".join(text.split()))
