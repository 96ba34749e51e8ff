"""What happened when: merged, in order, cited, in the reader's time zone."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.answers import Answer, Cause, Dispute
from bot.domain.evidence import Evidence
from bot.domain.investigations import Question, Record
from bot.domain.place import Place, Said
from bot.domain.window import Window
from bot.flows.timeline import MOST_SAID, Moment, timeline, written

DAY = datetime(2026, 11, 24, tzinfo=UTC)
WINDOW = Window(DAY.replace(hour=6), DAY.replace(hour=7))


def when(clock: str) -> datetime:
    """A time of the day."""
    hour, minute = clock.split(":")
    return DAY.replace(hour=int(hour), minute=int(minute))


def seen(id_: str, **facts: Any) -> Evidence:
    """Evidence with facts."""
    return Evidence(id_, "ans:1", "alerts", "prom", "prod", "", WINDOW, "seen", "text", facts=facts)


def alert(name: str, since: str, **more: str) -> dict[str, str]:
    """A firing alert."""
    return {"name": name, "service": "payments", "since": f"{when(since).isoformat()}", "state": "active", **more}


def answered(head: str = "payments is slow [E2].\nSince.", since: str = "06:01", disputes: int = 0) -> Record:
    """A question at 06:10, answered at 06:11."""
    question = Question(Place("T1", "C1", "1.0"), "why is checkout slow?", "U1", "1.0")
    cause = Cause("payments", "latency", when(since).isoformat(), "confirmed")
    answer = Answer(head, cause=cause, disputes=tuple(Dispute(f"U{n}", "no") for n in range(disputes)))
    return Record("ans:1", question, "answered", when("06:10"), None, answer, when("06:11"))


def said(text: str, clock: str, **more: Any) -> Said:
    """A message."""
    return Said(f"{when(clock).timestamp():.6f}", "U2", text, **more)


def lines(moments: tuple[Moment, ...]) -> list[str]:
    """As they are written in UTC."""
    return written(moments, "UTC").splitlines()


def test_everything_stands_in_its_order() -> None:
    """Alerts of a minute share a line; changes, the cause with its end, question, answer and people follow."""
    causes = [{"service": "payments", "headline": "latency 90 ms → 2.6 s", "until": when("06:40").isoformat()}]
    evidence = [
        seen("E1", alerts=[alert("Slow", "06:03"), alert("Errors", "06:03"), alert("Later", "06:05")]),
        seen("E2", causes=causes, changes=[{"at": when("05:58").isoformat(), "service": "payments", "what": "v2"}]),
    ]
    thread = [said("rolled back", "06:30"), said("I am the bot", "06:31", own=True)]
    assert lines(timeline([answered(disputes=1)], evidence, thread)) == [
        "- 05:58 Change: payments v2 [E2]",
        "- 06:01 payments: latency 90 ms → 2.6 s [E2]",
        "- 06:03 Errors payments, Slow payments begin to fire [E1]",
        "- 06:05 Later payments begins to fire [E1]",
        "- 06:10 Asked: “why is checkout slow?”",
        "- 06:11 Answered: payments is slow [E2]. (disputed)",
        "- 06:30 In the thread: rolled back",
        "- 06:40 payments is well again [E2]",
    ]


def test_the_same_seen_twice_is_one_moment() -> None:
    """An alert at its earliest time, a change once, a cause at the earliest time that an answer gave."""
    change = {"at": when("05:58").isoformat(), "service": "payments", "what": "payments v2"}
    evidence = [
        seen("E1", alerts=[alert("Slow", "06:05")], changes=[change]),
        seen("E4", alerts=[alert("Slow", "06:03")], changes=[change | {"at": when("05:59").isoformat()}]),
    ]
    told = lines(timeline([answered(since="06:02"), answered(since="06:01")], evidence, ()))
    assert [line for line in told if "Slow" in line] == ["- 06:03 Slow payments begins to fire [E4]"]
    assert [line for line in told if "Change" in line] == ["- 05:58 Change: payments v2 [E1]"]
    assert [line for line in told if "latency" in line] == ["- 06:01 payments: latency"]


def test_what_is_no_time_or_only_pending_is_left_out() -> None:
    """A model may write anything as the time since when."""
    evidence = [seen("E1", alerts=[alert("Slow", "06:03", state="pending"), alert("X", "06:03") | {"since": "soon"}])]
    assert lines(timeline([], evidence, ())) == []


def test_the_zone_and_the_day_are_the_readers() -> None:
    """Over midnight each line has its day."""
    moments = (Moment(when("22:30"), "a"), Moment(when("23:30"), "b"))
    assert written(moments, "Europe/Berlin") == "- Tue 24 Nov 23:30 a\n- Wed 25 Nov 00:30 b"
    assert written(moments, "UTC") == "- 22:30 a\n- 23:30 b"


@given(st.integers(0, 60))
def test_a_long_thread_is_cut_and_says_by_how_much(count: int) -> None:
    """The root and the latest stay."""
    thread = [said(f"message {n}", f"07:{n % 60:02}") for n in range(count)]
    told = lines(timeline([], [], thread))
    assert sum("In the thread" in line for line in told) == min(count, MOST_SAID)
    left = count - MOST_SAID
    assert [line for line in told if "more message" in line] == (
        [f"- 07:01 {left} more message{'' if left == 1 else 's'} in the thread"] if left > 0 else []
    )
