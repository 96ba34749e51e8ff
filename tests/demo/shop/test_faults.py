"""Each fault's truth can be found in the metrics, from its start to its end, and its symptoms follow the calls."""

import operator
from collections.abc import Callable

import pytest

from bot.demo.shop import FAULTS, Shop, Truth
from bot.demo.shop.layout import callers
from bot.demo.shop.rules import GROUPS
from bot.demo.vendors.evaluator import Evaluation
from bot.demo.vendors.promql import parse
from bot.demo.vendors.rules import Alert, Ruler
from bot.demo.vendors.storage import Storage

NOW = 1_760_000_007.0
OPS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}
KINDS = sorted(FAULTS.keys() - {"none", "random"})
HURTING = [name for name in KINDS if name not in ("cert_expiry", "flapping", "queue_backlog", "cpu_throttle")]


def shop(fault: str, seed: int, lasted: float | None = None, ago: float = 1200.0) -> Shop:
    """A shop with a fault that is 20 minutes old."""
    return Shop(seed, fault, now=lambda: NOW, started_ago=ago, lasted=lasted, history=5400.0)


def true_of(one: Shop) -> Truth:
    """What is wrong with it."""
    assert one.truth
    return one.truth


def holding(one: Shop, at: float) -> list[bool]:
    """Which of the truth's conditions hold at a time."""
    storage, found = Storage(one), []
    for query, test in true_of(one).promql:
        sign, limit = test.split()
        rows = Evaluation(storage, [round(at * 1000)]).vector(parse(query))
        values = [row.column[0] for row in rows]
        found.append(any(value is not None and OPS[sign](value, float(limit)) for value in values))
    return found


def history(one: Shop) -> list[Alert]:
    """Every alert that has fired by now."""
    ruler = Ruler(Storage(one), one.now, GROUPS)
    return sorted([*ruler.firing(), *ruler.resolved], key=lambda alert: alert.fired or 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fault", KINDS)
def test_the_truth_shows_in_the_metrics_and_did_not_before(fault: str, seed: int) -> None:
    """Each of its conditions holds now and held at no time before the start."""
    one = shop(fault, seed)
    assert all(holding(one, NOW))
    assert not any(holding(one, true_of(one).since - 120.0))


@pytest.mark.parametrize("fault", KINDS)
def test_a_fault_that_is_over_leaves_the_metrics_as_they_were(fault: str) -> None:
    """After its end none of its conditions holds any more."""
    one = shop(fault, 2, lasted=600.0, ago=2400.0)
    assert true_of(one).until == true_of(one).since + 600.0
    assert not any(holding(one, NOW))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault", KINDS)
def test_a_fault_raises_its_own_alert(fault: str, seed: int) -> None:
    """Within twenty minutes an alert about the service at fault fires, and none of it before the start."""
    one = shop(fault, seed)
    truth = true_of(one)
    own = [a for a in history(one) if a.rule.alert in truth.alerts and a.labels.get("service") == truth.service]
    assert own
    assert all(alert.active / 1000 >= truth.since for alert in own)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault", HURTING)
def test_symptoms_stay_among_the_callers(fault: str, seed: int) -> None:
    """Errors and slowness are seen at the service at fault and at those that call it, or share what it overloads."""
    one = shop(fault, seed)
    truth = true_of(one)
    shared = {"cache_collapse": {"catalogue-db", *callers("catalogue-db")}, "traffic_spike": {*callers("catalogue-db")}}
    expected = {truth.service, *callers(truth.service), *shared.get(fault, set())}
    hurt = {a.labels["service"] for a in history(one) if a.rule.alert in ("HighErrorRate", "HighLatency")}
    assert hurt
    assert hurt <= expected


@pytest.mark.parametrize("fault", ["db_pool_exhaustion", "disk_full"])
def test_a_database_at_fault_has_no_error_metric(fault: str) -> None:
    """Its callers show the errors; only its own resource tells on the database."""
    one = shop(fault, 1)
    assert not [s for s in one.series("http_requests_total") if s.labels["service"] == true_of(one).service]
    assert any(alert.rule.alert == "HighErrorRate" for alert in history(one))


def test_callers_may_alert_before_the_cause() -> None:
    """With a throttled service somebody else's alert comes first: the first alert is no verdict."""
    one = shop("cpu_throttle", 1)
    truth = true_of(one)
    throttled = next(a for a in history(one) if a.rule.alert == "CpuThrottled")
    earlier = [a for a in history(one) if a.labels.get("service") in callers(truth.service)]
    assert throttled.labels["service"] == truth.service
    assert earlier
    assert (earlier[0].fired or 0) < (throttled.fired or 0)


def test_a_quiet_shop_only_has_its_watchdog() -> None:
    """Nothing fires in an hour and a half without a fault, but what a harmless deploy says."""
    names = {alert.rule.alert for seed in (1, 2) for alert in history(Shop(seed, "none", now=lambda: NOW))}
    assert names <= {"Watchdog", "InstanceRestarted"}


def test_a_flapping_alert_comes_and_goes_and_hurts_nobody() -> None:
    """It fires several times, and nobody's errors or latency join it."""
    one = shop("flapping", 1)
    assert true_of(one).harmless
    alerts = [alert for alert in history(one) if alert.rule.severity not in ("none", "info")]
    assert {alert.rule.alert for alert in alerts} == {"CacheHitRatioLow"}
    assert len(alerts) >= 4
