"""Which service is the cause, and which only suffer from it."""

import random

import numpy as np

from bot.analysis.anomalies import movers
from bot.analysis.causes import Candidate, rank
from bot.analysis.gauges import Deadline, Event
from bot.analysis.picture import Picture
from bot.analysis.signals import Signal
from tests.analysis.made import at, axis, noisy, ramped, signal, stepped

GRAPH = {"front": {"shop"}, "shop": {"pay", "stock"}, "pay": {"bank", "db"}, "stock": {"db"}}
SERVICES = frozenset({"front", "shop", "pay", "stock", "db"})


def ranked(*signals: Signal, events: tuple[Event, ...] = (), deadlines: tuple[Deadline, ...] = ()) -> list[Candidate]:
    """The causes behind some signals of the small system above; the order they come in must not matter."""
    shuffled = list(signals)
    random.Random(len(signals)).shuffle(shuffled)
    graph = {caller: frozenset(callees) for caller, callees in GRAPH.items()}
    end = float(axis().times[-1])
    return list(rank(Picture(movers(axis(), shuffled), events, deadlines, graph, SERVICES, end, at(0), 30)))


def failing(service: str, minute: float, share: float = 0.4, until: float = 1e9) -> Signal:
    """A service whose errors rose at a minute."""
    values = stepped(0.001, share, minute, until)
    return Signal(service, "errors", "hits_total", "q", values, "ratio", events=values * 50)


def deploy(service: str, minute: float) -> Event:
    """A rollout."""
    return Event(at(minute), service, "deploy", f"{service} 1 → 2", "q")


def test_errors_belong_to_the_deepest_sick_service() -> None:
    """Callers that fail with it are symptoms, although they fail as much and as early."""
    (cause,) = ranked(failing("front", 15), failing("shop", 15, 0.5), failing("pay", 15))
    assert cause.service == "pay"
    assert {m.signal.service for m in cause.symptoms} == {"front", "shop", "pay"}


def test_a_deploy_before_the_errors_confirms() -> None:
    """Hard evidence, first, explains everything: dated by the deploy."""
    (cause,) = ranked(failing("shop", 15.5), failing("pay", 15.2), events=(deploy("pay", 15),))
    assert (cause.service, cause.since, cause.confidence) == ("pay", at(15), "confirmed")


def test_a_deploy_of_a_victim_is_no_cause() -> None:
    """The caller was rolled out shortly before, but its callee explains its errors."""
    (cause, *others) = ranked(
        failing("shop", 16), failing("pay", 15.8), events=(deploy("shop", 12), deploy("pay", 15.6))
    )
    assert cause.service == "pay"
    assert not others


def test_a_deploy_without_trouble_is_none() -> None:
    """Rollouts happen."""
    assert ranked(signal("pay", "traffic", noisy(40)), events=(deploy("pay", 15),)) == []


def test_a_full_database_explains_its_callers() -> None:
    """It has no errors of its own to show; what it ran out of speaks."""
    used = signal("db", "saturation", ramped(0.6, 1.0, 10, 14), "conns")
    (cause,) = ranked(used, failing("pay", 14), failing("stock", 14), failing("shop", 14.2), failing("front", 14.5))
    assert (cause.service, cause.main.kind, cause.confidence) == ("db", "saturation", "confirmed")


def test_what_is_not_watched_is_the_callers_dependency() -> None:
    """A slow bank is named with the service that calls it."""
    slow = [signal(s, "latency", stepped(0.1, 2.0, 15)) for s in ("pay", "shop", "front")]
    (cause,) = ranked(*slow, signal("pay", "call latency", stepped(0.09, 1.9, 15), peer="bank"))
    assert cause.service == "pay"
    assert cause.main.mover is not None
    assert cause.main.mover.signal.peer == "bank"


def test_load_runs_downwards() -> None:
    """More was asked at the door: the slow callee is a symptom even though it is deeper."""
    traffic = [signal(s, "traffic", stepped(40, 300, 15)) for s in ("front", "shop", "stock")]
    slow = signal("stock", "own latency", stepped(0.02, 1.0, 15.5))
    slow2 = signal("stock", "latency", stepped(0.02, 1.0, 15.5))
    (cause,) = ranked(*traffic, slow, slow2, signal("shop", "latency", stepped(0.1, 1.1, 15.5)))
    assert (cause.service, cause.main.kind) == ("front", "traffic")


def test_one_surge_is_one_cause() -> None:
    """A queue hides who calls whom: what surges with the door is not a second cause."""
    queue = [signal("db", "traffic", stepped(8, 40, 15)), signal("front", "traffic", stepped(40, 300, 15))]
    (cause,) = ranked(*queue, signal("front", "latency", stepped(0.1, 1.1, 15.5)))
    assert cause.service == "front"


def test_who_asks_more_of_its_callee_at_the_same_load_is_the_cause() -> None:
    """A collapsed cache: the database suffers, its caller changed; the cache's own signal names it."""
    (cause,) = ranked(
        signal("stock", "share", stepped(0.95, 0.1, 15), "hit_ratio"),
        signal("stock", "call traffic", stepped(10, 90, 15), "calls", peer="db"),
        signal("db", "cpu", stepped(0.2, 0.9, 15)),
        signal("stock", "traffic", noisy(100)),
    )
    assert (cause.service, cause.main.mover and cause.main.mover.signal.metric) == ("stock", "hit_ratio")


def test_retries_are_no_load() -> None:
    """A failing service is asked more often because it fails: it is the cause, not who asks."""
    (cause,) = ranked(
        failing("pay", 15),
        failing("shop", 15.1, 0.2),
        signal("pay", "traffic", stepped(40, 110, 15)),
        signal("shop", "call traffic", stepped(40, 110, 15), "calls", peer="pay"),
        signal("front", "traffic", noisy(40)),
    )
    assert (cause.service, cause.main.kind) == ("pay", "errors")


def test_a_dead_service_need_not_show_errors() -> None:
    """It is down; only its callers can fail."""
    (cause,) = ranked(signal("stock", "availability", stepped(1, 0, 15)), failing("shop", 15), failing("front", 15.2))
    assert (cause.service, cause.main.kind) == ("stock", "availability")


def test_two_faults_are_two_causes() -> None:
    """Independent ones both stand, with their own symptoms."""
    deadline = Deadline("front", "cert", "q", 86_400.0, at(5), target="x")
    found = ranked(failing("pay", 15), failing("shop", 15), events=(deploy("pay", 15),), deadlines=(deadline,))
    assert [c.service for c in found] == ["pay", "front"]
    assert found[1].main.deadline is deadline


def test_a_deadline_does_not_hide_another_fault_of_its_service() -> None:
    """Two troubles of one service are two causes, the one that hurts first."""
    deadline = Deadline("front", "cert", "q", 86_400.0, at(5), target="x")
    traffic = [signal(s, "traffic", stepped(40, 300, 15)) for s in ("front", "shop")]
    found = ranked(*traffic, signal("shop", "latency", stepped(0.1, 1.1, 15.5)), deadlines=(deadline,))
    assert [(c.service, c.main.kind) for c in found] == [("front", "traffic"), ("front", "expiry")]


def test_a_deadline_far_away_is_none() -> None:
    """Two months are enough."""
    assert ranked(deadlines=(Deadline("front", "cert", "q", 60 * 86_400.0),)) == []


def test_what_came_back_is_over() -> None:
    """The cause is named, with its end; a lasting one goes before it."""
    (cause,) = ranked(failing("pay", 8, until=14), failing("shop", 8, until=14.5))
    assert not cause.active
    assert cause.until is not None
    assert abs(cause.until - at(14.5)) < 30
    lasting = signal("db", "saturation", ramped(0.6, 1.0, 20, 25), "disk")
    assert [c.service for c in ranked(failing("pay", 8, until=14), lasting)] == ["db", "pay"]


def test_a_lone_odd_gauge_is_no_cause() -> None:
    """Something moved that nobody is known to be hurt by."""
    assert ranked(signal("stock", "gauge", stepped(5, 50, 15))) == []
    assert ranked() == []


def test_without_a_graph_hard_evidence_and_the_first_onset_decide() -> None:
    """No label tells who calls whom: one cause, not one per service."""
    signals = [failing("pay", 15), failing("shop", 15.5), failing("front", 16)]
    picture = Picture(movers(axis(), signals), (deploy("pay", 14.9),), (), {}, SERVICES, at(30), at(0), 30)
    (cause,) = rank(picture)
    assert (cause.service, cause.confidence) == ("pay", "confirmed")


def test_without_a_graph_a_full_database_still_explains_the_pools() -> None:
    """What waits for connections is not what ran out of them."""
    pools = [signal(s, "saturation", ramped(0.3, 1.0, 13, 14), "db_pool_active") for s in ("pay", "stock")]
    full = signal("db", "saturation", ramped(0.6, 1.0, 12, 14), "conns")
    moved = movers(axis(), [*pools, full, failing("pay", 14), failing("stock", 14)])
    (cause,) = rank(Picture(moved, (), (), {}, SERVICES, at(30), at(0), 30))
    assert cause.service == "db"


def test_order_does_not_change_the_outcome() -> None:
    """Ties are broken by the data, not by chance."""
    values = [failing(s, 15) for s in ("front", "shop", "pay", "stock")]
    outcomes = []
    for _ in range(4):
        values = [*values[1:], values[0]]
        outcomes.append([(c.service, round(c.score, 6)) for c in ranked(*values)])
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert np.isfinite(outcomes[0][0][1])
