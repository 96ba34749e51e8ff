"""One service and what it calls."""

import pytest

from bot.domain.errors import BadArguments, SourceDown
from bot.tools.service_signals import service_signals
from tests.tools.world import World, bistro, desk


async def test_moved_or_not_its_signals_are_told() -> None:
    """What moved first, then the golden signals as usual, then its callees."""
    found = await service_signals.run(desk(bistro(fails_since=900)), service="waiter")
    assert found.facts["movers"][0]["service"] == "waiter"
    assert found.facts["movers"][0]["kind"] == "errors"
    assert any("latency" in m["signal"] and not m["since"] for m in found.facts["movers"])
    assert {m["service"] for m in found.facts["movers"]} == {"waiter", "kitchen"}
    assert "waiter: 1 signals moved" in found.text


async def test_an_unknown_service_gets_near_names() -> None:
    """The model can mend its call."""
    with pytest.raises(BadArguments, match="near: kitchen"):
        await service_signals.run(desk(bistro()), service="kitchn")
    with pytest.raises(BadArguments, match="there are: kitchen, larder, waiter"):
        await service_signals.run(desk(bistro()), service="zzz")


async def test_a_service_is_looked_at_where_it_runs() -> None:
    """Each environment that has it, named; none that has not."""
    found = await service_signals.run(desk(bistro(fails_since=900), bistro()), service="kitchen")
    assert found.env == "env1, env2"
    assert "[env1] kitchen" in found.text
    with pytest.raises(SourceDown):
        await service_signals.run(desk(World(refused="up")), service="kitchen")
