"""What is sampled of a running house: its parts, queue, loop and money; the gauges, the beat and the traces."""

import asyncio
import json
import logging
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from bot import telemetry
from bot.domain.ports import Load
from bot.flows.deps import Deps
from bot.outward import Post
from bot.readiness import Readiness, Report

SAMPLE_SECONDS, LAG_SECONDS = 15.0, 0.5
_OF_LOAD = {
    "runs_waiting": "waiting",
    "runs_working": "working",
    "runs_given_up": "given_up",
    "oldest_waiting_seconds": "oldest_seconds",
    "workers": "workers",
}
log = logging.getLogger(__name__)


class Vitals:
    """Sampled every 15 s while `watching`; a scrape gets what was last seen, and costs nothing.

    `files` are SQLite's; `skew` says how far the clock is ahead of Slack's, None while that is not known.
    """

    def __init__(
        self,
        readiness: Readiness,
        deps: Deps,
        *,
        files: Sequence[Path] = (),
        skew: Callable[[], float | None] = lambda: None,
        heartbeat_url: str = "",
        otlp_endpoint: str = "",
    ) -> None:
        self.readiness = readiness
        self._deps = deps
        self._files = files
        self._skew = skew
        self._heart = Post(heartbeat_url) if heartbeat_url else None
        self._collector = Post(f"{otlp_endpoint.rstrip('/')}/v1/traces") if otlp_endpoint else None
        self._load: Load | None = None
        self._report = Report({})
        self._spent: float | None = None
        self._beaten = 0.0
        self._lags = [0.0]
        self._tasks = 0

    async def beat(self) -> bool:
        """Tell the dead-man's switch that the whole chain is well; silence where something stops the work."""
        if self._heart is None or (await self.readiness.report()).wrong:
            return False
        status = await self._heart(json.dumps({"from": "nightjar", "at": time.time()}).encode())
        if not 200 <= status < 300:
            log.warning("the beat was not taken", extra={"status": status})
            return False
        self._beaten = time.time()
        return True

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Sample, show the gauges and send traces until left."""
        async with AsyncExitStack() as stack:
            stack.enter_context(telemetry.gauges(self._gauges()))
            if self._collector is not None:
                stack.push_async_callback(self._collector.close)
                exporter = telemetry.Exporter(self._collector, f"{socket.gethostname()}-{os.getpid()}")
                await stack.enter_async_context(exporter.running())
            tasks = [asyncio.create_task(self._sample()), asyncio.create_task(self._lag())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Leave no look and no connection behind."""
        await self.readiness.close()
        if self._heart is not None:
            await self._heart.close()

    def _gauges(self) -> Mapping[str, telemetry.Read]:
        policy = self._deps.policy
        reads: dict[str, telemetry.Read] = {
            **{name: partial(self._of_load, field) for name, field in _OF_LOAD.items()},
            "part_up": lambda: {name: float(not bad) for name, bad in self._report.parts.items()},
            "clock_skew_seconds": self._skew,
            "loop_lag_seconds": lambda: max(self._lags),
            "loop_tasks": lambda: float(self._tasks),
            "spent_today_usd": lambda: self._spent,
            "limit_usd_per_day": lambda: policy.usd_per_day,
        }
        if self._files:
            reads["disk_free_bytes"] = lambda: min(shutil.disk_usage(file.parent).free for file in self._files)
        if self._heart is not None:
            reads["heartbeat_timestamp_seconds"] = lambda: self._beaten
        return reads

    def _of_load(self, field: str) -> float | None:
        return None if self._load is None else float(getattr(self._load, field))

    async def _sample(self) -> None:
        while True:
            self._report = await self.readiness.report()
            try:
                async with asyncio.timeout(SAMPLE_SECONDS):
                    self._load = await self._deps.engine.load()
                    midnight = self._deps.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
                    self._spent = await self._deps.audit.spent(midnight)
            except Exception:  # noqa: BLE001  # the database is away: the report says so, and what is not known is not shown
                self._load = self._spent = None
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self._lags = [*self._lags[1 - int(SAMPLE_SECONDS / LAG_SECONDS) :], loop.time() - due]
            self._tasks = len(asyncio.all_tasks())
