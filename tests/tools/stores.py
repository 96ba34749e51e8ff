"""Stores in memory that answer, fail or dawdle as told, and a desk over them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.domain.alerts import Alert, Change, Silence
from bot.domain.errors import NightjarError
from bot.domain.series import Metric, Rule, Series, SeriesAnswer, Target
from bot.domain.sources import Health, Instance, Sources
from bot.domain.tools import Desk
from bot.domain.window import Window, last

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STEP = 15.0


@dataclass
class Store:
    """Serves every port; `error` is raised by every call that begins with `failing`, `delay` is in seconds."""

    firing: tuple[Alert, ...] = ()
    silenced: tuple[Silence, ...] = ()
    held: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    known: tuple[Metric, ...] = ()
    sets: tuple[Mapping[str, str], ...] = ()
    ruled: tuple[Rule, ...] = ()
    scraped: tuple[Target, ...] = ()
    changed: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    error: NightjarError | None = None
    failing: str = ""
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def _turn(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(self.delay)
        if self.error is not None and what.startswith(self.failing):
            raise self.error

    async def alerts(self, matchers: Sequence[str] = ()) -> tuple[Alert, ...]:
        await self._turn("alerts")
        return self.firing

    async def silences(self) -> tuple[Silence, ...]:
        await self._turn("silences")
        return self.silenced

    async def instant(self, query: str, at: datetime) -> SeriesAnswer:
        await self._turn(f"instant {query} {at.isoformat()}")
        return SeriesAnswer(self.held.get(query, ()), query, 0.0, self.warnings, self.left_out)

    async def range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        await self._turn(f"range {query} {window.seconds:g}")
        return SeriesAnswer(self.held.get(query, ()), query, STEP, self.warnings, self.left_out)

    async def metrics(self, words: str = "", limit: int = 50) -> tuple[Metric, ...]:
        await self._turn(f"metrics {words}")
        return self.known[:limit]

    async def label_sets(self, selector: str, window: Window, limit: int = 500) -> tuple[Mapping[str, str], ...]:
        await self._turn(f"label_sets {selector}")
        return self.sets[:limit]

    async def rules(self) -> tuple[Rule, ...]:
        await self._turn("rules")
        return self.ruled

    async def targets(self) -> tuple[Target, ...]:
        await self._turn("targets")
        return self.scraped

    async def changes(self, window: Window) -> tuple[Change, ...]:
        await self._turn("changes")
        return self.changed


async def healthy() -> Health:
    """Always."""
    return Health(True)


def prometheus(store: Store, name: str = "prom", env: str = "prod", cluster: str = "") -> Instance:
    """An instance as a Prometheus serves it."""
    return Instance(
        name, "prometheus", env, healthy, cluster, alerts=store, series=store, rules=store, changes=store
    )  # fmt: skip


def alertmanager(store: Store, name: str = "am", env: str = "prod", cluster: str = "") -> Instance:
    """An instance as an Alertmanager serves it."""
    return Instance(name, "alertmanager", env, healthy, cluster, alerts=store)


def desk(*instances: Instance, zone: str = "UTC", hours: float = 1) -> Desk:
    """A desk over some instances, one hour back from noon."""
    return Desk(Sources(instances), last(timedelta(hours=hours), NOW), NOW, zone)


def alert(name: str, service: str = "", minutes: float = 10, state: str = "active", **more: str) -> Alert:
    """An alert that began so many minutes before noon; `more` are labels, `expr` and `summary` apart."""
    expr, summary = more.pop("expr", ""), more.pop("summary", "")
    labels = {"alertname": name, **({"service": service} if service else {}), **more}
    return Alert(name, labels, NOW - timedelta(minutes=minutes), {"summary": summary}, state, expr=expr)


def series(values: Sequence[float], until: datetime = NOW, **labels: str) -> Series:
    """A series that ends at noon, in steps of 15 s."""
    end = until.timestamp()
    return Series(labels, tuple(end - STEP * (len(values) - 1 - n) for n in range(len(values))), tuple(values))
