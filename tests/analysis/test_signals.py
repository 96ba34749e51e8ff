"""Golden signals out of counters and histograms."""

from typing import Literal

import numpy as np
import pytest

from bot.analysis.frames import Row
from bot.analysis.signals import Part, Reading, Signal, golden, others
from bot.analysis.structure import Family, Structure
from tests.analysis.made import axis, noisy, row

STRUCTURE = Structure(("app",), services=frozenset({"a", "b"}), graph={"a": frozenset({"b"})})
Type = Literal["counter", "histogram"]


def reading(name: str, part: Part, *rows: Row, type: Type = "counter", **family: str) -> Reading:
    """One query's rows."""
    client = bool(family.get("peer"))
    made = Family(
        name, type, frozenset(), frozenset({"a"}), len(rows), family.get("code", ""), frozenset(),
        family.get("peer", ""), client,
    )  # fmt: skip
    return Reading(made, part, f"rate({name})", rows)


def flat(value: float) -> np.ndarray:
    """A series that never changes."""
    return np.full(axis().times.size, value)


def pick(signals: tuple[Signal, ...], kind: str) -> Signal:
    """The one signal of a kind."""
    (found,) = [s for s in signals if s.kind == kind]
    return found


def test_codes_give_traffic_and_a_share_of_errors() -> None:
    """Failures over everything, with the failures per second kept beside the share."""
    rows = (row(flat(9), app="a", status="200"), row(flat(1), app="a", status="500"))
    found = golden(STRUCTURE, axis(), [reading("hits_total", "rate", *rows, code="status")])
    assert pick(found, "traffic").values[0] == 10
    errors = pick(found, "errors")
    assert errors.values[0] == pytest.approx(0.1)
    assert errors.events is not None
    assert errors.events[0] == 1


def test_a_histogram_gives_its_mean_in_seconds() -> None:
    """Sum over count, whatever the unit of the name."""
    found = golden(
        STRUCTURE,
        axis(),
        [
            reading("wait_milliseconds", "rate", row(flat(10), app="a"), type="histogram"),
            reading("wait_milliseconds", "sum", row(flat(2_000), app="a"), type="histogram"),
        ],
    )
    assert pick(found, "latency").values[0] == pytest.approx(0.2)
    assert pick(found, "latency").unit == "seconds"


def test_own_latency_is_what_calls_do_not_explain() -> None:
    """The time of a service less the time of its calls, per request."""
    served = {"type": "histogram"}
    found = golden(
        STRUCTURE,
        axis(),
        [
            reading("serve_seconds", "rate", row(flat(10), app="a"), type="histogram"),
            reading("serve_seconds", "sum", row(flat(3), app="a"), type="histogram"),
            reading("call_seconds", "rate", row(flat(20), app="a", to="b"), type="histogram", peer="to"),
            reading("call_seconds", "sum", row(flat(2), app="a", to="b"), type="histogram", peer="to"),
        ],
    )
    assert served
    assert pick(found, "own latency").values[0] == pytest.approx(0.1)
    assert (pick(found, "call latency").peer, pick(found, "call latency").values[0]) == ("b", pytest.approx(0.1))


def test_failures_counted_apart_become_a_share_of_the_calls() -> None:
    """Where the calls to the same target are counted too; a rate otherwise."""
    failed = reading("call_failures_total", "rate", row(flat(2), app="a", to="b"), peer="to")
    calls = reading("call_seconds", "rate", row(flat(20), app="a", to="b"), type="histogram", peer="to")
    assert pick(golden(STRUCTURE, axis(), [failed, calls]), "call errors").values[0] == pytest.approx(0.1)
    assert pick(golden(STRUCTURE, axis(), [failed]), "faults").values[0] == 2


def test_traffic_is_told_once() -> None:
    """A counter and a histogram of the same requests are one traffic."""
    coded = reading("hits_total", "rate", row(flat(9), app="a", status="200"), code="status")
    timed = reading("serve_seconds", "rate", row(flat(9), app="a"), type="histogram")
    summed = reading("serve_seconds", "sum", row(flat(1), app="a"), type="histogram")
    assert pick(golden(STRUCTURE, axis(), [coded, timed, summed]), "traffic").metric == "hits_total"


def test_other_counters_are_sorted_by_their_words() -> None:
    """CPU by instance, throttling as a share of all periods, failures, and plain rates; sizes are no requests."""
    found = others(
        STRUCTURE,
        axis(),
        [
            reading("process_cpu_seconds_total", "rate", row(flat(0.5), app="a", instance="a-1")),
            reading("cfs_throttled_periods_total", "rate", row(flat(2), app="a")),
            reading("cfs_periods_total", "rate", row(flat(10), app="a")),
            reading("mail_errors_total", "rate", row(flat(1), app="a", box="x"), row(flat(2), app="a", box="y")),
            reading("reply_bytes", "rate", row(flat(1), app="a"), type="histogram"),
        ],
    )
    assert pick(found, "cpu").labels == {"instance": "a-1"}
    assert pick(found, "throttling").values[0] == pytest.approx(0.2)
    assert pick(found, "faults").values[0] == 3
    assert pick(found, "rate").metric == "cfs_periods_total"


def test_silence_is_no_share() -> None:
    """Without traffic there is neither an error share nor a latency."""
    rows = (row(flat(0), app="a", status="200"), row(noisy(0), app="a", status="500"))
    found = golden(STRUCTURE, axis(), [reading("hits_total", "rate", *rows, code="status")])
    assert np.isnan(pick(found, "errors").values).all()
