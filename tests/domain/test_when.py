"""What the words of a question say about time, in two zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.when import Anchor, resolve
from bot.domain.window import Window

ZONES = ("Europe/Berlin", "America/New_York")
# Asked on Tuesday 24 November 2026 at 15:30 by the asker's clock.
PHRASES = (
    ("payment errors since 14:00", "24 14:00", "24 15:30", "since 14:00"),
    ("since 2pm", "24 14:00", "24 15:30", "since 2pm"),
    ("since 2:15 p.m. please", "24 14:15", "24 15:30", "since 2:15 p.m."),
    ("since noon", "24 12:00", "24 15:30", "since noon"),
    ("since midnight", "24 00:00", "24 15:30", "since midnight"),
    ("since 9", "24 09:00", "24 15:30", "since 9"),
    ("since 23:00", "23 23:00", "24 15:30", "since 23:00"),
    ("from 14:00 onwards", "24 14:00", "24 15:30", "from 14:00"),
    ("what changed after 14:05?", "24 14:05", "24 15:30", "after 14:05"),
    ("yesterday", "23 00:00", "24 00:00", "yesterday"),
    ("yesterday's incident", "23 00:00", "24 00:00", "yesterday's"),
    ("the day before yesterday", "22 00:00", "23 00:00", "the day before yesterday"),
    ("yesterday morning", "23 05:00", "23 12:00", "yesterday morning"),
    ("last night", "23 20:00", "24 06:00", "last night"),
    ("overnight", "23 20:00", "24 08:00", "overnight"),
    ("this morning", "24 05:00", "24 12:00", "this morning"),
    ("this afternoon", "24 12:00", "24 15:30", "this afternoon"),
    ("today", "24 00:00", "24 15:30", "today"),
    ("this week", "23 00:00", "24 15:30", "this week"),
    ("this month", "01 00:00", "24 15:30", "this month"),
    ("since 14:00pm", "24 14:00", "24 15:30", "since 14:00pm"),
    ("last week", "16 00:00", "23 00:00", "last week"),
    ("over the last week", "17 15:30", "24 15:30", "the last week"),
    ("last weekend", "21 00:00", "23 00:00", "last weekend"),
    ("this hour", "24 15:00", "24 15:30", "this hour"),
    ("between 13:00 and 14:30", "24 13:00", "24 14:30", "between 13:00 and 14:30"),
    ("13:00-14:30", "24 13:00", "24 14:30", "13:00-14:30"),
    ("from 9 to 10 yesterday", "23 09:00", "23 10:00", "from 9 to 10 yesterday"),
    ("yesterday from 9 to 10", "23 09:00", "23 10:00", "yesterday from 9 to 10"),
    ("why did it fail between 9 and 10", "24 09:00", "24 10:00", "between 9 and 10"),
    ("from 1 to 2pm", "24 13:00", "24 14:00", "from 1 to 2pm"),
    ("from 23:00 to 01:00", "23 23:00", "24 01:00", "from 23:00 to 01:00"),
    ("between 14:30 and 13:00", "24 13:00", "24 14:30", "between 14:30 and 13:00"),
    ("from 13:00 till now", "24 13:00", "24 15:30", "from 13:00 till now"),
    ("between Monday and Wednesday", "16 00:00", "19 00:00", "between Monday and Wednesday"),
    ("from yesterday to today", "23 00:00", "24 15:30", "from yesterday to today"),
    ("since 14:00 yesterday until 16:00", "23 14:00", "23 16:00", "since 14:00 yesterday until 16:00"),
    ("from Nov 20 10:00 to Nov 21 09:00", "20 10:00", "21 09:00", "from Nov 20 10:00 to Nov 21 09:00"),
    ("until 15:00", "24 14:00", "24 15:00", "until 15:00"),
    ("30 min before 14:00", "24 13:30", "24 14:00", "30 min before 14:00"),
    ("an hour after 13:00", "24 13:00", "24 14:00", "an hour after 13:00"),
    ("last 2 hours", "24 13:30", "24 15:30", "last 2 hours"),
    ("past 30 min", "24 15:00", "24 15:30", "past 30 min"),
    ("in the last day", "23 15:30", "24 15:30", "the last day"),
    ("for the last 15m", "24 15:15", "24 15:30", "the last 15m"),
    ("last 1h30m", "24 14:00", "24 15:30", "last 1h30m"),
    ("the last hour and a half", "24 14:00", "24 15:30", "the last hour and a half"),
    ("in the last half an hour", "24 15:00", "24 15:30", "the last half an hour"),
    ("half an hour", "24 15:00", "24 15:30", "half an hour"),
    ("a couple of hours", "24 13:30", "24 15:30", "a couple of hours"),
    ("past few hours", "24 12:30", "24 15:30", "past few hours"),
    ("failing for 2 hours", "24 13:30", "24 15:30", "for 2 hours"),
    ("since 2 hours ago", "24 13:30", "24 15:30", "since 2 hours ago"),
    ("an hour ago", "24 14:00", "24 15:00", "an hour ago"),
    ("10 minutes ago", "24 15:10", "24 15:30", "10 minutes ago"),
    ("2 days ago", "22 00:00", "23 00:00", "2 days ago"),
    ("around 03:15", "24 02:45", "24 03:45", "around 03:15"),
    ("at 14:05", "24 13:50", "24 14:20", "14:05"),
    ("what happened at 9?", "24 08:30", "24 09:30", "at 9"),
    ("3am last night", "24 02:30", "24 03:30", "3am last night"),
    ("since Monday", "23 00:00", "24 15:30", "since Monday"),
    ("since Tuesday", "17 00:00", "24 15:30", "since Tuesday"),
    ("last Friday", "20 00:00", "21 00:00", "last Friday"),
    ("since Friday 18:00", "20 18:00", "24 15:30", "since Friday 18:00"),
    ("on 3 November", "03 00:00", "04 00:00", "3 November"),
    ("Nov 3", "03 00:00", "04 00:00", "Nov 3"),
    ("November 3 between 10:00 and 11:00", "03 10:00", "03 11:00", "November 3 between 10:00 and 11:00"),
    ("2026-11-20 14:00", "20 13:45", "20 14:15", "2026-11-20 14:00"),
    ("20.11.2026 14:00", "20 13:45", "20 14:15", "20.11.2026 14:00"),
    ("Nov 20th, 2026 at 2:30 pm", "20 14:15", "20 14:45", "Nov 20th, 2026 at 2:30 pm"),
    ("same time last week", "17 14:30", "17 15:30", "same time last week"),
    ("same time yesterday", "23 14:30", "23 15:30", "same time yesterday"),
    ("error 502 since 14:00", "24 14:00", "24 15:30", "since 14:00"),
    ("scaled from 3 to 5 at 14:05", "24 13:50", "24 14:20", "14:05"),
    ("errors in the last hour vs yesterday", "24 14:30", "24 15:30", "the last hour"),
    ("since the deploy at 14:05", "24 14:05", "24 15:30", "since the deploy at 14:05"),
    ("<@U0123> since 14:00 what broke?", "24 14:00", "24 15:30", "since 14:00"),
)
NO_TIMES = (
    "why is payment slow?", "5xx", "p95", "p99 latency", "top 10", "v2.4.0", "HTTP 500", "10.2.3.4", "10.2.3.4:30",
    "port 8080", "3 pods", "E12", "scaled from 3 to 5", "from 3 to 5 pods", "rate(x[5m])", "firing for 5m", "99:70",
    "midnight-worker restarts", "checkout-today", "may 3 pods fail", "will the disk be full in 4 hours", "next 2 days",
    "errors higher than yesterday", "about 5 errors", "100%", "https://grafana.test/d/x?from=14:00", "sincerely",
    "30 February", "2026-02-30T14:00", "2026-02-30", "2026-11-20T25:00", "1350-01-01", "",
)  # fmt: skip
TWO_PM_UTC = (
    "14:00 UTC", "2026-11-24T14:00:00Z", "2026-11-24T15:00:00.123+01:00", "2026-11-24 09:00:00 -05:00", "15:00 CET",
    "9:00am EST", "6:00 PST", "16:00 UTC+2", "1400 UTC",
)  # fmt: skip


def asked(text: str, zone: str, clock: str = "2026-11-24 15:30", previous: Window | None = None) -> tuple[str, ...]:
    """Start and end by the asker's clock, and what was said."""
    now = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone))
    window = resolve(text, now, zone, previous)
    assert isinstance(window, Window)
    assert window.start.tzinfo is UTC
    return (*(f"{at.astimezone(ZoneInfo(zone)):%d %H:%M}" for at in (window.start, window.end)), window.said)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase[0])
def test_phrases(phrase: tuple[str, ...], zone: str) -> None:
    """A phrase names the same hours by every asker's own clock, and is kept as it was said."""
    assert asked(phrase[0], zone) == phrase[1:]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", NO_TIMES)
def test_numbers_that_are_no_times(text: str, zone: str) -> None:
    """Versions, ports, percentiles, counts and what is still to come leave the usual hour, with nothing said."""
    assert asked(text, zone) == ("24 14:30", "24 15:30", "")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", TWO_PM_UTC)
def test_a_zone_in_the_words(text: str, zone: str) -> None:
    """A named zone or an offset counts more than the asker's."""
    window = resolve(f"what broke at {text}?", datetime(2026, 11, 24, 14, 40, tzinfo=UTC), zone)
    assert isinstance(window, Window)
    assert (window.start.strftime("%d %H:%M"), window.end.strftime("%d %H:%M")) == ("24 13:45", "24 14:15")


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("what changed since the deploy?", "deploy", "since the deploy"),
        ("since the last payment deployment", "deploy", "since the last payment deployment"),
        ("since v2.4.0", "deploy", "since v2.4.0"),
        ("errors since we deployed checkout", "deploy", "since we deployed"),
        ("after the rollout", "deploy", "after the rollout"),
        ("since the alert", "alert", "since the alert"),
        ("since the HighErrorRate alert fired", "alert", "since the HighErrorRate alert fired"),
        ("since it started", "alert", "since it started"),
        ("ever since it began", "alert", "ever since it began"),
        ("since the start of the incident", "alert", "since the start of the incident"),
    ],
)
def test_starts_that_only_sources_know(text: str, kind: str, said: str) -> None:
    """A deploy or an alert as the start is handed on, for code to look it up."""
    found = resolve(text, datetime(2026, 11, 24, 14, 40, tzinfo=UTC), "UTC")
    assert isinstance(found, Anchor)
    assert (found.kind, found.said) == (kind, said)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("text", "clock", "start", "end"),
    [
        ("since 23:00", "2026-11-24 01:00", "23 23:00", "24 01:00"),
        ("last night", "2026-11-24 02:00", "23 20:00", "24 02:00"),
        ("this morning", "2026-11-24 03:00", "24 00:00", "24 03:00"),
        ("tonight", "2026-11-24 21:00", "24 20:00", "24 21:00"),
        ("since 14:01", "2026-11-24 14:00", "24 13:59", "24 14:00"),
        ("at 15:30", "2026-11-24 15:31", "24 15:15", "24 15:31"),
        ("between 15:00 and 16:00", "2026-11-24 15:30", "24 15:00", "24 15:30"),
        ("on Monday", "2026-11-23 10:00", "16 00:00", "17 00:00"),
        ("this Monday", "2026-11-23 10:00", "23 00:00", "23 10:00"),
        ("Dec 31", "2026-01-02 10:00", "31 00:00", "01 00:00"),
    ],
)
def test_by_the_hour_of_asking(text: str, clock: str, start: str, end: str, zone: str) -> None:
    """What a phrase means depends on when it is said; no window ends in the future."""
    assert asked(text, zone, clock)[:2] == (start, end)


def test_what_had_to_be_changed_is_said() -> None:
    """Too long, or still to come: the words say so, and asking them again adds nothing."""
    assert asked("last 60 days", "UTC") == ("25 15:30", "24 15:30", "last 60 days (no more than 30 days)")
    assert asked("since 2027-01-01", "UTC") == ("24 14:30", "24 15:30", "since 2027-01-01 (still to come)")
    now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    long = resolve("last 60 days", now, "UTC")
    assert isinstance(long, Window)
    assert resolve("and now in detail?", now, "UTC", long).said.count("30 days") < 2


def test_the_usual_length_is_the_callers() -> None:
    """Without words the window is as long as told, and an unknown zone is read as UTC."""
    now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    assert resolve("what is wrong?", now, "Mars/Olympus", default=timedelta(hours=6)) == Window(
        now - timedelta(hours=6), now
    )
