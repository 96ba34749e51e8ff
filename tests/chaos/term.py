"""SIGTERM under load, as by many deploys: whoever is told to end does so in time, and nothing is lost or doubled.

python -m tests.chaos.term [--times 50] [--database sqlite|postgresql|both] [--workers 3] [--seed S] [--json]

Every fourth turn of the model takes longer than a process may take to end, so that answers are handed over as well as
finished. Where there are several workers, every third time two are told at once. Each ends with code 0.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.databases import KINDS
from tests.benchmarks.percentiles import at, report
from tests.chaos.crew import Worker
from tests.chaos.history import History
from tests.chaos.judge import story
from tests.chaos.load import Load
from tests.chaos.model import Model
from tests.chaos.stage import Town, stage
from tests.fakes.messages_server import MessagesServer, Request, Said

MOST = {
    "stop_max_s": 10.0, "lost": 0.0, "doubled": 0.0, "repeated_steps": 0.0, "order_broken": 0.0, "given_up": 0.0,
    "bad_exits": 0.0, "drained_s": 60.0,
}  # fmt: skip
LONG, EVERY, PAUSE = 8.0, 4, (0.5, 2.5)  # seconds
DRAIN = 120.0


@dataclass
class Slow:
    """The model of a run, of which every fourth turn takes its time."""

    model: Model = field(default_factory=lambda: Model(History()))
    turns: int = 0

    def __call__(self, request: Request) -> Said:
        """The script's port."""
        self.turns += 1
        said = self.model(request)
        return said if self.turns % EVERY else Said(*said.blocks, first_byte=LONG)


async def deploys(town: Town, times: int, chance: random.Random) -> list[tuple[float, int, str]]:
    """End so many processes and start each anew; the seconds, the exit code and the name of each."""
    ended: list[tuple[float, int, str]] = []
    while len(ended) < times:
        await asyncio.sleep(chance.uniform(*PAUSE))
        many = 2 if len(town.workers) > 2 and len(ended) % 3 == 0 else 1
        ended += await asyncio.gather(*(_again(worker) for worker in chance.sample(town.workers, many)))
    return ended


async def _again(worker: Worker) -> tuple[float, int, str]:
    pid = worker.pid
    harm = await worker.term()
    code = await worker.nursery.ended(pid)
    await worker.start()
    return harm.until - harm.at, code, harm.worker


async def play(database: str, options: argparse.Namespace) -> dict[str, object]:
    """One database."""
    folder = Path(tempfile.mkdtemp(prefix="nightjar-term-"))
    chance, slow = random.Random(options.seed), Slow()
    told = {"workers": options.workers, "seed": options.seed, "folder": folder}
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(MessagesServer(slow, strict=False))
        town = await stack.enter_async_context(stage(database=database, anthropic_base_url=server.url, **told))
        slow.model, end = Model(town.history), asyncio.Event()
        load = asyncio.create_task(Load(town, random.Random(f"{options.seed} load"), 1.0).run(end))
        try:
            ended = await deploys(town, options.times, chance)
        finally:
            end.set()
            await load
        drained = DRAIN
        with contextlib.suppress(TimeoutError):
            drained = await town.drained(DRAIN)
        await town.settled()
        verdict = town.verdict()
        stories = "\n\n".join(story(town.history, key) for key in verdict.wrong)
        (folder / "stories.txt").write_text(stories, encoding="utf-8")
    seconds = [took for took, _, _ in ended]
    return {
        "database": database, "seed": options.seed, "times": len(ended), "accepted": verdict.accepted,
        "answered": verdict.answered, "stop_p50_s": at(0.5, seconds), "stop_max_s": max(seconds),
        "slowest": max(ended)[2],
        "bad_exits": sum(code != 0 for _, code, _ in ended), "lost": len(verdict.lost), "doubled": len(verdict.doubled),
        "repeated_steps": len(verdict.repeated), "order_broken": len(verdict.disorder),
        "given_up": len(verdict.given_up), "drained_s": drained, "folder": str(folder),
    }  # fmt: skip


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--database", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--workers", type=int, default=3, help="processes on PostgreSQL; SQLite has one")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    missed = 0
    for database in KINDS if options.database == "both" else (options.database,):
        missed |= report(asyncio.run(play(database, options)), MOST, {}, lines=not options.json)
    sys.exit(missed)


if __name__ == "__main__":
    main()
