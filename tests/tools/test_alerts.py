"""The tool that says what fires."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from bot.domain.alerts import Alert
from bot.domain.errors import SourceDown
from bot.domain.evidence import Found
from bot.domain.series import Rule
from bot.domain.tools import Desk
from bot.domain.window import Window
from bot.tools.alerts import QUERY, TOOL
from tests.sources.opened import opened
from tests.sources.recorded import GENERATIONS, Player, window
from tests.sources.served import Server
from tests.tools.stores import NOW, Store, alert, alertmanager, desk, prometheus, series

RULES = (Rule("HighErrorRate", "errors > 0.05"),)


async def run(at: Desk, env: str = "") -> Found:
    """The tool's result."""
    return await TOOL.run(at, env=env) if env else await TOOL.run(at)


def states(found: Found) -> list[tuple[str, str]]:
    """Name and state of each alert, in order."""
    return [(fact["name"], fact["state"]) for fact in found.facts["alerts"]]


@pytest.mark.parametrize("pair", GENERATIONS)
async def test_recorded_servers(pair: tuple[str, str]) -> None:
    """From what real servers said: the cause's service, since when, its words; the watchdog is set aside."""
    seen = window(pair[0])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(Player(*pair)))
        a, p = [await stack.enter_async_context(opened(k, server.url)) for k in ("alertmanager", "prometheus")]
        found = await run(Desk(desk(a, p).sources, seen, seen.end, "Europe/Berlin"))
    payment = next(fact for fact in found.facts["alerts"] if fact["service"] == "payment")
    assert (payment["name"], payment["severity"], payment["state"]) == ("HighErrorRate", "critical", "active")
    assert payment["expr"].endswith("> 0.05")
    assert payment["since"].endswith("+00:00")
    assert "of payment's answers are 5xx" in found.text
    assert "Set aside, as they always fire: Watchdog." in found.text
    assert "CET" in found.text


async def test_alertmanager_counts_and_prometheus_adds_what_is_pending() -> None:
    """What fires is told once, by Alertmanager, though both know it; pending comes from Prometheus."""
    manager = Store(firing=(alert("HighErrorRate", "payment", cluster="eu"), alert("Muted", state="suppressed")))
    server = Store(
        firing=(alert("HighErrorRate", "payment"), alert("Slow", "cart", 1, "pending"), alert("Muted")), ruled=RULES
    )
    found = await run(desk(alertmanager(manager), prometheus(server)))
    assert states(found) == [("HighErrorRate", "active"), ("Muted", "suppressed"), ("Slow", "pending")]
    assert found.facts["alerts"][0]["source"] == "am"
    assert found.facts["alerts"][0]["expr"] == "errors > 0.05"
    assert found.missing == ()
    assert found.source == "am, prom"


async def test_prometheus_stands_in_for_a_manager_that_is_down() -> None:
    """Without Alertmanager's answer what fires comes from Prometheus, and the gap is named."""
    manager = Store(error=SourceDown("am cannot be reached"))
    found = await run(desk(alertmanager(manager), prometheus(Store(firing=(alert("Slow", "cart", expr="x > 1"),)))))
    assert states(found) == [("Slow", "active")]
    assert found.missing == ("am cannot be reached",)
    assert "Not seen: am cannot be reached" in found.text


async def test_what_alertmanager_does_not_list_is_told() -> None:
    """After a restart Alertmanager knows nothing yet; what Prometheus says fires is not lost."""
    server = Store(firing=(alert("Slow", "cart", expr="x > 1"),))
    found = await run(desk(alertmanager(Store()), prometheus(server)))
    assert states(found) == [("Slow", "active")]
    assert found.missing == ("Slow: firing in Prometheus, but Alertmanager does not list it",)


async def test_a_pair_of_managers_tells_each_alert_once() -> None:
    """Two Alertmanagers of one environment are one voice; another environment is its own."""
    one = Store(firing=(alert("Slow", "cart", expr="x > 1"),))
    here = (alertmanager(one, "am-1"), alertmanager(one, "am-2"), alertmanager(one, "am-3", "staging", "eu-2"))
    found = await run(desk(*here))
    assert [fact["env"] for fact in found.facts["alerts"]] == ["prod", "staging · eu-2"]
    assert "; staging · eu-2" in found.text
    assert len((await run(desk(*here), "staging")).facts["alerts"]) == 1


async def test_what_fired_in_the_window_and_is_over() -> None:
    """By the metric ALERTS: an alert that fired and ended is resolved; one that still fires is not told twice."""
    over = series([1.0] * 9, NOW - timedelta(minutes=30), alertname="Slow", alertstate="firing", service="cart")
    still = series([1.0] * 9, alertname="Hot", alertstate="firing", service="cart")
    server = Store(held={QUERY: (over, still)}, ruled=RULES)
    manager = Store(firing=(alert("Hot", "cart", expr="x", cluster="eu"),))
    found = await run(desk(alertmanager(manager), prometheus(server)))
    assert states(found) == [("Hot", "active"), ("Slow", "resolved")]
    assert "Fired in the window, over now:\n cart\n  Slow; 11:28:00 UTC to 11:30:00 UTC" in found.text


async def test_quiet_is_said_and_never_claimed_without_rules() -> None:
    """No alert is an answer; a Prometheus without rules cannot give it."""
    quiet = await run(desk(prometheus(Store(ruled=RULES))))
    assert (quiet.facts["alerts"], quiet.missing, quiet.summary) == ([], (), "no alert fires")
    assert "No alert fires." in quiet.text
    empty = await run(desk(prometheus(Store())))
    assert empty.missing == ("prom holds no alerting rules, so nothing can fire there",)


@pytest.mark.parametrize(
    "always", [alert("Watchdog"), alert("X", severity="none"), alert("Y", expr="vector( 1 )"), alert("DeadMansSwitch")]
)
async def test_always_firing_alerts_are_set_aside(always: Alert) -> None:
    """A test alert is no incident."""
    found = await run(desk(alertmanager(Store(firing=(always,)))))
    assert found.facts["alerts"] == []
    assert always.name in found.text


async def test_a_storm_is_counted() -> None:
    """Of very many alerts the worst are shown, the rest counted by name; facts keep all."""
    many = tuple(alert("Slow", f"s{n}", n, severity="warning") for n in range(60))
    found = await run(desk(alertmanager(Store(firing=(*many, alert("Down", "db", 1, severity="critical"))))))
    assert len(found.facts["alerts"]) == 61
    assert found.facts["alerts"][0]["name"] == "Down"
    assert "21 more alerts are left out here; their names: Slow ×21" in found.text
    flood = tuple(alert("Slow", f"s{n}", pod="x" * 5_000) for n in range(700))
    found = await run(desk(alertmanager(Store(firing=flood))))
    assert found.missing == ("200 more alerts are only counted",)
    assert len(found.text) < 20_000


async def test_services_are_grouped_and_other_labels_shown() -> None:
    """Each service's alerts stand together; labels that the line does not tell otherwise stand in it."""
    firing = (alert("A", "pay", 5), alert("B", "cart", 4), alert("C", "pay", 3, pod="pay-7", summary="all\n lost"))
    found = await run(desk(alertmanager(Store(firing=firing))))
    assert found.text.index(" pay\n") < found.text.index("  C;") < found.text.index(" cart\n")
    assert "C; since 11:57:00 UTC (3 min ago); all lost; pod=pay-7" in found.text
    assert "pod" not in found.text.split("  B;")[1]


@pytest.mark.parametrize("failing", ["rules", "range"])
async def test_what_only_adds_may_fail(failing: str) -> None:
    """Without rules or without the metric ALERTS what fires is still told."""
    server = Store(error=SourceDown("prom is down"), failing=failing, firing=(alert("Hot", "cart", 5, "pending"),))
    found = await run(desk(alertmanager(Store(firing=(alert("Slow", "cart"),))), prometheus(server)))
    assert states(found) == [("Slow", "active"), ("Hot", "pending")]
    quiet = await run(desk(prometheus(Store(error=SourceDown("prom is down"), failing=failing))))
    assert quiet.facts["alerts"] == []


async def test_alerts_that_began_after_a_past_window_are_not_its_own() -> None:
    """Asked of yesterday, today's alerts are counted aside and said to be left out."""
    here = desk(alertmanager(Store(firing=(alert("HighErrorRate", "payment"),))))
    past = Window(NOW - timedelta(days=1, hours=1), NOW - timedelta(days=1), "yesterday")
    found = await run(Desk(here.sources, past, NOW))
    assert found.facts["alerts"] == []
    assert "1 alerts that began after this window are left out" in found.missing
