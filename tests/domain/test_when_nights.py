"""Nights on which the clocks change, and texts of any kind."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.when import Anchor, resolve
from bot.domain.window import Window

WORDS = (
    "since yesterday last night from to between and the in an half hour hours 10 9 2pm 14:00 02:30 24:00 ago around "
    "Monday Nov 3 31 February 2026-11-20 2026-02-30 T14:00Z same time week month until before after deploy alert zoom "
    "now earlier later min for past today tomorrow CET UTC utc+14 overnight 9999 months weekend wider that then 0.001 s"
)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def read(text: str, now: str, zone: str, previous: Window | None = None) -> str:
    """The window in UTC."""
    window = resolve(text, datetime.fromisoformat(now).replace(tzinfo=UTC), zone, previous)
    assert isinstance(window, Window)
    return f"{window.start:%d %H:%M}-{window.end:%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "now", "zone", "window"),
    [
        ("since 02:30", "2026-03-29T06:00", BERLIN, "29 01:30-29 06:00"),
        ("between 01:30 and 03:30", "2026-03-29T06:00", BERLIN, "29 00:30-29 01:30"),
        ("yesterday", "2026-03-30T06:00", BERLIN, "28 23:00-29 22:00"),
        ("same time yesterday", "2026-03-29T06:00", BERLIN, "28 06:00-28 07:00"),
        ("last 24 hours", "2026-03-29T06:00", BERLIN, "28 06:00-29 06:00"),
        ("overnight", "2026-03-29T09:00", BERLIN, "28 19:00-29 06:00"),
        ("since 2:30am", "2026-03-08T12:00", NEW_YORK, "08 07:30-08 12:00"),
        ("today", "2026-03-08T12:00", NEW_YORK, "08 05:00-08 12:00"),
    ],
)
def test_an_hour_that_is_skipped(text: str, now: str, zone: str, window: str) -> None:
    """In spring a time that does not exist is read as before the change, and the day has 23 hours."""
    assert read(text, now, zone) == window


@pytest.mark.parametrize(
    ("text", "now", "zone", "window"),
    [
        ("since 02:30", "2026-10-25T06:00", BERLIN, "25 00:30-25 06:00"),
        ("between 02:15 and 02:45", "2026-10-25T06:00", BERLIN, "25 00:15-25 01:45"),
        ("at 02:30", "2026-10-25T06:00", BERLIN, "25 00:15-25 01:45"),
        ("at 02:30 CEST", "2026-10-25T06:00", BERLIN, "25 00:15-25 00:45"),
        ("at 02:30 CET", "2026-10-25T06:00", BERLIN, "25 01:15-25 01:45"),
        ("yesterday", "2026-10-26T06:00", BERLIN, "24 22:00-25 23:00"),
        ("same time yesterday", "2026-10-25T06:00", BERLIN, "24 04:00-24 05:00"),
        ("since 1:30am", "2026-11-01T12:00", NEW_YORK, "01 05:30-01 12:00"),
        ("01:30 EST", "2026-11-01T12:00", NEW_YORK, "01 06:15-01 06:45"),
        ("01:30 EDT", "2026-11-01T12:00", NEW_YORK, "01 05:15-01 05:45"),
    ],
)
def test_an_hour_that_comes_twice(text: str, now: str, zone: str, window: str) -> None:
    """In autumn a start is its first pass and an end its second, unless the zone's name tells which."""
    assert read(text, now, zone) == window


def test_a_day_back_over_the_change() -> None:
    """A follow-up moves by the wall clock: the same hour by the clock is 23 hours earlier in spring."""
    previous = Window(datetime(2026, 3, 29, 6, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC))
    assert read("and yesterday?", "2026-03-29T08:00", BERLIN, previous) == "28 07:00-28 08:00"
    assert read("and an hour earlier?", "2026-03-29T08:00", BERLIN, previous) == "29 05:00-29 06:00"


texts = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
zones = st.sampled_from((BERLIN, NEW_YORK, "Asia/Kolkata", "Pacific/Auckland", "UTC"))


@given(texts, moments, zones, st.none() | texts, st.floats(0.01, 900))
def test_any_text_gives_a_window(text: str, now: datetime, zone: str, said: str | None, hours: float) -> None:
    """Whatever is said, the window has a length, is no longer than 30 days and does not end in the future."""
    previous = None if said is None else Window(now - timedelta(hours=hours + 1), now - timedelta(hours=1), said)
    window = resolve(text, now, zone, previous)
    if isinstance(window, Anchor):
        assert window.said
    else:
        assert window.start < window.end <= now
        assert window.end - window.start <= timedelta(days=30)


@pytest.mark.parametrize(
    "part", ["since ", "a ", " ", "in the last ", "since the x ", "<", "half an ", "1", "-", "may 3"]
)
def test_long_texts_are_cut(part: str) -> None:
    """Only the first 4,000 characters are read, so that no text costs more than any other."""
    text = (part * 4_000)[:4_000]
    now = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    assert resolve(text + "?", now, "UTC") == resolve(text + "? since 13:00 and much more", now, "UTC")
