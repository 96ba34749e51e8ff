"""Figures of an answer, looked up in the evidence."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.numbers import check_numbers, mark
from bot.domain.evidence import Evidence
from bot.domain.window import Window

WINDOW = Window(datetime(2026, 11, 24, 13, tzinfo=UTC), datetime(2026, 11, 24, 14, tzinfo=UTC))
FACTS: dict[str, Any] = {
    "movers": [
        {"service": "payment", "unit": "ratio", "before": 0.0021, "now": 0.351, "since": "2026-11-24T13:02:11Z"},
        {"service": "checkout", "unit": "seconds", "before": 0.231, "now": 4.72, "since": "2026-11-24T13:03:00Z"},
        {"service": "cart", "unit": "bytes", "before": 536870912.0, "now": 1610612736.0, "since": ""},
    ],
    "alerts": [
        {"name": "A", "severity": "critical", "since": "2026-11-24T13:05:00Z"},
        {"name": "B", "severity": "critical", "since": "2026-11-24T13:06:30Z"},
        {"name": "C", "severity": "warning", "since": ""},
    ],
    "changes": [{"at": "2026-11-24T12:59:30Z", "what": "payment v2.3.1 → v2.4.0"}],
}


def evidence(text: str = "", facts: dict[str, Any] | None = None, raw: object = None) -> Evidence:
    """One piece of evidence over 13:00 to 14:00 UTC."""
    return Evidence("E1", "flow", "tool", "prom", "prod", "rate(x[5m])", WINDOW, "", text, facts or {}, raw)


def unbacked(answer: str, item: Evidence, zone: str = "UTC") -> tuple[str, ...]:
    """What is not backed."""
    return check_numbers(answer, [item], zone).unbacked


@pytest.mark.parametrize(
    "answer",
    [
        "errors rose from 0.2 % to 35 %, or 35.1 percent, or 0.351",
        "p99 is 4.7 s, was 231 ms, 0.23 s; 4,720 ms now",
        "20× as slow, 20 times, 4.5 s more, 1,943 % more",
        "memory 1.5 GiB, was 512 MiB, 3 times, three times",
        "3 alerts, 2 critical, of them 1 warning",
        "v2.4.0 came after 2.3.1",
        "since 13:02, at 13:02:11 UTC, about 13:00, at 1:02 pm, since 2026-11-24T13:02:11Z",
        "for 58 min, 4 min after that, in the last 60 min, over 1 h",
        "more than 4.5 s, about 230 ms, over 30 %",
        "for 57 min 49 s, 0 h 58 min in all",
    ],
)
def test_what_follows_from_the_facts_is_backed(answer: str) -> None:
    """Other units, rounding, changes, factors, counts, versions, times and lengths of time all count."""
    assert unbacked(answer, evidence(facts=FACTS)) == ()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("p99 is 4.9 s", "4.9 s"),
        ("p99 is 231 s", "231 s"),
        ("errors 47 %", "47 %"),
        ("6 alerts", "6"),
        ("v2.5.0 is out", "v2.5.0"),
        ("since 13:33", "13:33"),
        ("9× as slow", "9×"),
        ("for 33 min", "33 min"),
        ("`p = 88`", "88"),
        ("720 MiB", "720 MiB"),
        ("since 2026-11-24T12:02:11Z", "2026-11-24T12:02:11Z"),
        ("seven times", "seven times"),
        ("99:99 and 12/s", "12/s"),
        ("for 3 h 5 min", "3 h 5 min"),
    ],
)
def test_what_is_made_up_is_found(answer: str, wrong: str) -> None:
    """A wrong value, a wrong unit, a wrong time, a wrong version or count is not backed."""
    assert wrong in unbacked(answer, evidence(facts=FACTS))


@pytest.mark.parametrize(
    "answer",
    [
        "see [E1] and [E2, E3], p99 and 5xx of db-1, eu-west-1",
        "1. first\n2) second\n> 3. third",
        "on 24 Nov, Nov 24, 2026-11-24, 24/11/2026; the 99th percentile, the 3rd time",
        "run `kubectl rollout undo deploy/payment --to-revision=7` or `rate(x[7m]) > 9`",
        "```\nsum(rate(y[9m])) > 77\n```",
        "payment:8080, a1b2, h2",
    ],
)
def test_what_is_no_figure_is_not_counted(answer: str) -> None:
    """Ids, names, list numbers, dates, ordinals, ports and code are left alone."""
    assert check_numbers(answer, [evidence()]).total == 0


def test_times_are_read_in_the_askers_zone_too() -> None:
    """14:02 in Berlin is 13:02 UTC; for someone in New York it is nothing."""
    assert unbacked("since 14:02:11", evidence(facts=FACTS), "Europe/Berlin") == ()
    assert unbacked("since 14:02:11", evidence(facts=FACTS), "America/New_York") == ("14:02:11",)
    assert unbacked("at 23:59:40", evidence(text="seen 2026-11-23T00:00:30Z")) == ("23:59:40",)
    assert unbacked("at 23:59", evidence(text="seen 2026-11-23T23:59:40Z")) == ()


def test_text_raw_data_and_queries_count_as_well() -> None:
    """What the tool's text says, with its unit, and the ends of raw series."""
    item = evidence(
        "rate 12.3/s, now 231.4 ms → 4.7 s, load 7.25; 5 rows", raw={"values": [float(n) for n in range(900)]}
    )
    assert unbacked("738/min, 20×, 231 ms, 7.3 load, 899 at most, 5m", item) == ()
    assert unbacked("450", item) == ("450",)


def test_lengths_between_times_of_the_answer() -> None:
    """`12 min after` is backed by the two times that the same answer tells, when these are backed themselves."""
    item = evidence("a 13:02 b 13:14 c 13:50 d 13:51 e 13:52 f 13:53 g 13:54 h 13:55 i 13:56")
    assert unbacked("rose at 13:14, 12 min after 13:02", item) == ()
    assert unbacked("rose at 13:20, 18 min after 13:02", item) == ("13:20", "18 min")


def test_marks_stand_behind_the_figure_once() -> None:
    """Each figure that is not backed is marked, also in tables; what is backed is not; twice changes nothing."""
    text = "p99 4.7 s, errors 47 % [E1]\n| a | 47 % |"
    numbers = check_numbers(text, [evidence(facts=FACTS)])
    assert (numbers.total, numbers.backed, numbers.unbacked) == (3, 1, ("47 %",))
    marked = mark(text, numbers)
    assert marked == "p99 4.7 s, errors 47 % (unverified) [E1]\n| a | 47 % (unverified) |"
    assert mark(marked, numbers) == marked


FORMS = {
    "ratio": [lambda v: f"{v * 100:.1f} %", lambda v: f"{v * 100:.0f}%", lambda v: f"{v:.3f}"],
    "seconds": [lambda v: f"{v:.2f} s", lambda v: f"{v * 1000:.0f} ms", lambda v: f"{v * 1000:,.1f}ms"],
    "bytes": [lambda v: f"{v / 2**20:.1f} MiB", lambda v: f"{v / 1e6:.0f} MB", lambda v: f"{v / 2**30:.2f} GiB"],
    "1/s": [lambda v: f"{v:.2f}/s", lambda v: f"{v * 60:.0f} per minute", lambda v: f"{v:.1f} req/s"],
}
SIZES = {"ratio": 1.0, "seconds": 30.0, "bytes": 8e9, "1/s": 900.0}


@given(st.sampled_from(sorted(FORMS)), st.floats(0.001, 1.0), st.integers(0, 2))
def test_a_number_of_the_evidence_is_backed_in_any_writing(unit: str, share: float, form: int) -> None:
    """However a value is rounded and whichever unit it is told in, it is found, from facts and from text."""
    value = share * SIZES[unit]
    shown = FORMS[unit][form](value)
    assert unbacked(f"it is {shown} now", evidence(facts={"a": {"unit": unit, "now": value}})) == ()
    assert unbacked(f"it is {shown} now", evidence(text=f"saw {shown}.")) == ()


def test_a_random_number_is_seldom_backed_by_chance() -> None:
    """Against a usual piece of evidence fewer than 3 in 100 made-up values of three digits pass."""
    made_up, rows = random.Random(7), FACTS["movers"]
    item = evidence(facts={**FACTS, "movers": rows * 4})
    drawn = [f"{made_up.uniform(1, 999):.3g} ms, {made_up.uniform(1, 99):.1f} %" for _ in range(500)]
    results = [check_numbers(text, [item]) for text in drawn]
    assert sum(r.backed for r in results) <= 0.03 * sum(r.total for r in results)


def test_nothing_to_check() -> None:
    """Text without figures costs nothing, and figures without evidence are all unbacked."""
    assert check_numbers("all is well", []).total == 0
    assert check_numbers("p99 4.7 s", []).unbacked == ("4.7 s",)


def test_an_address_is_no_figure() -> None:
    """Hosts and ports in a source's words are names."""
    assert check_numbers("prometheus at http://127.0.0.1:41867 is down, 10.2.3.4:9090 too", []).total == 0
