"""Gauges that belong together."""

import numpy as np
import pytest

from bot.analysis.frames import Array, Row
from bot.analysis.gauges import Gauges, read
from bot.analysis.signals import Reading
from bot.analysis.structure import Family, Structure
from tests.analysis.made import at, axis, noisy, row, stepped

STRUCTURE = Structure(("app",), services=frozenset({"a"}))
NOW = float(axis().times[-1])


def told(*rows: Row) -> Gauges:
    """What the gauges tell."""
    family = Family("gauges", "gauge", frozenset(), frozenset(), 0)
    return read(STRUCTURE, axis(), [Reading(family, "value", "q", rows)])


def gauge(name: str, values: Array | float, **labels: str) -> Row:
    """A gauge of service a."""
    made = np.full(axis().times.size, values) if isinstance(values, float | int) else values
    return row(made, name, **{"app": "a", "instance": "a-1", **labels})


@pytest.mark.parametrize(
    ("used", "limit", "share"),
    [
        ("jdbc_pool_active", "jdbc_pool_max", 0.4),
        ("process_resident_memory_bytes", "container_spec_memory_limit_bytes", 0.4),
        ("redis_connected_clients", "redis_config_maxclients_limit", 0.4),
        ("disk_avail_bytes", "disk_size_bytes", 0.6),
    ],
)
def test_used_and_limit_make_a_share(used: str, limit: str, share: float) -> None:
    """By name stems and label sets; what is free counts the other way round."""
    found = told(gauge(used, noisy(4e6)), gauge(limit, 1e7))
    (signal,) = [s for s in found.signals if s.kind == "saturation"]
    assert float(np.median(signal.values)) == pytest.approx(share, rel=0.02)
    assert signal.limit == limit


def test_states_of_one_thing_are_summed_and_kept() -> None:
    """Connections by state against their limit; each state stays a gauge of its own."""
    rows = [gauge("pg_stat_activity_count", float(n), state=s, app_name="x") for s, n in (("idle", 20), ("active", 30))]
    found = told(*rows, gauge("pg_settings_max_connections", 100.0))
    assert [float(s.values[0]) for s in found.signals if s.kind == "saturation"] == [0.5]
    assert [s.metric for s in found.signals if s.kind == "gauge"] == ["pg_stat_activity_count"] * 2


@pytest.mark.parametrize(
    ("used", "limit"),
    [("queue_depth", "queue_size_limit"), ("cache_bytes", "cache_max_seconds"), ("apples_used", "pears_max")],
)
def test_what_does_not_belong_together_is_no_share(used: str, limit: str) -> None:
    """Waiting things, other units and other words do not pair; neither do values beyond the limit."""
    assert not [s for s in told(gauge(used, 4.0), gauge(limit, 10.0)).signals if s.limit]
    assert not [s for s in told(gauge("pool_used", 40.0), gauge("pool_max", 10.0)).signals if s.limit]


def test_single_gauges_are_sorted_by_their_words() -> None:
    """Queues, shares, percentages in use, what is free, and the rest."""
    found = told(
        gauge("orders_backlog", 7.0), gauge("hit_ratio", 0.9), gauge("disk_used_percent", 80.0),
        gauge("slots_free", 3.0), gauge("wobble", 5.0), gauge("up", 1.0),
    )  # fmt: skip
    kinds = {s.metric: s.kind for s in found.signals}
    assert kinds == {
        "orders_backlog": "queue", "hit_ratio": "share", "disk_used_percent": "saturation", "slots_free": "free",
        "wobble": "gauge", "up": "availability",
    }  # fmt: skip


def test_a_new_version_is_a_deploy_and_its_return_another() -> None:
    """Dated by the first instance; a gap of the same version is none."""
    times = axis().times
    old = np.where((times < at(10)) | (times >= at(20)), 1.0, np.nan)
    new = np.where((times >= at(10)) & (times < at(20)), 1.0, np.nan)
    found = told(gauge("build_info", old, version="1.0"), gauge("build_info", new, version="1.1"))
    assert [(e.what, e.at) for e in found.events] == [("a 1.0 → 1.1", at(10)), ("a 1.1 → 1.0", at(20))]


def test_a_new_start_time_is_a_restart_at_that_time() -> None:
    """To the second, and only inside the data."""
    started = np.where(axis().times < at(12), at(-600), at(11.9))
    (event,) = told(gauge("process_start_time_seconds", started)).events
    assert event.kind == "restart"
    assert event.at == pytest.approx(at(11.9))
    assert not told(gauge("process_start_time_seconds", at(-600))).events


def test_a_moment_ahead_is_a_deadline() -> None:
    """What is left of it, and since when, if it was moved; bytes of that size are no moment."""
    moved = np.where(axis().times < at(15), NOW + 5e6, NOW + 86_400.0)
    (deadline,) = told(gauge("ssl_cert_not_after", moved, host="x.example")).deadlines
    assert deadline.left == pytest.approx(86_400)
    assert (deadline.since, deadline.target) == (at(15), "x.example")
    renewed = np.where(axis().times < at(15), at(3_000), at(90_000))
    (renewal,) = told(gauge("ssl_cert_not_after", renewed)).deadlines
    assert (renewal.since, renewal.until) == (None, at(15))
    assert not told(gauge("heap_bytes", stepped(1.79e9, 1.8e9, 10))).deadlines
