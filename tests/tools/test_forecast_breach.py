"""The tool that looks ahead."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.errors import BadArguments
from bot.domain.window import last
from bot.tools.forecast_breach import TOOL
from tests.tools.world import NOW, Value, World, desk


def filling(minutes: float = 600, full_in: float = 5400.0) -> World:
    """A disk that fills steadily and is 95 % full `full_in` seconds from now, and one at rest."""
    world = World(step=60, minutes=minutes)
    for name, slope in (("db", 0.3 / 36000), ("web", 0.0)):
        world.gauge("fs_size_bytes", 1e9, service=name)
        world.gauge("fs_avail_bytes", _left(0.95 if slope else 0.4, slope, full_in), service=name)
        world.gauge("up", 1, service=name, job=name)
    return world


def _left(share: float, slope: float, at: float) -> Value:
    return lambda ago: 1e9 * (1 - share - slope * (ago - at))


async def test_a_resource_that_fills() -> None:
    """Which one, how full now, when: within a tenth of the horizon of the truth."""
    found = await TOOL.run(desk(filling()))
    (fact,) = found.facts["breaches"]
    assert (fact["service"], fact["unit"], fact["direction"], fact["threshold"]) == ("db", "ratio", "above", 0.95)
    assert fact["probability"] > 0.8
    late = (datetime.fromisoformat(fact["likely"]) - NOW).total_seconds()
    assert late == pytest.approx(5400, abs=1440)
    assert fact["earliest"] <= fact["likely"] <= fact["latest"]
    assert "db " in found.summary
    assert found.chart is not None
    assert found.chart.forecast is not None
    assert found.chart.breach is not None
    assert (found.chart.unit, found.chart.threshold) == ("ratio", 0.95)
    assert "probability" in found.text


async def test_what_rests_is_not_reported() -> None:
    """Nothing is likely where nothing moves."""
    found = await TOOL.run(desk(filling(full_in=9e5)))
    assert found.facts["breaches"] == []
    assert found.summary == "nothing is likely to cross within 4 h"


async def test_what_is_past_it_already() -> None:
    """It is no prediction any more, and said so."""
    found = await TOOL.run(desk(filling(full_in=-1800)))
    assert found.facts["breaches"] == []
    assert "past it already: db" in found.text


async def test_a_query_with_its_threshold() -> None:
    """Any PromQL, from either side; labels say which series."""
    world = World(step=60, minutes=600)
    world.gauge("tokens_left", lambda ago: 500.0 - ago / 36, service="api")
    found = await TOOL.run(desk(world), query="tokens_left", below=450.0)
    (fact,) = found.facts["breaches"]
    assert fact["direction"] == "below"
    late = (datetime.fromisoformat(fact["likely"]) - NOW).total_seconds()
    assert late == pytest.approx(1800, abs=1440)


async def test_a_new_ramp_is_followed() -> None:
    """What left its usual level minutes ago is judged by what it did since."""
    world = World(step=15, minutes=480)
    world.gauge("pool_size", 100, service="shop")
    world.gauge("pool_used", lambda ago: 30.0 if ago < -900 else 30 + (ago + 900) / 20, service="shop")
    world.gauge("up", 1, service="shop", job="shop")
    wide = desk(world)
    found = await TOOL.run(replace(wide, window=last(timedelta(hours=1), NOW)))
    assert [fact["service"] for fact in found.facts["breaches"]] == ["shop"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": "x"}, "above or below"),
        ({"query": "x", "above": 1.0, "below": 0.0}, "not both"),
        ({"hours": 0.0}, "hours"),
        ({"hours": 999.0}, "hours"),
        ({"query": "x", "above": float("nan")}, "finite"),
    ],
)
async def test_arguments_that_do_not_fit(arguments: dict[str, float | str], said: str) -> None:
    """Each is told what is wrong."""
    with pytest.raises(BadArguments, match=said):
        await TOOL.run(desk(filling()), **arguments)


async def test_no_series() -> None:
    """Nothing to look at is said."""
    found = await TOOL.run(desk(World()), query="nothing_there", above=1.0)
    assert found.missing == ("no series to look ahead on",)
