"""A log store in memory, and desks over it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.sources import Health, Instance, Sources
from bot.domain.tools import Desk
from bot.domain.window import Window, last
from tests.tools.stores import NOW

Line = tuple[float, str, str]
"""Seconds before now (negative), service, text."""


@dataclass
class Logs:
    """Serves `LogStore`; `untimed` gives no times, `delay` seconds pass before each piece; one that
    `tells` nothing has no volume."""

    lines: Sequence[Line] = ()
    untimed: bool = False
    delay: float = 0.0
    tells: bool = True
    asked: list[tuple[LogQuery, Window]] = field(default_factory=list)

    def _of(self, query: LogQuery, window: Window) -> list[Line]:
        start, end = ((at - NOW).total_seconds() for at in (window.start, window.end))
        return [
            (ago, service, text)
            for ago, service, text in sorted(self.lines)
            if start <= ago < end and query.contains.lower() in text.lower()
            and (not query.services or service in query.services)
        ]  # fmt: skip

    async def volume(self, query: LogQuery, window: Window) -> LogVolume:
        """The bytes there are, scaled."""
        found = self._of(query, window)
        return LogVolume(sum(len(text) + 1 for *_, text in found), len(found), 1) if self.tells else LogVolume(0)

    async def read(self, query: LogQuery, window: Window) -> AsyncGenerator[LogPiece]:
        """A piece for each line."""
        self.asked.append((query, window))
        for ago, service, text in self._of(query, window):
            await asyncio.sleep(self.delay)
            times = () if self.untimed else (NOW.timestamp() + ago,)
            yield LogPiece(text.encode() + b"\n", times, {"service": service})

    async def services(self, window: Window) -> tuple[str, ...]:
        """Every service."""
        return tuple(sorted({service for _, service, _ in self.lines}))


def logs_desk(*stores: Logs, minutes: float = 60) -> Desk:
    """A desk over stores called `loki`, `loki2`, …"""

    async def health() -> Health:
        return Health(True)

    instances = tuple(
        Instance(f"loki{number or ''}", "loki", f"env{number or ''}", health, logs=store)
        for number, store in enumerate(stores)
    )
    return Desk(Sources(instances), last(timedelta(minutes=minutes), NOW), NOW)


def usual(count: int = 300, service: str = "cart", until: float = 0.0) -> list[Line]:
    """Lines that come all the time, over two hours."""
    step = 7200 / count
    return [(until - 7200 + n * step, service, f"INFO served order {n} in {n % 90} ms") for n in range(count)]
