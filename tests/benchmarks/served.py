"""The bot as it is run, `python -m bot serve`, in a process of its own with compiled bytecode."""

import asyncio
import os
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo.slack.remote import Remote
from tests.benchmarks.around import Surroundings, environment

QUESTION = "@nightjar why is checkout slow?"
CHANNELS = 20
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A bot that listens: its process, its Slack, its databases."""

    pid: int
    began: float
    remote: Remote
    session: aiohttp.ClientSession
    folder: Path

    async def say(self, number: int, *, apart: bool = False) -> str:
        """One mention, a thread of its own; its ts. Those `apart` name a window each, so that no look is shared."""
        text = f"@nightjar why is checkout slow in the last {40 + number} minutes?" if apart else QUESTION
        said = await self.remote.do("say", channel=f"inc-{number % CHANNELS}", text=text)
        return str(said["ts"])

    async def answered(self, count: int) -> None:
        """Wait until so many questions in all are answered; AssertionError when one failed."""
        while (states := self._states()).count("answered") < count:
            assert "failed" not in states, states
            await asyncio.sleep(0.2)

    def _states(self) -> list[str]:
        return [row[0] for row in self._rows("nightjar.sqlite", "SELECT state FROM investigations")]

    def steps(self) -> float:
        """Durable steps per investigation, all of them counted in the engine's own table."""
        (runs,) = self._rows("nightjar-engine.sqlite", "SELECT count(*) FROM workflow_status")
        (rows,) = self._rows("nightjar-engine.sqlite", "SELECT count(*) FROM operation_outputs")
        return float(rows[0]) / float(runs[0])

    def _rows(self, name: str, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.folder / name}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()

    async def traffic(self, after: int = 0) -> list[dict[str, Any]]:
        """What went between the bot and Slack, stamped by the sandbox."""
        async with self.session.get(f"{self.remote.url}/_sandbox/traffic", params={"after": after}) as answer:
            found: list[dict[str, Any]] = (await answer.json())["traffic"]
        return found

    @property
    def cpu(self) -> float:
        """Milliseconds of CPU it has used, all threads, user and system; in ticks of the kernel's clock."""
        return cpu_of(self.pid)

    @property
    def rss(self) -> float:
        """MB resident."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


@asynccontextmanager
async def served(
    around: Surroundings,
    folder: Path,
    world: str = "small",
    *,
    before: Sequence[str] = (),
    sockets: int = 1,
    **more: str,
) -> AsyncIterator[Served]:
    """Start it, wait until Slack has so many sockets, end it. The bytecode is kept beside `folder`.

    `before` are options of the interpreter, such as those that profile it.
    """
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    given = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    given |= environment(around, folder, world)
    given |= {"PYTHONPYCACHEPREFIX": str(folder.parent / "pyc"), "PORT": str(free_port()), **more}
    began = time.time()
    bot = await asyncio.create_subprocess_exec(sys.executable, *before, "-m", "bot", "serve", env=given)
    async with aiohttp.ClientSession() as session:
        remote = Remote(around.at["url"], session)
        try:
            await remote.do("wait_connected", sockets=sockets, timeout=60)
            yield Served(bot.pid, began, remote, session, folder)
        finally:
            bot.terminate()
            await bot.wait()


def cpu_of(pid: int) -> float:
    """Milliseconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / _TICK


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
