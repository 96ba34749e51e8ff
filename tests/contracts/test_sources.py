"""What every series, rule, alert and change store keeps to: recorded, real and simulated servers alike."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.shop import Shop
from bot.demo.vendors import Vendors
from bot.domain.errors import BadArguments
from bot.domain.sources import Instance
from bot.domain.window import Window, last
from tests.sources import live
from tests.sources.opened import opened
from tests.sources.recorded import GENERATIONS, Player, window
from tests.sources.served import Server

RECORDED = tuple(f"recorded {prometheus}" for prometheus, _ in GENERATIONS)
REAL = pytest.param("real", marks=pytest.mark.prometheus)
SERIES_QUERY = 'sum by (service)(rate(http_requests_total{code=~"5.."}[1m]))'
PRESENT = {"real": "process_resident_memory_bytes", "demo": "up"}


@dataclass(frozen=True)
class World:
    """One implementation: a Prometheus, an Alertmanager, and a window in which something is to be seen."""

    name: str
    prometheus: Instance
    alertmanager: Instance
    window: Window


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live | None]:
    """Real servers, started once for all of these tests."""
    if live.MISSING:
        yield None
        return
    with live.both(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(params=[*RECORDED, REAL, "demo"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each implementation in turn."""
    async with AsyncExitStack() as stack:
        if request.param == "real":
            running = request.getfixturevalue("servers")
            if running is None:
                pytest.skip(f"not installed: {live.MISSING}")
            urls, seen = (running.prometheus, running.alertmanager), last(timedelta(hours=1), datetime.now(UTC))
        elif request.param == "demo":
            vendors = await stack.enter_async_context(
                Vendors(Shop(seed=7, fault="bad_deploy", started_ago=900, history=9_000))
            )
            urls, seen = (vendors.prometheus_url, vendors.alertmanager_url), last(timedelta(hours=1), datetime.now(UTC))
        else:
            pair = GENERATIONS[RECORDED.index(request.param)]
            server = await stack.enter_async_context(Server(Player(*pair)))
            urls, seen = (server.url, server.url), window(pair[0])
        prometheus = await stack.enter_async_context(opened("prometheus", urls[0]))
        manager = await stack.enter_async_context(opened("alertmanager", urls[1]))
        yield World(request.param, prometheus, manager, seen)


async def test_instant_queries_give_one_finite_value_per_series(world: World) -> None:
    """An instant vector is series of one sample each."""
    assert world.prometheus.series is not None
    query = PRESENT.get(world.name, 'up{job="shop"}')
    answer = await world.prometheus.series.instant(query, world.window.end)
    assert answer.series
    assert all(len(one.times) == len(one.values) == 1 for one in answer.series)
    assert {type(one.values[0]) for one in answer.series} == {float}
    assert all("service" in one.labels for one in answer.series)


async def test_range_queries_ascend_within_the_window(world: World) -> None:
    """A range answer has at most 500 points per series, in order of time, on the step, within the window."""
    assert world.prometheus.series is not None
    answer = await world.prometheus.series.range(SERIES_QUERY, world.window)
    start, end = world.window.start.timestamp(), world.window.end.timestamp()
    assert {"payment"} <= {one.labels["service"] for one in answer.series} or world.name == "demo"
    for one in answer.series:
        assert list(one.times) == sorted(one.times)
        assert len(one.times) <= 500
        assert start - answer.step <= one.times[0] <= one.times[-1] <= end
    assert answer.step >= 15


async def test_an_unknown_metric_is_an_empty_answer(world: World) -> None:
    """No such metric is no error, and near names are at hand."""
    assert world.prometheus.series is not None
    answer = await world.prometheus.series.instant("http_reqests_total", world.window.end)
    assert answer.series == ()
    near = await world.prometheus.series.metrics("http_reqests_total", 5)
    assert "http_requests_total" in {metric.name for metric in near}


@pytest.mark.parametrize("query", ["up{", "rate(up)", "foo(up)"])
async def test_bad_promql_is_told_in_the_servers_words(world: World, query: str) -> None:
    """What the server says of a bad query reaches the model."""
    assert world.prometheus.series is not None
    with pytest.raises(BadArguments, match=re.compile("parse|range vector|unknown function|Not valid PromQL")):
        await world.prometheus.series.instant(query, world.window.end)


async def test_words_find_metrics(world: World) -> None:
    """People's words find the metric, with its type where the server knows it."""
    assert world.prometheus.series is not None
    found = await world.prometheus.series.metrics("the number of requests", 5)
    assert "http_requests_total" in {metric.name for metric in found}
    assert len(await world.prometheus.series.metrics("", 3)) == 3


async def test_label_sets_are_those_of_the_selector(world: World) -> None:
    """The label sets of a selector hold what it asks for."""
    assert world.prometheus.series is not None
    service = "payment" if world.name != "demo" else "catalogue"
    found = await world.prometheus.series.label_sets(f'app_build_info{{service="{service}"}}', world.window, 3)
    assert 0 < len(found) <= 3
    assert {labels["service"] for labels in found} == {service}


async def test_rules_and_targets(world: World) -> None:
    """Every rule has a name, an expression and a known state; targets say whether they are up."""
    assert world.prometheus.rules is not None
    rules = await world.prometheus.rules.rules()
    assert rules
    assert all(rule.name and rule.expr for rule in rules)
    assert {rule.state for rule in rules} <= {"inactive", "pending", "firing"}
    assert any(rule.duration > 0 for rule in rules)
    targets = await world.prometheus.rules.targets()
    assert targets
    assert all(target.labels for target in targets)
    assert all(bool(target.error) != target.up for target in targets)


async def test_alerts_of_both_kinds(world: World) -> None:
    """Alerts have a name, a start in UTC, a known state and their expression; the past never lies ahead."""
    for instance in (world.alertmanager, world.prometheus):
        assert instance.alerts is not None
        alerts = await instance.alerts.alerts()
        assert alerts
        assert {alert.state for alert in alerts} <= {"active", "pending", "suppressed"}
        assert all(alert.name and alert.labels["alertname"] == alert.name and alert.expr for alert in alerts)
        assert all(alert.starts.utcoffset() == timedelta(0) for alert in alerts)


async def test_matchers_narrow_the_alerts(world: World) -> None:
    """Alertmanager's matchers are Alertmanager's to apply; a bad one is told in its words."""
    assert world.alertmanager.alerts is not None
    some = await world.alertmanager.alerts.alerts(['service="payment"'])
    assert some or world.name == "demo"
    assert all(alert.labels["service"] == "payment" for alert in some)
    with pytest.raises(BadArguments, match="bad"):
        await world.alertmanager.alerts.alerts(["bad{"])


async def test_changes_lie_in_the_window_in_order(world: World) -> None:
    """A deploy is seen once, as old → new, and every change lies inside the window."""
    assert world.prometheus.changes is not None
    changes = await world.prometheus.changes.changes(world.window)
    assert list(changes) == sorted(changes, key=lambda change: change.at)
    assert all(world.window.start <= change.at <= world.window.end for change in changes)
    if world.name in ("real", "demo"):
        deploys = [change.what for change in changes if change.kind == "deploy"]
        assert any(" → " in what for what in deploys)
        assert len(deploys) == len(set(deploys))


async def test_health_names_the_version(world: World) -> None:
    """A source that answers is healthy, and says which version it is."""
    for instance in (world.prometheus, world.alertmanager):
        health = await instance.health()
        assert health.ok
        assert re.search(r"\d+\.\d+", health.detail)


async def test_a_wrong_address_is_unhealthy_with_a_remedy(world: World) -> None:
    """A base path that does not exist is told with what to check."""
    async with opened("prometheus", f"{world.prometheus.url}/wrong") as instance:
        health = await instance.health()
    assert not health.ok
    assert "base path" in health.detail
