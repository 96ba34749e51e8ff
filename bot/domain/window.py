"""The stretch of time a question is about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Window:
    """From `start` to `end`, both aware and in UTC; `said` keeps the asker's words for it."""

    start: datetime
    end: datetime
    said: str = ""

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()

    def before(self) -> "Window":
        """The stretch of equal length that ends where this one starts: the usual baseline."""
        return Window(self.start - (self.end - self.start), self.start)

    def shown(self, zone: str = "UTC") -> str:
        """For people: `14:02-15:02 CET (13:02-14:02 UTC)`, with the day where it is not one day."""
        here, there = self.start.astimezone(ZoneInfo(zone)), self.end.astimezone(ZoneInfo(zone))
        same_day = here.date() == there.date()
        text = f"{here:%a %d %b %H:%M}–{there:{'%H:%M' if same_day else '%a %d %b %H:%M'}} {there:%Z}"
        utc = f" ({self.start:%H:%M}–{self.end:%H:%M} UTC)" if there.utcoffset() else ""
        return text + utc


def last(length: timedelta, now: datetime, said: str = "") -> Window:
    """The window of `length` that ends now."""
    return Window(now.astimezone(UTC) - length, now.astimezone(UTC), said)
