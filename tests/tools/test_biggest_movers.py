"""What moved most, and the cause behind it."""

from datetime import datetime, timedelta

import pytest

from bot.domain.errors import SourceDown
from bot.domain.tools import Desk
from bot.domain.window import Window
from bot.tools.biggest_movers import biggest_movers
from tests.tools.world import NOW, World, bistro, desk


def seconds_ago(stamp: str) -> float:
    """How long before now an ISO time lies."""
    return (NOW - datetime.fromisoformat(stamp)).total_seconds()


async def test_nothing_moved_says_what_was_looked_at() -> None:
    """A healthy system: no mover, no cause, the graph all the same."""
    found = await biggest_movers.run(desk(bistro()))
    assert (found.facts["movers"], found.facts["cause"]) == ([], None)
    assert found.facts["graph"] == {"kitchen": ["larder", "supplier"], "waiter": ["kitchen"]}
    assert found.facts["services"] == ["kitchen", "larder", "waiter"]
    assert "Nothing moved" in found.text
    assert found.chart is None


async def test_the_callee_that_fails_is_the_cause() -> None:
    """Its caller fails too; both are movers, one is the cause, dated within a scrape or two."""
    found = await biggest_movers.run(desk(bistro(fails_since=900)))
    cause = found.facts["cause"]
    assert (cause["service"], cause["affects"]) == ("kitchen", ["waiter"])
    assert seconds_ago(cause["since"]) == pytest.approx(900, abs=45)
    assert {m["service"] for m in found.facts["movers"]} == {"kitchen", "waiter"}
    assert found.facts["movers"][0]["kind"] == "errors"


async def test_what_fills_up_is_named_with_its_limit() -> None:
    """Used and limit are found by their names; the evidence carries the samples and a picture."""
    found = await biggest_movers.run(desk(bistro(fills_since=600)))
    assert found.facts["cause"]["service"] == "larder"
    assert "shelf_slots_used / shelf_slots_max" in found.facts["cause"]["signal"]
    assert found.chart is not None
    assert found.chart.series[0].values[-1] == 1.0
    assert found.raw["series"][0]["service"] == "larder"
    assert len(found.raw["times"]) == len(found.raw["series"][0]["values"])


async def test_two_servers_are_told_apart() -> None:
    """Same names, a fault in one: the cause and every mover name its environment."""
    found = await biggest_movers.run(desk(bistro(), bistro(fails_since=900)))
    assert found.facts["cause"]["env"] == "env2"
    assert {m["env"] for m in found.facts["movers"]} == {"env2"}
    assert "[env1] Nothing moved" in found.text


async def test_a_server_that_refuses_is_missing_not_fatal() -> None:
    """One query refused: the rest is used, and the gap is said."""
    found = await biggest_movers.run(desk(bistro(World(refused="rate(ask_seconds_sum"), fails_since=900)))
    assert found.facts["cause"]["service"] == "kitchen"
    assert found.missing == ("ask_seconds: execution: too many samples",)
    with pytest.raises(SourceDown, match="too many samples"):
        await biggest_movers.run(desk(World(refused="up")))


async def test_without_samples_it_says_so() -> None:
    """An empty server has moved nothing and proves nothing."""
    found = await biggest_movers.run(desk(World()))
    assert found.missing == ("prom-1 has no samples in this window",)


async def test_few_queries_are_sent() -> None:
    """The whole look costs about as many queries as there are families."""
    world = bistro(fails_since=900)
    await biggest_movers.run(desk(world))
    assert len(world.queries) < 15


async def test_a_channels_services_stand_first() -> None:
    """What the channel is about leads the list of movers."""
    at = desk(bistro(fails_since=900))
    found = await biggest_movers.run(Desk(at.sources, at.window, NOW, services=("waiter",)))
    assert found.facts["movers"][0]["service"] == "waiter"


async def test_a_fresh_server_with_dense_samples_is_read_finely() -> None:
    """Ninety seconds of one-second samples: the onset is found to the second."""
    world = bistro(World(step=1.0, minutes=1.5), fails_since=40)
    found = await biggest_movers.run(desk(world))
    assert seconds_ago(found.facts["cause"]["since"]) == pytest.approx(40, abs=3)


async def test_the_window_asked_about_counts() -> None:
    """A fault of hours ago is found in the window of hours ago, and lies before the window of now."""
    world = bistro(World(minutes=420), fails_since=14_400)
    then = Window(NOW - timedelta(hours=4.5), NOW - timedelta(hours=3.5))
    found = await biggest_movers.run(Desk(desk(world).sources, then, NOW))
    assert seconds_ago(found.facts["cause"]["since"]) == pytest.approx(14_400, abs=60)
