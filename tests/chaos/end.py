"""The end of a run: all that works is done, and what nobody delivered was read."""

import asyncio
import time

from tests.chaos.judge import Verdict
from tests.chaos.stage import Town

DRAIN = 120.0  # seconds; the promise is 60
CAUGHT_UP = 360.0  # seconds for what no delivery brought: the channels are read again, at Slack's pace


async def drained_of(town: Town) -> float | None:
    """Seconds from the last harm to the last run's end; None when it did not come."""
    try:
        return round(await town.drained(DRAIN), 1)
    except TimeoutError:
        return None


async def caught_up(town: Town) -> Verdict:
    """Once what nobody delivered was read and answered, or the time for it is over."""
    end = time.time() + CAUGHT_UP
    await town.settled()
    while (verdict := town.verdict()).undelivered and time.time() < end:
        await asyncio.sleep(5)
        await drained_of(town)
        await town.settled()
    return verdict
