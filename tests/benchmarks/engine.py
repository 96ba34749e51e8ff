"""What the engine costs beside a bare asyncio task of the same work, measured side by side in one run.

python -m tests.benchmarks.engine [--database sqlite|postgresql] [--json] [--quick]

The work is six steps that do nothing and keep nothing; those of the growth keep 3 kB each, as an investigation does.
`pickup` is from the accepted start to the flow's first line, at the poll in use. `enqueue_busy` is accepting while 40
runs work, whose steps wait as those of an answer do. `connections` are those of one whole `serve` process at its
busiest (PostgreSQL). Exits with 1 when a goal is missed.
"""

import argparse
import asyncio
import gc
import itertools
import logging
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.engine.dbos import DbosEngine
from tests.benchmarks.around import surroundings
from tests.benchmarks.databases import KINDS, answered, connections, database, engine_of, size
from tests.benchmarks.percentiles import at, ms, report
from tests.benchmarks.served import served

MOST = {
    "step_p50_ms": 10.0, "step_p99_ms": 50.0, "pickup_p99_ms": 300.0, "idle_percent": 5.0, "growth_first_mb": 20.0,
    "growth_second_mb": 2.0, "connections": 25.0,
}  # fmt: skip
STEPS, BUSY, QUESTIONS = 6, 40, 20
SEED = 1
KEPT = {"text": "x" * 3_000}
_numbers = itertools.count()


@dataclass
class Clocked:
    """The flow under measure, and its times in seconds."""

    wait: float = 0.0
    kept: dict[str, str] | None = None
    steps: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)

    async def work(self) -> dict[str, str] | None:
        """One step's work."""
        if self.wait:
            await asyncio.sleep(self.wait)
        return self.kept

    async def run(self, steps: Steps, deps: Any, payload: Any) -> None:
        """Six steps, one after the other."""
        begun = self.began[steps.key] = time.perf_counter()
        for number in range(STEPS):
            before = time.perf_counter()
            await steps.once(f"s{number}", self.work, Any)
            self.steps.append(time.perf_counter() - before)
        self.runs.append(time.perf_counter() - begun)
        if steps.key in self.ended:
            self.ended[steps.key].set()


async def bare(runs: int) -> dict[str, float]:
    """The same steps in a task and nothing else."""
    taken, clocked = [], Clocked()

    async def run() -> None:
        begun = time.perf_counter()
        for _ in range(STEPS):
            await asyncio.create_task(clocked.work())
        taken.append(time.perf_counter() - begun)

    for _ in range(runs):
        await asyncio.create_task(run())
    return {f"bare_{name}": value for name, value in ms("workflow", taken).items()}


async def start(engine: DbosEngine) -> tuple[str, float]:
    """Accept one run in a lane of its own thread; its key and the seconds that took."""
    key, before = f"k{next(_numbers)}", time.perf_counter()
    await engine.start("clocked", key, f"lane-{key}", {"text": "x" * 300})
    return key, time.perf_counter() - before


async def alone(engine: DbosEngine, clocked: Clocked, runs: int) -> dict[str, float]:
    """One run at a time."""
    clocked.steps, clocked.runs = [], []
    accepted, waited, phase = [], [], random.Random(SEED)
    for _ in range(runs):
        await asyncio.sleep(phase.random() / 2)  # at any moment between two polls
        key, seconds = await start(engine)
        stored = time.perf_counter()
        accepted.append(seconds)
        while key not in clocked.began:  # noqa: ASYNC110  a loop that looks often is the quickest clock
            await asyncio.sleep(0.002)
        waited.append(max(0.0, clocked.began[key] - stored))
        await engine.drained()
    return {
        **ms("step", clocked.steps), **ms("workflow", clocked.runs), **ms("pickup", waited), **ms("enqueue", accepted),
    }  # fmt: skip


async def busy(engine: DbosEngine, clocked: Clocked, runs: int) -> dict[str, float]:
    """Accepting, and the loop's lag, while 40 runs work."""
    clocked.wait, accepted, lags = 0.5, [], []

    async def lag() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            lags.append(time.perf_counter() - before - 0.01)

    watch = asyncio.create_task(lag())
    for _ in range(BUSY):
        await start(engine)
    await asyncio.sleep(1)
    for _ in range(runs):
        accepted.append((await start(engine))[1])
        await asyncio.sleep(0.05)
    await engine.drained()
    watch.cancel()
    clocked.wait = 0.0
    return {
        **ms("enqueue_busy", accepted),
        "loop_lag_p99_ms": at(0.99, lags) * 1000,
        "loop_lag_max_ms": max(lags) * 1000,
    }


async def growth(engine: DbosEngine, clocked: Clocked, url: str, runs: int) -> dict[str, float]:
    """What this process and the database grow by."""
    clocked.kept, rss, cpu = KEPT, [_rss()], time.process_time()
    stored = await asyncio.to_thread(size, url)
    for _ in range(2):
        for _ in range(0, runs, 100):
            for _ in range(100):
                await start(engine)
            await engine.drained()
        for times in (clocked.began, clocked.steps, clocked.runs):
            times.clear()
        gc.collect()
        rss.append(_rss())
    grown = await asyncio.to_thread(size, url) - stored
    return {
        "growth_first_mb": rss[1] - rss[0], "growth_second_mb": rss[2] - rss[1], "rss_mb": rss[2],
        "cpu_ms_per_workflow": (time.process_time() - cpu) * 1000 / (2 * runs),
        "bytes_per_workflow": grown / (2 * runs),
        "rows_per_workflow": 1.0 + STEPS,
    }  # fmt: skip


def _rss() -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


async def idle(seconds: float) -> float:
    """Percent of a core that nothing to do costs."""
    before, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) * 100 / (time.monotonic() - began)


async def connected(folder: Path, url: str) -> int:
    """Connections of one whole process at its busiest, while it answers twenty at once."""
    most, answering = 0, True

    async def watch() -> None:
        nonlocal most
        while answering:
            most = max(most, await asyncio.to_thread(connections, url))
            await asyncio.sleep(0.1)

    async with surroundings() as around, served(around, folder / "whole", DATABASE_URL=url) as bot:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(bot.say(number, apart=True) for number in range(QUESTIONS)))
        await answered(url, QUESTIONS)
        answering = False
        await watching
    return most


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[tuple[DbosEngine, Clocked]]:
    """An engine with one flow."""
    clocked = Clocked()
    engine = DbosEngine(engine_of(url), {"clocked": Flow("clocked", clocked.run)}, concurrency=BUSY)
    async with engine.serving(None):
        yield engine, clocked


async def measure(kind: str, *, quick: bool) -> dict[str, object]:
    """Every figure."""
    runs, grown = (20, 100) if quick else (200, 1_000)
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        async with serving(url) as (engine, clocked):
            await alone(engine, clocked, 10)
            found: dict[str, object] = {"database": kind, **await bare(runs), **await alone(engine, clocked, runs)}
            found["idle_percent"] = await idle(3 if quick else 20)
            found |= await busy(engine, clocked, runs)
            found |= await growth(engine, clocked, engine_of(url), grown)
        if kind == "postgresql":
            found["connections"] = await connected(Path(name), url)
    return found


def main() -> None:
    """Measure, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    given = parser.parse_args()
    logging.getLogger("dbos").setLevel(logging.ERROR)
    found = asyncio.run(measure(given.database, quick=given.quick))
    sys.exit(report(found, MOST, {}, lines=not given.json))


if __name__ == "__main__":
    main()
