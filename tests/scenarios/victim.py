"""The bot as a process that hangs wherever it is told to, and then kills itself as the kernel would.

`python -m tests.scenarios.victim LOG WINDOWS` takes its settings from the environment; WINDOWS is a JSON object from
channel id to window, such as `model1 answered`. A window is a step and where in it: `before` its work, `answered`
(done, not recorded), or `recorded`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from bot import settings, wiring
from bot.engine._steps import DbosSteps

LINGER = 2.0  # seconds in which progress appears and what stands beside a hanging step is recorded
Call = Callable[[], Awaitable[Any]]


@dataclass
class Watch:
    """Writes a line for each step's work that was done, and hangs the runs of a channel in their window."""

    log: Path
    windows: Mapping[str, str] = field(default_factory=dict)
    steps: WeakKeyDictionary[DbosSteps, Counter[str]] = field(default_factory=WeakKeyDictionary)

    def name(self, run: DbosSteps, name: str) -> str:
        """The step's short name, numbered within its run: `tools2`."""
        kind = name.partition(":")[0]
        seen = self.steps.setdefault(run, Counter())
        seen[kind] += 1
        return f"{kind}{seen[kind]}"

    async def reached(self, run: DbosSteps, window: str) -> None:
        """Hang here for ever if this is the run's window."""
        channel = run.key.split(":")[2]
        if self.windows.get(channel) == window:
            self.write("hangs", channel)
            await asyncio.Event().wait()

    def write(self, *words: str) -> None:
        """One line, at once on disk."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(" ".join(words) + "\n")

    def watched(self, run: DbosSteps, step: str, call: Call, number: int = 0) -> Call:
        """The same work, seen."""

        async def work() -> Any:
            if number == 0:
                await self.reached(run, f"{step} before")
            value = await call()
            self.write("did", run.key.split(":")[2], f"{step}.{number}")
            if number == 0:
                await self.reached(run, f"{step} answered")
            return value

        return work


@contextlib.contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Every step of every run in this process is watched."""
    once, together = DbosSteps.once, DbosSteps.together

    async def watched_once(run: DbosSteps, name: str, call: Call, kind: Any) -> Any:
        step = watch.name(run, name)
        value = await once(run, name, watch.watched(run, step, call), kind)
        await watch.reached(run, f"{step} recorded")
        return value

    async def watched_together(run: DbosSteps, name: str, calls: Sequence[Call], kind: Any) -> Any:
        step = watch.name(run, name)
        seen = [watch.watched(run, step, call, number) for number, call in enumerate(calls)]
        values = await together(run, name, seen, kind)
        await watch.reached(run, f"{step} recorded")
        return values

    DbosSteps.once, DbosSteps.together = watched_once, watched_together  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        DbosSteps.once, DbosSteps.together = once, together  # type: ignore[method-assign]


async def live_and_die(watch: Watch) -> None:
    """Work until every run hangs in its window, then end without a word."""
    async with wiring.open_house(settings.read()) as house, house.listening():
        while watch.log.read_text(encoding="utf-8").count("hangs ") < len(watch.windows):  # noqa: ASYNC110  a file
            await asyncio.sleep(0.05)
        await asyncio.sleep(LINGER)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    told = Watch(Path(sys.argv[1]), json.loads(sys.argv[2]))
    told.log.touch()
    with watching(told):
        asyncio.run(live_and_die(told))
