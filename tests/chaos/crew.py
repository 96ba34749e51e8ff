"""The worker processes, and what can be done to them."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.history import Harm
from tests.chaos.worker import Order

BIRTH = 30.0  # seconds within which a process must be there


@dataclass
class Nursery:
    """Starts workers: forked from a process that has everything imported, or cold, each by itself."""

    folder: Path
    cold: bool = False
    pids: dict[str, asyncio.Future[int]] = field(default_factory=dict)
    gone: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _mother: Process | None = None
    _alone: list[Process] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Nursery"]:
        """Ready for orders; on leaving, every worker that is left dies with it."""
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = (sys.executable, "-m", "tests.chaos.worker")
        self._mother = None if self.cold else await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=environment
        )  # fmt: skip
        try:
            if self._mother and self._mother.stdout:
                assert await self._mother.stdout.readline() == b"ready\n"
                self._spawn(self._listen(self._mother.stdout))
            yield self
        finally:
            await self._close()

    async def born(self, order: Order) -> int:
        """The new worker's process id; one with a library of its own cannot be forked."""
        if self.cold or "LD_PRELOAD" in order.environment:
            command = (sys.executable, "-m", "tests.chaos.worker", order.to_json())
            process = await asyncio.create_subprocess_exec(*command, env=order.environment, start_new_session=True)
            self._alone.append(process)
            self._spawn(self._attend(process))
            return process.pid
        assert self._mother is not None
        assert self._mother.stdin is not None
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pids[order.name] = told
        self._mother.stdin.write(f"{order.to_json()}\n".encode())
        async with asyncio.timeout(BIRTH):
            return await told

    async def ended(self, pid: int) -> int:
        """Wait for a worker's end; its exit code, negative for a signal."""
        return await asyncio.shield(self._gone(pid))

    def has_ended(self, pid: int) -> bool:
        """Whether it has."""
        return self._gone(pid).done()

    def _gone(self, pid: int) -> asyncio.Future[int]:
        if pid not in self.gone:
            self.gone[pid] = asyncio.get_running_loop().create_future()
        return self.gone[pid]

    async def _attend(self, process: Process) -> None:
        self._gone(process.pid).set_result(await process.wait())

    async def _listen(self, said: asyncio.StreamReader) -> None:
        while line := (await said.readline()).decode():
            word, name, number = line.split()
            if word == "born":
                self.gone.pop(int(number), None)  # an earlier worker's number
                self.pids[name].set_result(int(number))
            else:
                self._gone(int(name)).set_result(int(number))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self) -> None:
        alive = [process for process in self._alone if process.returncode is None]
        for process in alive:
            process.kill()
        for process in alive:
            await process.wait()  # those who attend may have been cancelled before
        if self._mother and self._mother.stdin:
            self._mother.stdin.close()
            await self._mother.wait()
        for task in set(self._tasks):
            task.cancel()


@dataclass
class Worker:
    """One place for a worker: process after process, each with a name of its own. Every harm is written down."""

    place: str
    nursery: Nursery
    environment: Mapping[str, str]
    verb: str
    harms: list[Harm]
    births: dict[str, float]
    host: str = ""
    settings_of: Callable[[str], Mapping[str, str]] = lambda _: {}
    own: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    pid: int = 0
    _count: int = 0
    _frozen: Harm | None = None

    async def start(self) -> None:
        """A new process; it is at work a moment later."""
        self._count += 1
        self.name = f"{self.place}-{self._count}"
        self.births[self.name] = time.time()
        told = {**self.environment, **self.settings_of(self.name), **self.own}
        self.pid = await self.nursery.born(Order(self.name, self.verb, str(self.nursery.folder), told, self.host))

    @property
    def hears_only(self) -> bool:
        """Whether it takes what Slack brings and works on nothing."""
        return self.verb == "web"

    @property
    def runs(self) -> bool:
        """Whether its process is there, frozen or not."""
        return bool(self.pid) and not self.nursery.has_ended(self.pid)

    async def kill(self) -> Harm:
        """As the kernel would."""
        harm = self._note("kill")
        self._signal(signal.SIGKILL)
        await self.nursery.ended(self.pid)
        harm.until = time.time()
        return harm

    async def die_in(self, window: str, seconds: float) -> Harm | None:
        """Let it kill itself in a window of a step; None when it does not come there in time."""
        arm, name = self.nursery.folder / f"{self.name}.arm", self.name
        arm.write_text(window, encoding="ascii")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                code = await self.nursery.ended(self.pid)
            harm = Harm(time.time(), "aimed" if code == -signal.SIGKILL else "crash", name, window, time.time())
            self.harms.append(harm)
            return harm
        arm.unlink()
        return None

    async def term(self, seconds: float = 30.0) -> Harm:
        """Ask it to end, as a deploy does, and wait for that; killed after so many seconds."""
        harm = self._note("term")
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self.nursery.ended(self.pid)
        except TimeoutError:
            await self.kill()
        harm.until = time.time()
        return harm

    def stop(self) -> Harm:
        """Freeze it."""
        self._frozen = self._note("stop")
        self._signal(signal.SIGSTOP)
        return self._frozen

    def cont(self) -> None:
        """Thaw it."""
        if self._frozen:
            self._frozen.until = time.time()
        self._frozen = None
        self._signal(signal.SIGCONT)

    def _note(self, kind: str) -> Harm:
        self.harms.append(harm := Harm(time.time(), kind, self.name))
        return harm

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
