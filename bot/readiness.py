"""Whether all is well, part by part, and since when it is not: what /readyz, the metrics and the beat go by."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.domain.errors import SetupError
from bot.domain.ports import Clock, Fence, Load
from bot.domain.sources import Instance
from bot.slack.clock import SlackClock
from bot.slack.health import Pulse
from bot.store.migrate import fault

PATIENCE = 1.5  # seconds; /readyz answers within 2, also when a part hangs
FRESH, AGAIN = 10.0, 2.0  # seconds for which what was seen holds, well or not, however many ask
LITTLE_BYTES, LITTLE_SHARE, ENOUGH_BYTES = 200e6, 0.05, 5e9
NONE_BYTES = 1e6  # SQLite takes nothing any more


@dataclass(frozen=True)
class Trouble:
    """What is wrong and what to do, for people; `stops` says that nobody should count on this process meanwhile."""

    why: str
    stops: bool = False
    since: datetime | None = None


Look = Callable[[], Awaitable[Trouble | None]]


@dataclass(frozen=True)
class Report:
    """Every part by name, and what is not well of it."""

    parts: Mapping[str, Trouble | None]

    @property
    def wrong(self) -> dict[str, Trouble]:
        """What keeps the process from its work."""
        return {name: trouble for name, trouble in self.parts.items() if trouble and trouble.stops}

    @property
    def impaired(self) -> dict[str, Trouble]:
        """What it works without, or not for long."""
        return {name: trouble for name, trouble in self.parts.items() if trouble and not trouble.stops}


@dataclass
class _Part:
    """A look under way is not begun a second time, however long it hangs; a `vital` part must give an answer."""

    look: Look
    vital: bool
    task: asyncio.Task[Trouble | None] | None = None
    seen: Trouble | None = None
    looked: float = field(default=float("-inf"))

    async def trouble(self) -> Trouble | None:
        if time.monotonic() - self.looked < (AGAIN if self.seen else FRESH):
            return self.seen
        task = self.task = self.task or asyncio.create_task(self._look())
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if not done:
            return Trouble(f"no answer within {PATIENCE:g} s", stops=self.vital)
        if self.task is task:  # the first of those who waited for it
            self.seen, self.looked, self.task = task.result(), time.monotonic(), None
        return task.result()

    async def _look(self) -> Trouble | None:
        try:
            return await self.look()
        except Exception as error:  # noqa: BLE001  # whatever a look meets is what is wrong with the part
            return Trouble(f"{type(error).__name__}: {error}".partition("\n")[0], stops=self.vital)


class Readiness:
    """Looks at all parts side by side; of the `vital` ones no answer is as bad as a bad one."""

    def __init__(self, looks: Mapping[str, Look], clock: Clock, vital: Container[str] = ()) -> None:
        self._parts = {name: _Part(look, name in vital) for name, look in looks.items()}
        self._clock = clock
        self._since: dict[str, datetime] = {}

    async def report(self) -> Report:
        """What is not well, within 2 s; parts that were well in the last 10 s are not looked at again."""
        found = await asyncio.gather(*(part.trouble() for part in self._parts.values()))
        return Report({name: self._dated(name, trouble) for name, trouble in zip(self._parts, found, strict=True)})

    def _dated(self, name: str, trouble: Trouble | None) -> Trouble | None:
        if trouble is None:
            self._since.pop(name, None)
            return None
        return replace(trouble, since=self._since.setdefault(name, self._clock.now()))

    async def close(self) -> None:
        """Wait for no look that still hangs."""
        left = [part.task for part in self._parts.values() if part.task]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def of_source(instance: Instance) -> Look:
    """A source that is down makes answers poorer, and says so there; it is no reason to take the bot away."""

    async def look() -> Trouble | None:
        health = await instance.health()
        return None if health.ok else Trouble(health.detail)

    return look


def of_schema(url: str) -> Look:
    """Whether the database answers, with this version's schema."""

    async def look() -> Trouble | None:
        try:
            why = await asyncio.to_thread(fault, url)
        except SetupError as error:
            why = str(error)
        return Trouble(why, stops=True) if why else None

    return look


def of_lease(fence: Fence) -> Look:
    """A worker that was taken for dead."""

    async def look() -> Trouble | None:
        said = "lost: this worker was cut from the database, and another does its work; it comes back with the database"
        return None if fence.holds() else Trouble(said, stops=True)

    return look


def of_workers(load: Callable[[], Awaitable[Load]]) -> Look:
    """Whether anybody does the work; what was accepted waits for one."""

    async def look() -> Trouble | None:
        said = "nobody works: questions are accepted and wait; start `nightjar worker`"
        return None if (await load()).workers else Trouble(said)

    return look


def of_disk(files: Sequence[Path]) -> Look:
    """Whether there is room to write on, where the SQLite files are."""

    async def look() -> Trouble | None:
        return next(filter(None, map(little_room, files)), None)

    return look


def little_room(file: Path) -> Trouble | None:
    """Under 200 MB, or under 5 % of what is no big disk; under 1 MB it stops the work."""
    usage = shutil.disk_usage(file.parent)
    if usage.free >= LITTLE_BYTES and (usage.free >= ENOUGH_BYTES or usage.free >= LITTLE_SHARE * usage.total):
        return None
    said = f"{usage.free / 1e6:.0f} MB free at {file.parent} ({usage.free / usage.total:.0%})"
    why = f"{said}: make room; nothing is accepted any more once it is full"
    return Trouble(why, stops=usage.free < NONE_BYTES)


def of_pulse(pulse: Pulse) -> Look:
    """Whether Slack's API takes our token; while it does not answer, answers wait and questions may still come."""

    async def look() -> Trouble | None:
        why = await pulse.trouble()
        return Trouble(why, stops=pulse.refused) if why else None

    return look


def of_clock(clock: SlackClock) -> Look:
    """Whether the clock agrees with Slack's, as the last answer had it; meanwhile Slack's is gone by."""

    async def look() -> Trouble | None:
        said = f"clock skew: the clock is {clock.ahead or 0.0:+.0f} s against Slack, whose time is gone by meanwhile"
        return Trouble(f"{said}; set this machine's clock (NTP)") if clock.is_off else None

    return look


def of_words(said: Callable[[], str], *, stops: bool) -> Look:
    """A part that knows in words what is wrong with it; empty when nothing is."""

    async def look() -> Trouble | None:
        return Trouble(why, stops) if (why := said()) else None

    return look


def shown(troubles: Mapping[str, Trouble]) -> dict[str, dict[str, str]]:
    """As JSON has it: what, and since when in UTC."""
    return dict(_shown(troubles))


def _shown(troubles: Mapping[str, Trouble]) -> Iterator[tuple[str, dict[str, str]]]:
    for name, trouble in troubles.items():
        since = f"{trouble.since:%Y-%m-%dT%H:%M:%SZ}" if trouble.since else ""
        yield name, {"why": trouble.why, "since": since}
