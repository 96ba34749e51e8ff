"""Follow-ups change only what they name of the window before."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.when import resolve
from bot.domain.window import Window

ZONE = "Europe/Berlin"  # an hour ahead of UTC in November
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
BEFORE = Window(
    datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC), "between 13:00 and 14:00"
)


def hours(text: str, previous: Window = BEFORE, now: datetime = NOW) -> tuple[str, str]:
    """Start and end in UTC."""
    window = resolve(text, now, ZONE, previous)
    assert isinstance(window, Window)
    return f"{window.start:%d %H:%M}", f"{window.end:%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("and yesterday?", "23 12:00", "23 13:00"),
        ("yesterday?", "23 12:00", "23 13:00"),
        ("what happened yesterday?", "22 23:00", "23 23:00"),
        ("what about last week?", "17 12:00", "17 13:00"),
        ("and last month?", "27 12:00", "27 13:00"),
        ("and on Friday?", "20 12:00", "20 13:00"),
        ("and a week ago?", "17 12:00", "17 13:00"),
        ("same time yesterday?", "23 12:00", "23 13:00"),
        ("and the day before?", "23 12:00", "23 13:00"),
        ("and an hour earlier?", "24 11:00", "24 12:00"),
        ("and 30 minutes earlier", "24 11:30", "24 12:30"),
        ("and an hour later?", "24 13:00", "24 14:00"),
        ("and 5 hours later?", "24 13:30", "24 14:30"),
        ("and before that?", "24 11:00", "24 12:00"),
        ("since then?", "24 13:00", "24 14:30"),
        ("zoom in on 13:10", "24 12:02", "24 12:17"),
        ("zoom out", "24 11:30", "24 13:30"),
        ("and at 13:30?", "24 12:15", "24 12:45"),
        ("and since 13:30?", "24 12:30", "24 14:30"),
        ("and until 15:00?", "24 12:00", "24 14:00"),
        ("what about between 10 and 11?", "24 09:00", "24 10:00"),
        ("and this morning?", "24 04:00", "24 11:00"),
        ("2 hours?", "24 12:30", "24 14:30"),
        ("and now?", "24 13:30", "24 14:30"),
    ],
)
def test_follow_ups(text: str, start: str, end: str) -> None:
    """The hours stay where only a day is named, the day where only hours are; a whole sentence stands alone."""
    assert hours(text) == (start, end)


def test_hours_are_read_on_the_day_before_us() -> None:
    """After yesterday's window an hour without a day is yesterday's, and today moves it back."""
    yesterday = Window(BEFORE.start - timedelta(days=1), BEFORE.end - timedelta(days=1), "yesterday 13:00 to 14:00")
    assert hours("and at 15:00?", yesterday) == ("23 13:45", "23 14:15")
    assert hours("zoom in on 13:10", yesterday) == ("23 12:02", "23 12:17")
    assert hours("and today?", yesterday) == ("24 12:00", "24 13:00")


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("", "24 12:40", "24 14:40"),
        ("last 2 hours", "24 12:40", "24 14:40"),
        ("since 13:30", "24 12:30", "24 14:40"),
        ("since the deploy", "24 12:30", "24 14:40"),
        ("today", "24 12:30", "24 14:40"),
        ("between 13:30 and 15:20", "24 12:30", "24 14:30"),
        ("an hour earlier", "24 12:30", "24 14:30"),
    ],
)
def test_without_time_words(said: str, start: str, end: str) -> None:
    """A length goes on until now, a start stays, a finished stretch stays as it is; its words stay with it."""
    previous = Window(NOW - timedelta(hours=2), NOW, said)
    found = resolve("which pods?", NOW + timedelta(minutes=10), ZONE, previous)
    assert isinstance(found, Window)
    assert (f"{found.start:%d %H:%M}", f"{found.end:%d %H:%M}") == (start, end)
    assert found.said == said
