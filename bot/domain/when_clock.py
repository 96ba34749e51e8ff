"""Wall clocks and calendars: what a time of day or a named day is in the asker's zone, on DST nights too."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY = timedelta(days=1)
_LATE = {"est", "cst", "mst", "pst", "cet", "gmt", "wet", "eet", "aest"}
_REGIONS = {
    "utc": "UTC", "gmt": "Europe/London", "z": "UTC", "zulu": "UTC", "bst": "Europe/London",
    "cet": "Europe/Berlin", "cest": "Europe/Berlin", "wet": "Europe/Lisbon", "west": "Europe/Lisbon",
    "eet": "Europe/Helsinki", "eest": "Europe/Helsinki", "msk": "Europe/Moscow",
    "est": "America/New_York", "edt": "America/New_York", "et": "America/New_York",
    "cst": "America/Chicago", "cdt": "America/Chicago", "ct": "America/Chicago",
    "mst": "America/Denver", "mdt": "America/Denver", "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles", "ist": "Asia/Kolkata", "jst": "Asia/Tokyo",
    "sgt": "Asia/Singapore", "aest": "Australia/Sydney", "aedt": "Australia/Sydney",
}  # fmt: skip
"""A region's wall clock, as people mean it: `15:00 CET` said in July is 15:00 in Berlin."""
NAMES = "|".join(sorted(_REGIONS, key=len, reverse=True))
PARTS = {"morning": (5, 12), "lunchtime": (11, 14), "afternoon": (12, 18), "evening": (18, 23), "night": (20, 30)}
"""Hours of a day's parts; the night ends at 06:00 of the next day."""


@dataclass(frozen=True)
class Clock:
    """A time of day; `late` is the second pass of an hour that a DST night repeats; `exact` to the minute."""

    at: time
    zone: tzinfo | None = None
    late: bool | None = None
    exact: bool = True
    half: str = ""


@dataclass(frozen=True)
class Span:
    """A named stretch by the wall clock, so many days `back`; None for a part of a day, which nothing is moved into."""

    start: datetime
    end: datetime
    back: int | None = None

    def day_of(self, at: time) -> date:
        """On which of its days a time of day lies."""
        return self.start.date() if at >= self.start.time() else (self.end - timedelta(seconds=1)).date()


@dataclass(frozen=True)
class Here:
    """Now, and the zone that the asker's words are read in."""

    now: datetime
    zone: tzinfo

    @property
    def wall(self) -> datetime:
        """What the asker's clock shows, without a zone."""
        return self.local(self.now)

    @property
    def today(self) -> date:
        """The asker's day."""
        return self.wall.date()

    def local(self, at: datetime) -> datetime:
        """A moment on the asker's clock, without a zone."""
        return at.astimezone(self.zone).replace(tzinfo=None)

    def utc(self, wall: datetime, late: bool = False, zone: tzinfo | None = None) -> datetime:
        """A wall clock's moment; of an hour that comes twice the first one, or the `late` one."""
        return wall.replace(tzinfo=zone or self.zone, fold=int(late)).astimezone(UTC)

    def at(self, day: date, clock: Clock, late: bool = False) -> datetime:
        """A time of day on a day."""
        return self.utc(datetime.combine(day, clock.at), late if clock.late is None else clock.late, clock.zone)

    def moved(self, at: datetime, days: int) -> datetime:
        """So many days later by the wall clock."""
        wall = at.astimezone(self.zone)
        return self.utc(wall.replace(tzinfo=None) + days * DAY, bool(wall.fold))

    def day(self, back: int) -> Span:
        """A whole day, so many days back."""
        start = datetime.combine(self.today - back * DAY, time())
        return Span(start, start + DAY, back)

    def on(self, day: date) -> Span:
        """A whole day by its date."""
        return self.day((self.today - day).days)

    def week(self, back: int) -> Span:
        """A calendar week from Monday, so many weeks back."""
        start = datetime.combine(self.today - timedelta(days=self.today.weekday() + 7 * back), time())
        return Span(start, start + 7 * DAY, 7 * back)

    def month(self, back: int) -> Span:
        """This calendar month, or the one before; four weeks back is the same weekday."""
        start = self.today.replace(day=1)
        while back:
            start, back = (start - DAY).replace(day=1), back - 1
        after = (start + 32 * DAY).replace(day=1)
        shift = 28 if start < self.today.replace(day=1) else 0
        return Span(datetime.combine(start, time()), datetime.combine(after, time()), shift)

    def part(self, back: int, name: str) -> Span:
        """A part of a day, so many days back."""
        start = datetime.combine(self.today - back * DAY, time())
        first, end = (start + timedelta(hours=hour) for hour in PARTS[name])
        if first >= self.wall and back == 0:
            first = start
        return Span(first, end)


def here(now: datetime, zone: str) -> Here:
    """In the zone of that IANA name; in UTC when there is none of that name."""
    try:
        return Here(now.astimezone(UTC), ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Here(now.astimezone(UTC), UTC)


def named_zone(name: str) -> tuple[tzinfo | None, bool | None]:
    """The zone of `CET`, `PST`, `UTC+2`, and whether it names the second pass of a repeated hour."""
    name = name.strip().lower()
    if not name:
        return None, None
    if name[-1].isdigit():
        return offset(name.removeprefix("utc").removeprefix("gmt")), None
    other = name in _REGIONS and _REGIONS[name] != "UTC"
    return ZoneInfo(_REGIONS[name]), (name in _LATE if other and len(name) > 2 else None)


def offset(text: str) -> tzinfo:
    """`+2`, `+02:00`, `-0530`, `z`."""
    digits = text.strip(" +-zZ").replace(":", "")
    if not digits:
        return UTC
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    size = min(timedelta(hours=hours, minutes=minutes), timedelta(hours=23, minutes=59))
    return timezone(-size if "-" in text else size)
