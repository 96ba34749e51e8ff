"""Worker processes of an engine that may be killed, frozen and stopped, and what they wrote down.

`python -m tests.engine.herd URL LOG OPTIONS` is one worker; SIGTERM ends it as a deploy does.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bot.domain.plugin import Flow
from bot.domain.ports import Run, Steps
from bot.engine import _keeper, lease
from bot.engine.dbos import DbosEngine


class Line(NamedTuple):
    """What a worker did, when (UTC seconds) and to what."""

    at: float
    pid: int
    what: str
    key: str = ""
    step: int = 0


@dataclass(frozen=True)
class Log:
    """Lines of all workers, each written whole."""

    path: Path

    def write(self, what: str, key: str = "", step: int = 0) -> None:
        """One line, at once."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, (json.dumps([time.time(), os.getpid(), what, key, step]) + "\n").encode())
        os.close(file)

    @property
    def _go(self) -> Path:
        return self.path.with_suffix(".go")

    @property
    def may_go(self) -> bool:
        """Whether steps that are held may end."""
        return self._go.exists()

    def go(self) -> None:
        """Hold no step any more."""
        self._go.touch()

    def lines(self, what: str, key: str = "") -> list[Line]:
        """All of a kind, of one run or of all, in order."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        read = (Line(*json.loads(line)) for line in text.splitlines())
        return [line for line in read if line.what == what and key in ("", line.key)]

    def keys(self, what: str) -> set[str]:
        """The runs of those lines."""
        return {line.key for line in self.lines(what)}

    def since(self, at: float, what: str) -> set[str]:
        """The runs of those lines after a time."""
        return {line.key for line in self.lines(what) if line.at > at}


async def walk(steps: Steps, log: Log, payload: Any) -> Any:
    """`count` steps of `seconds` each, each seen to begin and to be done; then it is seen to end. Steps from number
    `hold` on last until the herd may go on."""

    for number in range(payload["count"]):

        async def step(number: int = number) -> int:
            log.write("began", steps.key, number)
            await asyncio.sleep(payload["seconds"])
            while number >= payload.get("hold", payload["count"]) and not log.may_go:  # noqa: ASYNC110  a file of all
                await asyncio.sleep(0.02)
            log.write("did", steps.key, number)
            return number

        await steps.once(f"step {number}", step, int)
    log.write("ends", steps.key)


async def poison(steps: Steps, log: Log, payload: Any) -> Any:
    """It ends its process."""
    log.write("began", steps.key)
    os.kill(os.getpid(), signal.SIGKILL)


async def tick(steps: Steps, log: Log, payload: Any) -> Any:
    """Runs on a schedule."""
    log.write("ticks", steps.key)


FLOWS = {"walk": Flow("walk", walk), "poison": Flow("poison", poison)}
TICKING = {"tick": Flow("tick", tick, every="* * * * * */2")}


async def work(url: str, log: Log, options: dict[str, Any]) -> None:
    """Until SIGTERM; `alone` hides the machine, so that only the lease tells the others."""

    async def tell(run: Run, error: Exception) -> None:
        log.write(f"told {type(error).__name__}", run.key)

    lease.SECONDS, lease.BEAT, lease.MARGIN = options.pop("lease", (lease.SECONDS, lease.BEAT, lease.MARGIN))
    _keeper.SECONDS = 0.5
    if options.pop("alone", False):
        lease.here = lambda: ("", "")
    drain = options.pop("drain", 0)
    flows = {**FLOWS, **(TICKING if options.pop("ticks", False) else {})}
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with DbosEngine(url, flows, on_error=tell, **options).serving(log, drain_seconds=drain):
        log.write("ready")
        await over.wait()
    log.write("left")


@dataclass
class Worker:
    """A process of the herd."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def send(self, number: signal.Signals) -> float:
        """A signal; when it was sent."""
        self.process.send_signal(number)
        return time.time()

    async def killed(self) -> float:
        """Dead, and when."""
        at = self.send(signal.SIGKILL)
        await self.process.wait()
        return at


@dataclass
class Herd:
    """Workers on one database; `url` may be another for one of them."""

    url: str
    log: Log
    workers: list[Worker] = field(default_factory=list)

    async def start(self, **options: Any) -> Worker:
        """A worker that is ready."""
        command = (sys.executable, "-m", "tests.engine.herd", self.url, str(self.log.path), json.dumps(options))
        with self.log.path.with_suffix(".err").open("ab") as errors:
            process = await asyncio.create_subprocess_exec(*command, stderr=errors)
        worker = Worker(process)
        self.workers.append(worker)
        await self.until(lambda: any(line.pid == worker.pid for line in self.log.lines("ready")), 30)
        return worker

    async def until(self, true: Any, seconds: float = 20) -> float:
        """Wait for it; when it was seen."""
        try:
            async with asyncio.timeout(seconds):
                while not true():  # noqa: ASYNC110  other processes write the file
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise AssertionError(self.log.path.with_suffix(".err").read_text()[-4000:]) from error
        return time.time()

    async def send(self, keys: list[str], flow: str = "walk", lanes: Sequence[str] = (), **payload: Any) -> None:
        """Start runs, each in a lane of its own unless lanes are named."""
        door = DbosEngine(self.url, FLOWS)
        async with door.serving(None, listen=False):
            for key, lane in zip(keys, lanes or [f"lane {key}" for key in keys], strict=True):
                assert await door.start(flow, key, lane, payload)

    def of(self, worker: Worker, what: str) -> set[str]:
        """The runs that a worker has such lines of."""
        return {line.key for line in self.log.lines(what) if line.pid == worker.pid}


@asynccontextmanager
async def herd(url: str, folder: Path) -> AsyncIterator[Herd]:
    """A herd, all dead afterwards."""
    made = Herd(url, Log(folder / "herd.log"))
    try:
        yield made
    finally:
        for worker in made.workers:
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Log(Path(sys.argv[2])), json.loads(sys.argv[3])))
