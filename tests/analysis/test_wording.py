"""Movers and causes in people's words."""

import numpy as np
import pytest

from bot.analysis.anomalies import movers
from bot.analysis.causes import Candidate, rank
from bot.analysis.gauges import Deadline, Event
from bot.analysis.picture import Picture
from bot.analysis.signals import Kind, Signal
from bot.analysis.wording import headline_of, iso, label, moved, name_of, next_of, number, reason_of, signal_of
from tests.analysis.made import at, axis, noisy, ramped, signal, stepped


def only(*signals: Signal, events: tuple[Event, ...] = (), deadlines: tuple[Deadline, ...] = ()) -> Candidate:
    """The first cause behind some signals of a service that calls a database and a bank."""
    graph = {"pay": frozenset({"db", "bank"})}
    moved_ones = movers(axis(), signals)
    return rank(Picture(moved_ones, events, deadlines, graph, frozenset({"pay", "db"}), at(30), at(0), 30))[0]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.35912, "ratio", "35.9 %"), (2.4, "seconds", "2.4 s"), (0.0123, "seconds", "12.3 ms"),
        (3 * 2**30, "bytes", "3 GiB"), (10.0, "bytes", "10 bytes"), (606.7, "1/s", "607 per s"),
        (12345.6, "", "12346"), (0.5, "cores", "0.5 cores"),
    ],
)  # fmt: skip
def test_figures_have_units(value: float, unit: str, said: str) -> None:
    """Three digits and a unit."""
    assert number(value, unit) == said


@pytest.mark.parametrize(
    ("kind", "metric", "peer", "said"),
    [
        ("errors", "hits_total", "", "errors (hits_total)"),
        ("call latency", "call_seconds", "bank", "latency of calls to bank (call_seconds)"),
        ("call traffic", "calls", "db", "traffic to db (calls)"),
        ("queue", "jobs_backlog", "", "queue (jobs_backlog)"),
        ("queue", "pool_pending", "", "pool waiting (pool_pending)"),
        ("gauge", "wobble", "", "gauge (wobble)"),
    ],
)
def test_signals_are_called_by_their_trouble(kind: Kind, metric: str, peer: str, said: str) -> None:
    """What it shows first, the metric behind it."""
    assert name_of(signal("pay", kind, noisy(1), metric, peer)) == said


def test_a_fault_is_said_with_its_times() -> None:
    """Pulses are counted, an outage is down, what fills says when it is full."""
    pulses = np.where((axis().times - at(0)) % 300 < 120, 0.9, 0.3)
    (flapping,) = movers(axis(), [signal("pay", "share", pulses[::-1])])
    assert "comes and goes" in moved(flapping)
    (down,) = movers(axis(), [signal("pay", "availability", stepped(1, 0, 20))])
    assert (moved(down), label(down)) == ("down", "availability (m)")
    (filling,) = movers(axis(), [signal("db", "saturation", ramped(0.3, 0.7, 10, 30), "disk_used", unit="ratio")])
    assert moved(filling).startswith("30 % → ")


def test_a_deploy_is_named_in_headline_and_reason() -> None:
    """Roll it back is the next thing."""
    errors = stepped(0.001, 0.4, 15)
    failing = Signal("pay", "errors", "hits_total", "q", errors, "ratio", events=errors * 50)
    cause = only(failing, events=(Event(at(15), "pay", "deploy", "pay 1 → 2", "q"),))
    assert headline_of(cause).endswith("right after its deploy 1 → 2")
    assert reason_of(cause).startswith(f"pay 1 → 2 at {iso(at(15))[11:19]} UTC, then errors (hits_total) ")
    assert reason_of(cause).count("errors (hits_total)") == 1
    assert next_of(cause).startswith("roll pay back")


def test_each_sort_of_cause_has_its_next_check() -> None:
    """A used-up resource by what it is, a dependency by its name, a deadline by what it watches."""
    full = only(signal("db", "saturation", ramped(0.6, 1.0, 10, 14), "disk_used_bytes"))
    assert next_of(full).startswith("free space on db")
    bank = only(signal("pay", "call latency", stepped(0.1, 2, 15), "calls", peer="bank"))
    assert "status of bank" in next_of(bank)
    due = only(deadlines=(Deadline("pay", "ssl_not_after", "q", 86_400.0, target="x.example"),))
    assert (signal_of(due.main), headline_of(due)) == (
        "certificate expiry (ssl_not_after)",
        "x.example has 1.0 days left",
    )
    assert "renew" in next_of(due)
    gone = only(deadlines=(Deadline("pay", "ssl_not_after", "q", -1.0, at(3), at(9)),))
    assert headline_of(gone).endswith("days left, and was renewed")
    assert "has expired" in headline_of(only(deadlines=(Deadline("pay", "cert", "q", -1.0),)))


def test_more_calls_at_the_same_load_are_said_so() -> None:
    """Who asks, whom, how much more."""
    cause = only(
        signal("pay", "call traffic", stepped(10, 90, 15), "calls", "db", "1/s"),
        signal("db", "cpu", stepped(0.2, 0.9, 15)),
    )
    assert headline_of(cause).startswith("asks far more of db at the same load, ")
    down = only(signal("db", "availability", stepped(1, 0, 15)))
    assert headline_of(down) == "db down"


def test_no_time_is_no_text() -> None:
    """Unknown stays empty."""
    assert (iso(None), iso(0.0)) == ("", "1970-01-01T00:00:00Z")
