"""What the engine does for itself: schedules, runs that were given up, runs that another version began.

All of it goes through the queue like any other run, with keys that make it once, so that it needs no leader.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from croniter import croniter  # type: ignore[import-untyped]

from bot.domain.errors import NightjarError
from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Run, Steps
from bot.engine import _inside
from bot.engine._rows import Rows, Spot

log = logging.getLogger(__name__)
SECONDS = 5.0
GIVEN_UP, ANEW = "engine:given-up", "engine:anew"
_LIVES = ("ENQUEUED", "PENDING", "DELAYED")
Told = Callable[[Run, Exception], Awaitable[None]]
Anew = Callable[[Run], Awaitable[None]]


class GivenUp(NightjarError):
    """Its process ended in the middle of it again and again."""


class Starts(Protocol):
    """What the keeper needs of the engine."""

    async def start(self, flow: str, key: str, lane: str, payload: JSON, *, delay: float = 0.0) -> bool: ...
    async def read(self, key: str) -> Run | None: ...
    async def spot(self, key: str) -> Spot | None: ...
    async def rewind(self, key: str, spot: Spot) -> None: ...


class Keeper:
    """`told` is called once for each run that was given up, `anew` before a run begins again."""

    def __init__(self, engine: Starts, flows: Mapping[str, Flow], told: Told, anew: Anew | None):
        self._engine = engine
        self._scheduled = [flow for flow in flows.values() if flow.every]
        self._told, self._anew = told, anew
        self._known: set[str] = set()
        self._idle: set[str] = set()
        self.flows = {GIVEN_UP: Flow(GIVEN_UP, self._tell), ANEW: Flow(ANEW, self._begin_again)}

    async def keep(self, rows: Rows) -> None:
        """Look again and again, until cancelled."""
        looked = datetime.now(UTC)
        while True:
            await asyncio.sleep(SECONDS)
            try:
                looked = await self.tick(looked, datetime.now(UTC))
                await self._look(rows)
            except Exception:  # the loop must live on: without it no schedule runs
                log.exception("keeping house failed")

    async def tick(self, since: datetime, now: datetime) -> datetime:
        """Start each scheduled flow whose time has come; returns up to when that is done."""
        for flow in self._scheduled:
            due: datetime = croniter(flow.every, now).get_prev(datetime)
            if due > since:
                key = f"every:{flow.name}:{due:%Y-%m-%dT%H:%M:%S}"
                await self._engine.start(flow.name, key, key, None)
        return now

    async def _look(self, rows: Rows) -> None:
        for key in await asyncio.to_thread(rows.given_up):
            if key not in self._known:
                self._known.add(key)
                own = f"given-up:{key}"
                await self._engine.start(GIVEN_UP, own, own, key)
        await self.revive(rows)

    async def revive(self, rows: Rows) -> None:
        """Let runs wait in their lanes again that this process has taken and does not work on: the answer to its claim
        was lost on the way. At the second look, as a run that begins or ends is idle for a moment."""
        taken = await asyncio.to_thread(rows.taken, _inside.executor())
        idle = taken - _inside.working()
        for key in idle & self._idle:
            log.warning("taken and not begun: back into its lane", extra={"key": key})
            await asyncio.to_thread(_inside.put_back, key)
        self._idle = idle

    async def _tell(self, steps: Steps, deps: Any, key: JSON) -> JSON:
        run = await self._engine.read(key)
        if run is not None:
            await steps.once("tell", partial(self._given_up, run), bool)
        return None

    async def _given_up(self, run: Run) -> bool:
        log.error("given up: its process ended in the middle of it again and again", extra={"key": run.key})
        await self._told(run, GivenUp("it ended its process again and again"))
        return True

    async def _begin_again(self, steps: Steps, deps: Any, key: JSON) -> JSON:
        await steps.once("anew", partial(self._rewind, key), bool)
        return None

    async def _rewind(self, key: str) -> bool:
        """Once the run has ended, drop what it recorded and put it back into its lane."""
        while (spot := await self._engine.spot(key)) and spot.status in _LIVES:  # noqa: ASYNC110  DBOS's row
            await asyncio.sleep(0.1)
        run = await self._engine.read(key)
        if spot is None or run is None or spot.status != "ERROR":
            return False
        if self._anew:
            await self._anew(run)
        await self._engine.rewind(key, spot)
        return True
