"""Times, lengths of time and figures as people type them, and as they read them."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.errors import SetupError

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_OLDEST, _NEWEST = 3e8, 1e11
"""Seconds since 1970 (from 1979 on); what is larger is in milliseconds, what is smaller only counts."""
_MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-"))


def seconds(text: str, option: str) -> float:
    """A length of time such as 6h, 90s or 1h30m, or plain seconds. SetupError for anything else, and for none."""
    bare = text.strip().lower()
    found = _LENGTH.findall(bare)
    whole = re.sub(r"\s", "", bare) == "".join(f"{n}{unit}" for n, unit in found)
    if found and whole:
        length = sum(float(n) * _SECONDS[unit] for n, unit in found)
    else:
        length = float(bare) if re.fullmatch(r"\d+(\.\d+)?", bare) else 0.0
    if not 0 < length < _NEWEST:
        raise SetupError(f"{option} {text!r} is no length of time: write 90s, 30m, 6h, 2d or 1h30m")
    return length


def moment(text: str) -> float | None:
    """Seconds of a time (epoch seconds or milliseconds, or ISO 8601, UTC where it names no zone), None if it is none.

    Small numbers (sample numbers, seconds from a start) are taken as they are.
    """
    bare = text.strip()
    try:
        value = float(bare)
    except ValueError:
        try:
            when = datetime.fromisoformat(bare)
        except ValueError:
            return None
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(value):
        return None
    return value / 1000 if abs(value) >= _NEWEST else value


def figure(text: str) -> float | None:
    """A cell's number, NaN where it says that there is none; None if it is neither."""
    try:
        return float(text)
    except ValueError:
        return math.nan if text.strip().lower() in _MISSING else None


def clock(at: float) -> str:
    """A time for people, in UTC to the minute; a plain number where it is no time of day."""
    if not _OLDEST <= at < _NEWEST:
        return f"{at:g}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def clocks(at: float, ends: Sequence[float]) -> tuple[str, ...]:
    """A time for people and others about it, which leave out the day where it is the same one."""
    shown = clock(at)
    day = shown[:11]
    return shown, *(other.removeprefix(day).removesuffix(" UTC") for other in map(clock, ends))


def length(span: float) -> str:
    """A length of time for people: `40 s`, `12 min`, `3 h 20 min`, `5 d 2 h`."""
    if span < 100:
        return f"{span:.0f} s"
    minutes = round(span / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def short(value: float) -> str:
    """A figure in four digits: `0.02134`, `83.1`, `1,204`."""
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3e}"
    return f"{value:.4g}"


def aligned(rows: Sequence[Sequence[str]], right: str) -> list[str]:
    """Rows as lines whose columns stand under each other; `right` has r for each column that ends flush, l else."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (c.rjust(w) if side == "r" else c.ljust(w) for c, w, side in zip(row, widths, right, strict=True))
        lines.append("  ".join(cells).rstrip())
    return lines
