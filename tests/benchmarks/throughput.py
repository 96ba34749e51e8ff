"""Whole investigations a second, of one process whose model answers at once, and of two beside one that wait.

python -m tests.benchmarks.throughput [--database sqlite|postgresql] [--json] [--questions 150] [--profile FILE]
python -m tests.benchmarks.throughput --scaling [--json]

Slack, the model and the sources run in one other process. Each question has a thread and a window of its own, so that
nothing is shared; a channel gets few of them, as Slack takes one post a second there. `cores` is what the bot used of a
core meanwhile: near 1 it is the limit, and `side_cores` near 1 says that the side process was. With `--profile` what
the loop's thread did is kept, and its costliest functions are listed; the rate is then no measure.

Scaling is PostgreSQL with a model that takes two seconds a turn, ten investigations at once in each process.
"""

import argparse
import asyncio
import io
import pstats
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.around import Surroundings, surroundings
from tests.benchmarks.databases import KINDS, answered, database, engine_of, rows, size, states
from tests.benchmarks.percentiles import report
from tests.benchmarks.served import Served, cpu_of, served

LEAST = {"per_second": 10.0, "scaling": 1.7}
CHANNELS, AT_ONCE, WARM, SOCKETS = 60, 10, 5, 2
LISTED = 45


@dataclass(frozen=True)
class Measured:
    """Seconds for so many questions, and the CPU seconds of the bot's processes and of the side process."""

    questions: int
    seconds: float
    cpu: float
    side: float


async def ask(bot: Served, number: int) -> None:
    """One mention, which begins a thread and names a window of its own."""
    text = f"@nightjar why is checkout slow in the last {40 + number % 100} minutes?"
    await bot.remote.do("say", channel=f"inc-{number % CHANNELS}", text=text)


async def drained(around: Surroundings, bots: list[Served], url: str, questions: int) -> Measured:
    """So many at once, from the first question to the last answer, after a few that warm up."""
    await asyncio.gather(*(ask(bots[0], number) for number in range(WARM)))
    before = sum((await asyncio.to_thread(states, url)).values())
    await answered(url, max(before, WARM))
    done = (await asyncio.to_thread(states, url))["answered"]
    cpu, side, began = sum(bot.cpu for bot in bots), cpu_of(around.process.pid), time.monotonic()
    for number in range(questions):
        await ask(bots[0], number)
    await answered(url, done + questions, 600)
    seconds = time.monotonic() - began
    spent = (sum(bot.cpu for bot in bots) - cpu) / 1000, (cpu_of(around.process.pid) - side) / 1000
    return Measured(questions, seconds, *spent)


async def instant(kind: str, questions: int, concurrency: int, profile: str) -> dict[str, object]:
    """One process, a model that answers at once."""
    options = ("-m", "cProfile", "-o", profile) if profile else ()
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        async with (
            surroundings("--channels", str(CHANNELS)) as around,
            served(around, Path(name) / "bot", before=options, DATABASE_URL=url, CONCURRENCY=str(concurrency)) as bot,
        ):
            found = await drained(around, [bot], url, questions)
            rss, count = bot.rss, sum(states(url).values())
        stored = {engine_of(url), url}
        return {
            "database": kind, "per_second": found.questions / found.seconds, "questions": found.questions,
            "cores": found.cpu / found.seconds, "side_cores": found.side / found.seconds,
            "cpu_ms": found.cpu * 1000 / found.questions, "rss_mb": rss,
            "bytes_per_investigation": sum(map(size, stored)) / count,
            "rows_per_investigation": sum(map(rows, stored)) / count,
        }  # fmt: skip


async def waiting(around: Surroundings, folder: Path, processes: int, questions: int) -> Measured:
    """So many processes on one database of their own, whose model takes two seconds a turn."""
    with database("postgresql", folder) as url:
        async with AsyncExitStack() as stack:
            bots = []
            for number in range(processes):
                told = {"DATABASE_URL": url, "CONCURRENCY": str(AT_ONCE)}
                bot = served(around, folder / f"{processes}-{number}", sockets=1 + SOCKETS * number, **told)
                bots.append(await stack.enter_async_context(bot))
            return await drained(around, bots, url, questions)


async def scaling(questions: int) -> dict[str, object]:
    """One process, then two, side by side."""
    with tempfile.TemporaryDirectory() as name:
        async with surroundings("--channels", str(CHANNELS), "--first-byte", "2") as around:
            one = await waiting(around, Path(name), 1, questions)
            two = await waiting(around, Path(name), 2, questions)
    return {
        "scaling": one.seconds / two.seconds, "one_per_minute": questions * 60 / one.seconds,
        "two_per_minute": questions * 60 / two.seconds, "one_cores": one.cpu / one.seconds,
        "two_cores": two.cpu / two.seconds, "questions": questions, "at_once": AT_ONCE,
    }  # fmt: skip


def listed(profile: str) -> str:
    """The costliest functions of a profile, by their own time and with what they call."""
    text = io.StringIO()
    stats = pstats.Stats(profile, stream=text)
    stats.sort_stats("tottime").print_stats(LISTED)
    stats.sort_stats("cumulative").print_stats("bot/", LISTED)
    return text.getvalue()


def main() -> None:
    """Measure, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--questions", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=20)
    parser.add_argument("--profile", default="", metavar="FILE")
    parser.add_argument("--scaling", action="store_true")
    given = parser.parse_args()
    if given.scaling:
        found = asyncio.run(scaling(given.questions or 60))
    else:
        questions = given.questions or 150
        found = asyncio.run(instant(given.database, questions, given.concurrency, given.profile))
    missed = report(found, {}, LEAST, lines=not given.json)
    if given.profile:
        sys.stdout.write(listed(given.profile))
    sys.exit(missed)


if __name__ == "__main__":
    main()
