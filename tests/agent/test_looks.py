"""One look serves all who make the same call at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.agent.looks import look
from bot.domain.errors import SourceDown
from bot.domain.evidence import Found
from bot.domain.sources import Sources
from bot.domain.tools import Desk, Tool, tool
from bot.domain.window import Window

NOW = datetime(2026, 3, 2, 12, 0, 3, tzinfo=UTC)
DESK = Desk(Sources(()), Window(NOW - timedelta(hours=1), NOW), NOW)


def counting(runs: list[str], *, fails: bool = False) -> Tool:
    """A tool that notes each run's beginning and its end."""

    @tool(role="alerts", need="alerts")
    async def slow(desk: Desk) -> Found:
        runs.append("began")
        await asyncio.sleep(0.01)
        if fails:
            raise SourceDown("gone")
        runs.append("ended")
        return Found("seen", "s", "q")

    return slow


async def test_calls_at_once_share_a_look() -> None:
    """Windows a second apart show the same; what comes after the end looks anew."""
    runs: list[str] = []
    slow = counting(runs)
    later = replace(DESK, window=Window(NOW - timedelta(minutes=59, seconds=59), NOW + timedelta(seconds=1)))
    found = await asyncio.gather(look(slow, DESK, {}), look(slow, later, {}))
    assert found[0] is found[1]
    assert runs == ["began", "ended"]
    await look(slow, DESK, {})
    assert runs == ["began", "ended"] * 2


@pytest.mark.parametrize(
    "other",
    [
        replace(DESK, services=("cart",)),
        replace(DESK, zone="Asia/Tokyo"),
        replace(DESK, window=Window(NOW - timedelta(hours=2), NOW)),
    ],
)
async def test_another_desk_is_another_look(other: Desk) -> None:
    """Services, zone and length of the window all tell looks apart."""
    runs: list[str] = []
    slow = counting(runs)
    await asyncio.gather(look(slow, DESK, {}), look(slow, other, {}))
    assert runs.count("began") == 2


async def test_a_look_outlives_one_who_leaves() -> None:
    """The first to ask is cancelled, the second still gets what was found; with nobody left the look ends."""
    runs: list[str] = []
    slow = counting(runs)
    first, second = asyncio.create_task(look(slow, DESK, {})), asyncio.create_task(look(slow, DESK, {}))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text == "seen"
    alone = asyncio.create_task(look(slow, DESK, {}))
    await asyncio.sleep(0.001)
    alone.cancel()
    await asyncio.sleep(0.02)
    assert runs == ["began", "ended", "began"]


async def test_all_hear_of_a_failure() -> None:
    """An error reaches everyone who waited."""
    slow = counting([], fails=True)
    results = await asyncio.gather(look(slow, DESK, {}), look(slow, DESK, {}), return_exceptions=True)
    assert [type(result) for result in results] == [SourceDown, SourceDown]
