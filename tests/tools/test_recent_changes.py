"""The tool that says what was changed."""

from datetime import timedelta

from bot.domain.alerts import Change
from bot.domain.errors import SourceDown
from bot.tools.recent_changes import SHOWN, TOOL
from tests.tools.stores import NOW, Store, desk, prometheus

DEPLOY = Change(NOW - timedelta(minutes=20), "payment v1 → v2", "payment")
FLAG = Change(NOW - timedelta(minutes=30), "flag on", "cart", "annotation")


async def test_all_stores_in_order_of_time() -> None:
    """Changes of every source stand in one order, each with its kind and source."""
    found = await TOOL.run(desk(prometheus(Store(changed=(DEPLOY,)), "p1"), prometheus(Store(changed=(FLAG,)), "p2")))
    assert [fact["what"] for fact in found.facts["changes"]] == ["flag on", "payment v1 → v2"]
    assert "11:40:00 UTC deploy: payment v1 → v2 [p1]" in found.text
    assert found.summary == "2 changes, deploys: payment v1 → v2"
    assert found.facts["changes"][1]["at"] == "2026-11-23T11:40:00+00:00"


async def test_one_service_only() -> None:
    """A service's changes are picked out; none is said as none."""
    at = desk(prometheus(Store(changed=(DEPLOY, FLAG))))
    assert [fact["service"] for fact in (await TOOL.run(at, service="cart")).facts["changes"]] == ["cart"]
    nothing = await TOOL.run(at, service="search")
    assert (nothing.facts["changes"], nothing.summary) == ([], "0 changes, no deploy")


async def test_too_many_keep_the_latest() -> None:
    """Of very many the latest are shown, and the rest is said to be left out."""
    many = tuple(Change(NOW - timedelta(minutes=n), f"c{n}") for n in range(SHOWN + 5))
    found = await TOOL.run(desk(prometheus(Store(changed=many)), prometheus(Store(error=SourceDown("p2 down")), "p2")))
    assert len(found.facts["changes"]) == SHOWN
    assert found.facts["changes"][-1]["what"] == "c0"
    assert found.missing == ("p2 down", "the 5 earliest changes are left out")
