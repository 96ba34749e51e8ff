"""Alerts to incidents: what belongs together is together, whatever the order of arrival, and says why."""

import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis.groups import HELD, Grouper, Placed, grouped
from bot.domain.alerts import Alert
from tests.analysis.packs import PACK

START = datetime(2026, 3, 1, tzinfo=UTC)


def alert(at: float, service: str = "cart", name: str = "HighLatency", namespace: str = "shop") -> Alert:
    """An alert so many seconds after the start."""
    return Alert(name, {"service": service, "namespace": namespace}, START + timedelta(seconds=at))


def numbers(placed: Iterable[Placed]) -> list[int]:
    """The groups in order."""
    return [p.group for p in placed]


def test_near_in_time_and_place_is_one_incident() -> None:
    """Three services of a namespace within minutes are one, another namespace is another; the reason names the last."""
    placed = grouped([alert(0), alert(60, "front"), alert(60, "pay", namespace="bank"), alert(200, "db")])
    assert numbers(placed) == [0, 0, 1, 0] or numbers(placed) == [0, 1, 0, 0]
    last = next(p for p in placed if p.alert.labels["service"] == "db")
    assert "2 min after HighLatency on front" in last.reason
    assert "shop" in last.reason


def test_a_pause_or_a_long_while_ends_an_incident() -> None:
    """Over four minutes of silence, or six minutes of alerts, and the next one is new."""
    assert numbers(grouped([alert(0), alert(250, "b")])) == [0, 1]
    assert numbers(grouped([alert(100.0 * k, f"s{k}") for k in range(6)])) == [0, 0, 0, 0, 1, 1]


def test_where_alerts_come_all_the_time_a_shorter_pause_ends_an_incident() -> None:
    """After an hour with an alert each minute, 100 s of silence are a pause; in a quiet place they are none."""
    busy = [alert(60.0 * k, f"s{k}") for k in range(60)]
    last = [alert(3640, "x"), alert(3740, "y")]
    placed = {p.alert.labels["service"]: p for p in grouped([*busy, *last])}
    assert placed["x"].group != placed["y"].group
    assert placed["y"].reason == "nothing else began in the 71 s before"
    assert len(set(numbers(grouped(last)))) == 1


def test_calls_join_namespaces() -> None:
    """A caller in another namespace belongs to it, a stranger does not."""
    stream = [alert(0, "db", namespace="data"), alert(60, "cart"), alert(65, "x", namespace="y")]
    placed = grouped(stream, {"cart": ["db"]})
    assert numbers(placed) == [0, 0, 1]
    assert placed[1].reason.endswith("cart and db call each other")


def test_what_keeps_firing_starts_and_prolongs_nothing() -> None:
    """The seventh time within the hour it is by itself; within an incident it does not carry it on."""
    noise = [alert(500.0 * k, "noisy") for k in range(8)]
    placed = grouped([*noise, alert(3480, "a"), alert(3730, "b")])
    assert "keeps firing" in placed[6].reason
    groups = {p.alert.labels["service"]: p.group for p in placed}
    assert groups["a"] != groups["b"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from("abcd"), st.sampled_from("xy")), max_size=60),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_does_not_matter(rows: list[tuple[int, str, str]], chance: random.Random) -> None:
    """Arrivals late by up to half a minute, and one whole list, give the same groups."""
    alerts = [alert(at, service, namespace=place) for at, service, place in rows]
    jittered = sorted(alerts, key=lambda a: a.starts.timestamp() + chance.uniform(0, HELD - 1))
    grouper = Grouper()
    streamed = [p for a in jittered for p in grouper.add(a)] + list(grouper.flush())
    assert streamed == list(grouped(alerts))
    assert Counter(map(str, alerts)) == Counter(str(p.alert) for p in streamed)


def test_five_thousand_alerts_take_a_moment() -> None:
    """5,000 alerts of 200 services, over hours or in one instant, within 100 ms (twice that on a slow machine)."""
    for gap in (7.0, 0.0):
        alerts = [alert(gap * k, f"s{k % 200}", namespace=f"n{k % 5}") for k in range(5000)]
        spent = []
        for _ in range(3):
            began = time.process_time()
            grouped(alerts)
            spent.append(time.process_time() - began)
        assert min(spent) < 0.2


def _pairs(keys: Iterable[Hashable]) -> float:
    return sum(n * (n - 1) / 2 for n in Counter(keys).values())


@pytest.mark.skipif(not (PACK / "alerts" / "stream.jsonl.gz").exists(), reason=f"no benchmark pack at {PACK}")
def test_a_stream_with_known_incidents() -> None:
    """Pair F1 and compression on the labelled stream (noise alerts count as incidents of their own)."""
    with gzip.open(PACK / "alerts" / "stream.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    truth = {row["id"]: row["incident"] or row["id"] for row in rows}
    placed = grouped(
        Alert(r["labels"]["alertname"], r["labels"], START + timedelta(seconds=r["start"]), fingerprint=r["id"])
        for r in rows
    )
    found = [(truth[p.alert.fingerprint], p.group) for p in placed]
    both, right, said = _pairs(found), _pairs(t for t, _ in found), _pairs(g for _, g in found)
    assert 2 * both / (right + said) > 0.55
    assert len(rows) / len({g for _, g in found}) > 3.5
