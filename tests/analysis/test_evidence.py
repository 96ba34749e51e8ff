"""What speaks for a service by itself."""

import pytest

from bot.analysis.anomalies import movers
from bot.analysis.evidence import own_evidence
from bot.analysis.gauges import Event
from bot.analysis.picture import Picture
from bot.analysis.signals import Kind, Signal
from tests.analysis.made import at, axis, ramped, signal, stepped

GRAPH = {"front": frozenset({"shop"}), "shop": frozenset({"db"})}
LOAD = [signal(s, "traffic", stepped(40, 300, 15)) for s in ("front", "shop")]
FULL = [signal("db", "saturation", ramped(0.6, 1.0, 13, 15), "disk_used")]
SICK = [signal("db", "latency", stepped(0.01, 1.0, 15)), signal("db", "errors", stepped(0, 0.5, 15))]


def weight(subject: Signal, *around: Signal, events: tuple[Event, ...] = ()) -> float:
    """The heaviest evidence that a signal gives its service, with others around it."""
    moved = movers(axis(), [subject, *around])
    picture = Picture(moved, events, (), GRAPH, frozenset({"front", "shop", "db"}), at(30), at(0), 30)
    found = [o for o in own_evidence(picture).get(subject.service, ()) if o.mover and o.mover.signal is subject]
    return max((o.weight for o in found), default=0.0)


def moving(kind: Kind, service: str = "shop", peer: str = "", metric: str = "m") -> Signal:
    """A signal of a service that rose with the others around it."""
    low, high = {"saturation": (0.5, 1.0), "share": (0.1, 0.9), "throttling": (0.0, 0.7)}.get(kind, (0.01, 0.8))
    scale = 100.0 if kind in ("queue", "call traffic", "rate", "gauge", "faults", "cpu") else 1.0
    return signal(service, kind, stepped(low * scale, high * scale, 15.3), metric, peer)


@pytest.mark.parametrize(
    "kind", ["errors", "latency", "own latency", "saturation", "cpu", "throttling", "queue", "share", "gauge"]
)
def test_load_and_a_full_callee_take_the_blame(kind: Kind) -> None:
    """Whatever rose at a service speaks less for it when more was asked of it, or what it needs is used up."""
    alone = weight(moving(kind))
    assert alone > 0
    assert weight(moving(kind), *LOAD) < alone
    assert weight(moving(kind), *FULL) < alone or kind in ("cpu", "throttling")


@pytest.mark.parametrize("kind", ["errors", "latency", "queue", "share"])
def test_a_sick_callee_takes_the_blame(kind: Kind) -> None:
    """Even without a used-up resource."""
    assert weight(moving(kind), *SICK) < 0.5 * weight(moving(kind))


def test_a_pool_waits_for_its_database() -> None:
    """A caller's full pool is the shadow of a slow callee."""
    assert weight(moving("saturation", metric="db_pool_active"), *SICK) < 0.3


def test_trouble_outside_is_the_callers_own() -> None:
    """With a watched callee it points there instead; without a peer it points nowhere."""
    assert weight(moving("call latency", peer="bank")) > 0.9
    assert weight(moving("call latency", peer="db")) == 0
    assert weight(moving("call errors")) == 0


def test_load_belongs_to_where_it_came_in() -> None:
    """The door's surge counts, more so if it hurts someone; its callee's does not; less traffic says little."""
    assert weight(LOAD[0], LOAD[1]) == 0.5
    assert weight(LOAD[0], LOAD[1], moving("latency")) > 0.9
    assert weight(LOAD[1], LOAD[0]) == 0
    assert weight(signal("front", "traffic", stepped(300, 20, 15))) == 0.3
    assert weight(signal("shop", "traffic", stepped(300, 20, 15))) == 0


def test_asking_more_counts_unless_more_was_asked() -> None:
    """More so when the callee suffers; not when the callee was sick before."""
    asks = moving("call traffic", peer="db")
    assert 0 < weight(asks) < weight(asks, moving("cpu", "db"))
    assert weight(asks, *LOAD) == 0
    assert weight(asks, signal("db", "latency", stepped(0.01, 1.0, 5))) == 0
    assert weight(signal("shop", "call traffic", stepped(80, 1, 15), peer="db")) == 0


@pytest.mark.parametrize(("minute", "least", "most"), [(15.2, 0.95, 1), (13, 0.8, 0.9), (6, 0.5, 0.7), (-2, 0.5, 0.5)])
def test_the_sooner_after_a_change_the_surer(minute: float, least: float, most: float) -> None:
    """CPU that rose right after a deploy, minutes after it, long after it."""
    event = Event(at(minute), "shop", "deploy", "shop 1 → 2", "q")
    assert least <= weight(moving("cpu"), events=(event,)) <= most


def test_a_restart_alone_is_no_change() -> None:
    """Only what people rolled out."""
    assert weight(moving("cpu"), events=(Event(at(15), "shop", "restart", "x", "q"),)) == 0.5
