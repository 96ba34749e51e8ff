"""How figures, times and labels read in a tool's text."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.series import SERVICE_LABELS, Labels
from bot.domain.tools import Desk

LONG = 120
MANY = 20
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def number(value: float, unit: str = "") -> str:
    """Four significant digits and the unit: `231.4 ms`, `1.5 GiB`, `35.1 %`, `12.3/s`."""
    write = _WRITE.get(unit)
    return write(value) if write else f"{plain(value)} {unit}".strip()


def plain(value: float) -> str:
    """Four significant digits, without an exponent where people would write none."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if 1e-4 <= abs(value) < 1e7:
        digits = max(0, 3 - len(str(int(abs(value)))) + (abs(value) >= 1)) if abs(value) >= 1 else None
        return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.4g}"
    return f"{value:.4g}"


def _seconds(value: float) -> str:
    if abs(value) >= 600 or value == 0:
        return span(value)
    return f"{plain(value)} s" if abs(value) >= 1 else f"{plain(value * 1000)} ms"


def _bytes(value: float) -> str:
    size, at = value, 0
    while abs(size) >= 1024 and at < len(_BYTES) - 1:
        size, at = size / 1024, at + 1
    return f"{plain(size)} {_BYTES[at]}"


_WRITE = {
    "seconds": _seconds,
    "bytes": _bytes,
    "ratio": lambda value: f"{plain(value)} ({plain(value * 100)} %)" if value else "0",
    "1/s": lambda value: f"{plain(value)}/s",
    "count": plain,
}


def span(seconds: float) -> str:
    """A length of time: `45 s`, `12 min`, `3 h 5 min`, `8.2 days`."""
    length = abs(seconds)
    sign = "-" if seconds < 0 else ""
    if length < 90:
        return f"{sign}{length:.0f} s"
    if length < 5_400:
        return f"{sign}{length / 60:.0f} min"
    if length < 172_800:
        hours, minutes = divmod(round(length / 60), 60)
        return f"{sign}{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{sign}{length / 86_400:.1f} days"


def clock(at: datetime, desk: Desk) -> str:
    """`14:41:15 CET` in the asker's zone, with the day when that is not today."""
    zone = ZoneInfo(desk.zone)
    here = at.astimezone(zone)
    day = "" if here.date() == desk.now.astimezone(zone).date() else f"{here:%a %d %b} "
    return f"{day}{here:%H:%M:%S %Z}"


def ago(at: datetime, desk: Desk) -> str:
    """How long before now, as a length."""
    return span(max(timedelta(0), desk.now - at).total_seconds())


def labels(given: Labels, without: tuple[str, ...] = ()) -> str:
    """`code=500 service=payment`; `{}` for none."""
    left_out = ("__name__", *without)
    pairs = [(name, value) for name, value in sorted(given.items()) if name not in left_out]
    shown = " ".join(f"{name}={value if len(value) <= LONG else value[:LONG] + '…'}" for name, value in pairs[:MANY])
    return (shown or "{}") + (f" and {len(pairs) - MANY} more labels" if len(pairs) > MANY else "")


SHOWN_APART = ("alertname", "severity", "alertstate", *SERVICE_LABELS[:4])
"""Labels of an alert that its line tells otherwise."""
