"""What a matched phrase of time means: a clock, a day, a length; None where it makes no sense."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from bot.domain.when_clock import Clock, Here, Span, named_zone, offset

_MOST = timedelta(days=3_650)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "several": 3, "four": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15,
    "twenty": 20, "thirty": 30, "forty": 40, "half": 0.5, "quarter": 0.25,
}  # fmt: skip
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 2_592_000}
Build = Callable[[re.Match[str], Here], Any]


def clock(found: re.Match[str], _: Here) -> Clock | None:
    """`14:00`, `2:30 pm CET`."""
    hour, minute, second, half, zone = found.groups()
    return _time(int(hour), int(minute or 0), int(second or 0), half or "", zone or "", exact=minute is not None)


def hour(found: re.Match[str], _: Here) -> Clock | None:
    """`2pm`, `9 o'clock`."""
    return _time(int(found[1]), 0, 0, found[2] or "", found[3] or "", exact=False)


def digits(found: re.Match[str], _: Here) -> Clock | None:
    """`1430 UTC`."""
    return _time(int(found[1]), int(found[2]), 0, "", found[3] or "", exact=True)


def named_clock(found: re.Match[str], _: Here) -> Clock | None:
    """Noon or midnight."""
    return _time(0 if found[1].lower() == "midnight" else 12, 0, 0, "", found[2] or "", exact=False)


def _time(hour: int, minute: int, second: int, half: str, zone: str, *, exact: bool) -> Clock | None:
    half = half[:1].lower()
    if half and not 1 <= hour <= 12:
        half = ""
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour == 24 and minute == second == 0:
        hour = 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    place, late = named_zone(zone)
    return Clock(time(hour, minute, second), place, late, exact, half)


def stamp(found: re.Match[str], here: Here) -> datetime | None:
    """ISO 8601; without an offset it is the asker's clock."""
    year, month, day, hour, minute, second, zone = found.groups()
    on = _date(int(year), int(month), int(day))
    clock = _time(int(hour), int(minute), int(second or 0), "", "", exact=True)
    if on is None or clock is None:
        return None
    return here.utc(datetime.combine(on, clock.at), zone=offset(zone) if zone else None)


def _date(year: int, month: int, day: int) -> date | None:
    if not 1971 <= year <= 2199:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def iso_day(found: re.Match[str], here: Here) -> Span | None:
    """`2026-11-20`."""
    on = _date(int(found[1]), int(found[2]), int(found[3]))
    return here.on(on) if on else None


def dotted_day(found: re.Match[str], here: Here) -> Span | None:
    """`20.11.2026`."""
    on = _date(int(found[3]), int(found[2]), int(found[1]))
    return here.on(on) if on else None


def day_month(found: re.Match[str], here: Here) -> Span | None:
    """`3rd of November`."""
    return _of_year(found[1], found[2], found[3], here)


def month_day(found: re.Match[str], here: Here) -> Span | None:
    """`Nov 3, 2026`."""
    return _of_year(found[2], found[1], found[3], here)


def _of_year(day: str, month: str, year: str | None, here: Here) -> Span | None:
    """Without a year the last one that has come."""
    number = _MONTHS.index(month[:3].lower()) + 1
    for candidate in (int(year),) if year else range(here.today.year, here.today.year - 9, -1):
        on = _date(candidate, number, int(day))
        if on and (year or on <= here.today):
            return here.on(on)
    return None


def weekday(found: re.Match[str], here: Here) -> Span:
    """The last one before today; `this` one may be today."""
    name = found[2].lower()[:3]
    number = next(at for at, day in enumerate(WEEKDAYS) if day.startswith(name))
    back = (here.today.weekday() - number) % 7
    return _of_day(back if back or (found[1] or "").lower() == "this" else 7, found[3], here)


def day(found: re.Match[str], here: Here) -> Span:
    """Today, yesterday and their neighbours, or a part of them."""
    name = found[1].lower()
    return _of_day(
        -1 if name == "tomorrow" else 0 if name == "today" else 1 if name == "yesterday" else 2, found[2], here
    )


def _of_day(back: int, part: str | None, here: Here) -> Span:
    return here.part(back, part.lower()) if part else here.day(back)


def part(found: re.Match[str], here: Here) -> Span:
    """A part of today, or the night before it."""
    words = re.sub(r"['’]s$", "", found[0].lower())
    if words == "tonight" and here.wall.hour >= 12:
        return here.part(0, "night" if here.wall.hour >= 20 else "evening")
    if words in ("overnight", "tonight") or words.endswith("night"):
        night = here.part(1, "night")
        return Span(night.start, night.end + timedelta(hours=2)) if words == "overnight" else night
    return here.part(1 if words.startswith("last") else 0, words.split()[-1])


def period(found: re.Match[str], here: Here) -> Span:
    """A calendar week, month, weekend, or the running hour."""
    name, back = found[2].lower(), int(found[1].lower() != "this")
    if name == "weekend":
        monday = here.week(0).start - timedelta(days=7 * back)
        begins = monday + timedelta(days=5)
        begins -= timedelta(days=7 * (begins > here.wall))
        return Span(begins, begins + timedelta(days=2), 7)
    if name in ("hour", "minute"):
        start = here.wall.replace(second=0, microsecond=0)
        return Span(start.replace(minute=0) if name == "hour" else start, here.wall + timedelta(hours=1))
    return here.day(back) if name == "day" else here.week(back) if name == "week" else here.month(back)


def days_ago(found: re.Match[str], here: Here) -> Span | None:
    """The whole day so many days ago."""
    back = length(found, here)
    return here.day(back.days) if back and back.days else None


def _unit(text: str) -> int:
    text = text.lower()
    return _SECONDS["mo" if text.startswith("mo") else text[0]]


def length(found: re.Match[str], _: Here) -> timedelta | None:
    """`2 hours`, `half an hour`, `a few minutes`; ten years at most."""
    words = found[1].lower()
    count = (
        float(words)
        if words[0].isdigit()
        else next((NUMBERS[word] for word in reversed(words.split()) if word in NUMBERS and word not in ("a", "an")), 1)
    )
    return _bounded(count * _unit(found[2]))


def _bounded(seconds: float) -> timedelta | None:
    return timedelta(seconds=min(seconds, _MOST.total_seconds())) if seconds > 0 else None


def hours_minutes(found: re.Match[str], _: Here) -> timedelta | None:
    """`1h30m`."""
    return _bounded(int(found[1]) * 3_600 + int(found[2]) * 60)


def hour_and_half(found: re.Match[str], _: Here) -> timedelta | None:
    """`an hour and a half`."""
    words = (found[1] or "a").lower()
    return _bounded((float(words) if words.isdigit() else NUMBERS[words]) * 3_600 + 1_800)


def bare_unit(found: re.Match[str], _: Here) -> timedelta | None:
    """One of a unit."""
    return _bounded(_unit(found[1]))


def number(found: re.Match[str], _: Here) -> Clock | None:
    """A bare number as an hour."""
    return _time(int(found[1]), 0, 0, "", "", exact=False)


def deploy(*_: object) -> str:
    """A change people made."""
    return "deploy"


def alert(*_: object) -> str:
    """When the trouble began."""
    return "alert"
