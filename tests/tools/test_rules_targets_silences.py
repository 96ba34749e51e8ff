"""The tools that list rules, scrape targets and silences."""

from datetime import timedelta

from bot.domain.alerts import Silence
from bot.domain.series import Rule, Target
from bot.tools.alert_rules import TOOL as RULES
from bot.tools.scrape_targets import TOOL as TARGETS
from bot.tools.silences import TOOL as SILENCES
from tests.tools.stores import NOW, Store, alertmanager, desk, prometheus

SILENCE = Silence("1", ('service="pay"',), "jo", "rollback", NOW, NOW + timedelta(hours=2))


async def test_rules_that_fire_come_first() -> None:
    """Rules with expression, state and `for`; words pick by name or expression."""
    rules = (
        Rule("Slow", "p95 >\n 1", duration=120, labels={"severity": "warning"}),
        Rule("Errors", "ratio > 0.05", "firing"),
    )
    at = desk(prometheus(Store(ruled=rules)))
    found = await RULES.run(at)
    assert [fact["name"] for fact in found.facts["rules"]] == ["Errors", "Slow"]
    assert "Slow [warning] inactive: p95 > 1 for 2 min" in found.text
    assert found.summary == "2 rules, 1 of them firing"
    assert [fact["name"] for fact in (await RULES.run(at, words="RATIO err")).facts["rules"]] == ["Errors"]


async def test_no_rules_is_a_gap() -> None:
    """A server without rules, or with more than are shown, says so."""
    many = tuple(Rule(f"r{n}", "x") for n in range(50))
    found = await RULES.run(desk(prometheus(Store(), "p1"), prometheus(Store(ruled=many), "p2", "staging")))
    assert found.missing == (
        "p1 lists no alerting rules; its API may not serve them",
        "10 more rules are left out",
    )
    assert "r0 inactive: x (staging)" in found.text


async def test_targets_that_are_down() -> None:
    """What is down is named with its error; what is up is counted by job."""
    up = tuple(Target({"job": "shop", "instance": f"i{n}"}, True) for n in range(3))
    down = (Target({"job": "db", "instance": "d"}, False, "refused"), Target({"job": "db"}, False))
    found = await TARGETS.run(desk(prometheus(Store(scraped=(*up, *down)))))
    assert "3 of 5 targets are up" in found.text
    assert "DOWN instance=d job=db: refused" in found.text
    assert "DOWN job=db: last scrape failed" in found.text
    assert "Up by job: shop 3" in found.text
    assert (len(found.facts["down"]), found.facts["up"]) == (2, 3)
    assert (await TARGETS.run(desk(prometheus(Store())))).missing == ("prom lists no scrape targets",)


async def test_silences_are_alertmanagers() -> None:
    """Matchers, author, comment and end; Prometheus is asked only where there is no Alertmanager."""
    server = Store()
    found = await SILENCES.run(desk(alertmanager(Store(silenced=(SILENCE,))), prometheus(server)))
    assert 'service="pay" until 14:00:00 UTC, by jo: rollback' in found.text
    assert found.facts["silences"][0]["ends"] == "2026-11-23T14:00:00+00:00"
    assert server.asked == []
    alone = await SILENCES.run(desk(prometheus(Store())))
    assert alone.missing == ("silences are Alertmanager's, and none is in scope",)
