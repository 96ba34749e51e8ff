"""PostgreSQL stops in the middle of answers, again and again, and once for long: every question gets one answer.

python -m tests.chaos.postgres_outage [--json] [--seed S] [--stops 20] [--long 60] [--workers 2]

Each stop is `pg_ctl stop -m immediate`, which is a crash; it starts again after 0.2 to 5 s. `back` is from the first
accepted connection to the first step recorded after it, `all_back` to when each run that was at work has recorded one.
`model_again` counts turns that the model was asked more often than needed: a turn that was not recorded when its worker
lost its lease may be asked once more. What `/readyz` says in the long outage is shown.
"""

import argparse
import asyncio
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from bot.demo.slack.sandbox import Sandbox
from bot.store.migrate import migrate
from tests import postgres
from tests.benchmarks.databases import states
from tests.benchmarks.percentiles import at, report
from tests.chaos.deliveries import replies, thinking
from tests.chaos.worker import Order
from tests.scenarios.stage import environment, free_port, given, served, watched, words

MOST = {
    "lost": 0.0, "doubled": 0.0, "failed": 0.0, "back_max_s": 5.0, "back_long_s": 5.0, "drained_s": 60.0,
    "not_in_readyz": 0.0,
}  # fmt: skip
CHANNELS, EVERY = 40, 0.7
WORKER = (sys.executable, "-m", "tests.chaos.worker")  # dies with who started it
_ASKED = re.compile(r"Question: [^\\]*It is q(\d+)\.")  # a channel's other questions stand there as well
_STEPS = "SELECT count(*) FROM dbos.operation_outputs"
_AT_WORK = """
SELECT w.workflow_uuid, count(o.*) FROM dbos.workflow_status w LEFT JOIN dbos.operation_outputs o USING (workflow_uuid)
    WHERE w.status = 'PENDING' GROUP BY 1
"""


@dataclass
class Server:
    """A cluster that can crash and start again."""

    cluster: postgres.Cluster
    user: str | None = None
    options: str = ""
    back: list[float] = field(default_factory=list)
    all_back: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        written = Path(self.cluster.folder, "data", "postmaster.opts").read_text(encoding="utf-8")
        self.options = shlex.join(word for word in shlex.split(written)[1:] if word != "-D")
        self.user = Path(self.cluster.folder).owner()
        self.user = None if self.user == "root" else self.user

    def keeps(self) -> "Server":
        """Start it again as one that loses nothing that it has said it stored; blocks."""
        self.options += " -c synchronous_commit=on"  # off, a crash loses what was committed last
        self.ctl("stop", "-m", "fast")
        self.start()
        return self

    def ctl(self, *words: str) -> None:
        """One command of pg_ctl; blocks."""
        tools = postgres.binaries()
        assert tools is not None
        data = Path(self.cluster.folder, "data")
        postgres._as(self.user, tools / "pg_ctl", *words, "-s", "-D", data)

    def start(self) -> None:
        """Until it accepts connections; blocks."""
        data = str(Path(self.cluster.folder, "data"))
        kept = shlex.join(word for word in shlex.split(self.options) if word != data)
        self.ctl("start", "-w", "-l", str(Path(self.cluster.folder, "log")), "-o", kept)

    async def outage(self, url: str, seconds: float) -> None:
        """Crash, stay away, come back; notes how long the first step after it took."""
        await asyncio.to_thread(self.ctl, "stop", "-m", "immediate")
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.start)
        began, first = time.monotonic(), 0.0
        at_work, before = await asyncio.to_thread(working, url), await asyncio.to_thread(recorded, url)
        while time.monotonic() - began < 60:
            if not first and await asyncio.to_thread(recorded, url) > before:
                first = time.monotonic() - began
            now = await asyncio.to_thread(working, url)
            if first and all(now.get(key, steps + 1) > steps for key, steps in at_work.items()):
                break
            await asyncio.sleep(0.05)
        self.back.append(first or 60.0)
        self.all_back.append(time.monotonic() - began)


@contextmanager
def serving() -> Iterator[Server]:
    """A cluster of this run's own, with this version's schema; `tests.postgres` ends only those that never crashed."""
    cluster = postgres._started()
    with guarded(cluster):
        yield Server(postgres._with_template(cluster, prepare)).keeps()


@contextmanager
def guarded(cluster: postgres.Cluster) -> Iterator[None]:
    """Somebody ends the server and clears it away once this process is gone, however it went."""
    tools = postgres.binaries()
    assert tools is not None
    command = (
        "sh",
        "-c",
        'read -r _; "$0/pg_ctl" stop -m immediate -s -D "$1/data"; rm -rf "$1"',
        tools,
        cluster.folder,
    )
    owner = Path(cluster.folder).owner()
    user, quiet = (None if owner == "root" else owner), subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, user=user, cwd="/", start_new_session=True
    ):
        yield  # left, the pipe is closed: that is what it reads


def recorded(url: str) -> int:
    """Steps that were ever recorded."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        row = connection.execute(_STEPS).fetchone()
    return int(row[0]) if row else 0


def working(url: str) -> dict[str, int]:
    """How many steps each run has recorded that is begun and not over."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        return {str(key): int(steps) for key, steps in connection.execute(_AT_WORK)}


@asynccontextmanager
async def workers(told: Mapping[str, Any], folder: Path, count: int) -> AsyncIterator[list[int]]:
    """So many `serve` processes; the ports of their health pages."""
    ports, bots = [free_port() for _ in range(count)], []
    try:
        for number, port in enumerate(ports):
            order = Order(f"w{number}", "serve", str(folder), environment({**told, "port": port}, folder))
            bots.append(await asyncio.create_subprocess_exec(*WORKER, order.to_json(), start_new_session=True))
        yield ports
    finally:
        for bot in bots:
            if bot.returncode is None:
                bot.terminate()
            await bot.wait()


async def readiness(port: int) -> str:
    """What `/readyz` answers, with its status."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            return f"{answer.status} {(await answer.text())[:1500]}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"no answer: {type(error).__name__}"


async def asking(slack: Sandbox, asked: list[str], stop: asyncio.Event) -> None:
    """A question every 0.7 s, each a thread of its own."""
    while not stop.is_set():
        channel = f"inc-{len(asked) % CHANNELS}"
        asked.append((await slack.say(channel, f"@nightjar why is cart failing? It is q{len(asked)}."))["ts"])
        await asyncio.sleep(EVERY)


async def drained(url: str, asked: list[str], seconds: float) -> float:
    """How long it takes until all is answered or failed; `seconds` at most."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        found = await asyncio.to_thread(states, url)
        if found["answered"] + found["failed"] >= len(asked):
            break
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def play(options: argparse.Namespace) -> dict[str, object]:
    """The whole run."""
    chance, asked, stop = random.Random(options.seed), list[str](), asyncio.Event()
    folder = Path(tempfile.mkdtemp(prefix="nightjar-outage-"))
    with serving() as server:
        cluster = server.cluster
        town = Sandbox(channels=[f"inc-{n}" for n in range(CHANNELS)], retry_delays=(1, 2, 5, 10, 20, 40, 60))
        with cluster.database() as url:
            async with watched() as sources, served(thinking) as (model, claude), town as slack:
                told = given(slack.credentials(), folder, **{**sources, **claude, "database_url": url})
                async with workers(told, folder, options.workers) as ports:
                    await slack.wait_connected(2 * options.workers, 60)
                    talking = asyncio.create_task(asking(slack, asked, stop))
                    for number in range(options.stops):
                        await asyncio.sleep(chance.uniform(3, 7))
                        await server.outage(url, chance.uniform(0.2, 5))
                        back, whole = server.back[-1], server.all_back[-1]
                        sys.stderr.write(f"stop {number + 1}: back after {back:.1f} s, all after {whole:.1f} s\n")
                    said, long_back = await away(server, url, ports[0], options.long)
                    stop.set()
                    await talking
                    took = await drained(url, asked, 180)
                    failed = (await asyncio.to_thread(states, url))["failed"]
                found = replies(slack, "answer")
                assert model is not None
                turns = Counter(ones[-1] for request in model.requests if (ones := _ASKED.findall(words(request))))
    soon = server.back[: options.stops]
    return {
        "seed": options.seed, "stops": options.stops, "questions": len(asked), "drained_s": took,
        "lost": sum(not found[ts] for ts in asked), "doubled": sum(found[ts] > 1 for ts in asked),
        "failed": failed,
        "model_again": sum(max(0, many - 2) for many in turns.values()), "back_p50_s": at(0.5, soon or [0]),
        "back_max_s": max(soon or [0]), "all_back_max_s": max(server.all_back), "back_long_s": long_back,
        "readyz": said, "not_in_readyz": int('"database"' not in said) if said else 0, "folder": str(folder),
    }  # fmt: skip


async def away(server: Server, url: str, port: int, seconds: float) -> tuple[str, float]:
    """The long outage: what the bot says of itself in the middle, and how soon it is back."""
    if not seconds:
        return "", 0.0
    gone = asyncio.create_task(server.outage(url, seconds))
    await asyncio.sleep(seconds / 2)
    said = await readiness(port)
    await gone
    return said, server.back[-1]


def prepare(url: str) -> None:
    """This version's schema."""
    migrate(url)


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--long", type=float, default=60.0, help="seconds of the long outage; 0 for none")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # the workers are ended in order
    found = asyncio.run(play(options))
    sys.exit(report(found, MOST, {}, lines=not options.json))


if __name__ == "__main__":
    main()
