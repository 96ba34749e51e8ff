"""Runs the vendors' HTTP servers in the running loop, on loopback only."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from bot.demo.shop.rules import GROUPS, Rule
from bot.demo.shop.series import Metadata, Series
from bot.demo.vendors.alertmanager import Alertmanager
from bot.demo.vendors.loki import Loki
from bot.demo.vendors.prometheus import Prometheus
from bot.demo.vendors.rules import Ruler
from bot.demo.vendors.storage import Storage, Watched

HOST = "127.0.0.1"
ALERTS = "ALERTS"
LOGS = 7200.0
"""Seconds of log lines that are made ahead."""


class Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Captures nothing: the demo that runs the servers ends them."""
        yield


class Alerting:
    """A watched world with the ALERTS series of its ruler."""

    def __init__(self, watched: Watched, ruler: Callable[[], Ruler]) -> None:
        self._watched = watched
        self._ruler = ruler

    def now(self) -> float:
        """UTC epoch seconds."""
        return self._watched.now()

    def names(self) -> list[str]:
        """Every metric name."""
        return sorted([ALERTS, *self._watched.names()])

    def series(self, name: str) -> list[Series]:
        """The series of a metric name."""
        if name != ALERTS:
            return self._watched.series(name)
        self._ruler().update()
        return list(self._ruler().series.values())

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help by metric family."""
        return self._watched.metadata

    def targets(self) -> list[dict[str, object]]:
        """The scrape targets."""
        return self._watched.targets()

    def warm(self) -> Iterator[None]:
        """Works ahead, the alert rules last."""
        yield from self._watched.warm()
        self._ruler().update()


class Vendors:
    """A Prometheus, an Alertmanager and, where the world writes logs, a Loki over a shop; `rules` are by group.

    `async with Vendors(shop) as vendors:` serves on free ports, or on those given; `warm` works the history out ahead.
    Raises OSError for a taken port.
    """

    def __init__(
        self,
        shop: Watched,
        *,
        rules: Mapping[str, Sequence[Rule]] = GROUPS,
        prometheus_port: int = 0,
        alertmanager_port: int = 0,
        warm: bool = True,
    ) -> None:
        self._everything = Alerting(shop, lambda: self.ruler)
        storage = Storage(self._everything)
        self.ruler = Ruler(storage, shop.now, rules)
        self.prometheus = Prometheus(self._everything, storage, self.ruler)
        self.alertmanager = Alertmanager(self.ruler, shop.now)
        lines = getattr(shop, "logs", None)
        self.loki = Loki(lines, shop.now) if lines else None
        self.prometheus_url = ""
        self.alertmanager_url = ""
        self.loki_url = ""
        self._ports = prometheus_port, alertmanager_port
        self._ahead = warm
        self._warming: asyncio.Task[None] | None = None
        self._running: list[tuple[Quiet, asyncio.Task[None], socket.socket]] = []

    async def __aenter__(self) -> Self:
        try:
            self.prometheus_url = await self._serve(self.prometheus.app(), self._ports[0])
            self.alertmanager_url = await self._serve(self.alertmanager.app(), self._ports[1])
            if self.loki is not None:
                self.loki_url = await self._serve(self.loki.app(), 0)
        except OSError:
            await self.aclose()
            raise
        self.ruler.url = self.prometheus_url
        self._warming = asyncio.create_task(self._warm()) if self._ahead else None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _serve(self, app: Starlette, port: int) -> str:
        """Serves an application; its base address."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1)
        server = Quiet(config)
        task = asyncio.create_task(server.serve([listener]))
        self._running.append((server, task, listener))
        return f"http://{HOST}:{listener.getsockname()[1]}"

    async def _warm(self) -> None:
        for _ in self._everything.warm():
            await asyncio.sleep(0)
        for _ in self.loki.warm(LOGS) if self.loki else ():
            await asyncio.sleep(0)

    async def warmed(self) -> None:
        """Waits until the history is worked out; answers before that take up to a second longer."""
        if self._warming is not None:
            await self._warming

    async def aclose(self) -> None:
        """Ends the servers."""
        if self._warming is not None:
            self._warming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._warming
        running, self._running = self._running, []
        for server, _, _ in running:
            server.should_exit = True
        for _, task, listener in running:
            await task
            listener.close()
