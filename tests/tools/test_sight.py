"""Looking once for all who ask together."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import SourceDown
from bot.domain.series import SeriesAnswer
from bot.domain.window import Window
from bot.tools._sight import look
from tests.tools.stores import NOW, Store, prometheus

HOUR = Window(NOW - timedelta(hours=1), NOW)


class Counting(Store):
    """Counts its range queries, and fails while told to."""

    ranges = 0
    down = False

    async def range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        """A slow answer."""
        type(self).ranges += 1
        await asyncio.sleep(0.01)
        if self.down:
            raise SourceDown("gone")
        return await super().range(query, window, step)


async def test_twenty_who_ask_together_are_one_look() -> None:
    """Windows that end within the same five seconds share a survey; a later one is new."""
    server = prometheus(Counting())
    Counting.ranges = 0
    windows = [Window(HOUR.start + timedelta(milliseconds=n), NOW + timedelta(milliseconds=n)) for n in range(20)]
    sights = await asyncio.gather(*(look(server, window) for window in windows))
    once = Counting.ranges
    assert all(sight is sights[0] for sight in sights)
    await look(server, Window(HOUR.start + timedelta(seconds=6), NOW + timedelta(seconds=6)))
    assert Counting.ranges == 2 * once > 0


async def test_a_failed_look_is_tried_again() -> None:
    """Everyone who waited hears of it, and the next one asks anew."""
    store = Counting()
    store.down = True
    server = prometheus(store)
    failed = await asyncio.gather(look(server, HOUR), look(server, HOUR), return_exceptions=True)
    assert all(isinstance(error, SourceDown) for error in failed)
    store.down = False
    assert (await look(server, HOUR)).instance is server


async def test_a_server_without_series_is_refused() -> None:
    """There is nothing to look at."""
    with pytest.raises(SourceDown):
        await look(replace(prometheus(Counting()), series=None), HOUR)
