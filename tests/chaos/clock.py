"""The clock of one process is ten minutes off: nobody is answered later, twice, or as if it were another time.

python -m tests.chaos.clock [--json] [--seed S] [--database sqlite|postgresql|both] [--transport socket|http|both]
    [--off +10m -10m …] [--kills 8] [--calm 30]

On PostgreSQL the clock of one of three workers is off, on SQLite that of the only one; over HTTP that of the process
that Slack calls as well. First nothing is harmed for `--calm` seconds: whatever two workers worked on was taken over by
mistake. Then workers are killed. Nothing may be offered by a button or be marked as late, no answer cut short, and the
wrong clock must stand in the log, in `/readyz` and in what `nightjar doctor` says. Takes Debian's `faketime`; without
it the run is skipped and says so.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from tests.benchmarks.percentiles import report
from tests.chaos.crew import Worker
from tests.chaos.end import DRAIN, caught_up, drained_of
from tests.chaos.harm import Mayhem, plan
from tests.chaos.load import Load
from tests.chaos.postgres_outage import readiness
from tests.chaos.stage import Town, stage
from tests.scenarios.stage import free_port

MOST = {
    **dict.fromkeys(("lost", "doubled", "repeated_steps", "order_broken", "never_delivered", "given_up"), 0.0),
    **dict.fromkeys(("failed", "taken_from_the_living", "offered", "said_late", "cut_short", "refused"), 0.0),
    **dict.fromkeys(("not_in_log", "not_in_readyz", "not_said_by_doctor"), 0.0), "drained_s": 60.0,
}  # fmt: skip
WORKERS, RATE = 3, 1.0
LATE, SAID = "Late: asked at", "s against Slack"
SHORT = re.compile(r"limit of \d+ s was reached")
ASKED = 3  # times that `doctor` is run where a busy machine lets it hear nothing
LIBRARIES = (Path("/usr/lib"), Path("/usr/local/lib"))
UNITS = {"s": 1, "m": 60, "h": 3600}


def library() -> Path | None:
    """Where libfaketime is, for a program of several threads."""
    found = [path for folder in LIBRARIES for path in folder.glob("**/faketime/libfaketimeMT.so.1")]
    return found[0] if found else None


def faked(off: str) -> dict[str, str]:
    """What gives a process a clock that is off by so much, and leaves alone those that only go forward.

    Without the last of these a thread that waits for the interpreter's lock spins, a hundred times slower on one core.
    """
    forward = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
    return {"LD_PRELOAD": str(library()), "FAKETIME": off, **forward}


def seconds(off: str) -> float:
    """`+10m` in seconds."""
    return float(off[:-1]) * UNITS[off[-1]]


async def played(told: argparse.Namespace, database: str, transport: str, off: str, seed: int) -> dict[str, Any]:
    """One case; its row of the table."""
    folder = Path(tempfile.mkdtemp(prefix="nightjar-clock-")) / f"{database}{off}"
    port = free_port()
    own = [{**faked(off), "HEALTH_PORT": str(port)}]
    wrong = {"w0": seconds(off)}
    if transport == "http":
        own, wrong = [faked(off), *own], {**wrong, "web": seconds(off)}
    elif database == "sqlite":
        own = [{**faked(off), "PORT": str(port)}]
    more: dict[str, Any] = {"workers": WORKERS, "seed": seed, "transport": transport, "own": own, "off": wrong}
    async with stage(database=database, folder=folder, **more) as town:
        await _asked(town, told.calm, Random(f"{seed} calm"))
        both = await asyncio.to_thread(_taken, town)
        said = await readiness(port)
        doctor = await _doctor(next(worker for worker in town.workers if worker.place == "w0"))
        await _harmed(town, told.kills, seed)
        drained = await drained_of(town)
        verdict = await caught_up(town)
    log = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("*.log"))
    texts = [shown.text for shown in town.history.shown]
    return {
        "case": f"{database} {transport} {off}", "seed": seed,
        "kills": sum(harm.kind in ("kill", "aimed") for harm in town.history.harms),
        "accepted": verdict.accepted, "answered": verdict.answered, "lost": len(verdict.lost),
        "doubled": len(verdict.doubled), "repeated_steps": len(verdict.repeated),
        "order_broken": len(verdict.disorder), "never_delivered": len(verdict.undelivered),
        "given_up": len(verdict.given_up), "failed": len(verdict.failed), "taken_from_the_living": both,
        "offered": sum(shown.part == "offer" for shown in town.history.shown),
        "said_late": sum(LATE in text for text in texts), "cut_short": sum(bool(SHORT.search(text)) for text in texts),
        "refused": log.count("refused a request that Slack signed"), "not_in_log": int(SAID not in log),
        "not_in_readyz": int(SAID not in said), "not_said_by_doctor": int(SAID not in doctor),
        "takeover_max_s": max(verdict.takeovers, default=0.0), "drained_s": DRAIN if drained is None else drained,
        "folder": str(folder),
    }  # fmt: skip


async def _asked(town: Town, length: float, random: Random) -> None:
    """People ask for so long, and are answered."""
    end = asyncio.Event()
    load = asyncio.create_task(Load(town, random, RATE).run(end))
    await asyncio.sleep(length)
    end.set()
    await load
    await drained_of(town)


async def _harmed(town: Town, kills: int, seed: int) -> None:
    """People ask while workers are killed."""
    end = asyncio.Event()
    load = asyncio.create_task(Load(town, Random(f"{seed} load"), RATE).run(end))
    try:
        await Mayhem(town).run(plan(Random(f"{seed} harm"), kills), float("inf"))
    finally:
        end.set()
        await load


def _taken(town: Town) -> int:
    """Runs that more than one worker has worked on."""
    town.verdict()
    workers = defaultdict(set)
    for work in town.history.works:
        if work.what == "began":
            workers[work.key].add(work.worker)
    return sum(len(names) > 1 for names in workers.values())


async def _doctor(worker: Worker) -> str:
    """What `nightjar doctor` says of the clock on the machine of this worker."""
    for _ in range(ASKED):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "doctor", "--json"), env={**worker.environment, **worker.own},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        said, _ = await process.communicate()
        (worker.nursery.folder / "doctor.json").write_bytes(said)
        if clock := [check["detail"] for check in json.loads(said) if check["part"] == "clock" and not check["ok"]]:
            return str(clock[0])
    return ""


async def play(told: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """Every case, one after the other."""
    rows = []
    for database, transport, off in product(_each(told.database, ("sqlite", "postgresql")),
                                            _each(told.transport, ("socket", "http")), told.off):  # fmt: skip
        began = time.monotonic()
        rows.append(await played(told, database, transport, off, seed))
        sys.stderr.write(f"{rows[-1]['case']}: {time.monotonic() - began:.0f} s\n")
    return rows


def _each(chosen: str, all_: Sequence[str]) -> Sequence[str]:
    return all_ if chosen == "both" else (chosen,)


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--transport", choices=("socket", "http", "both"), default="both")
    parser.add_argument("--off", nargs="+", default=["+10m", "-10m"], help="as libfaketime has it: s, m or h")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--calm", type=float, default=30.0, help="seconds before the first kill")
    told = parser.parse_args()
    if library() is None:
        sys.stdout.write(json.dumps({"skipped": "libfaketime is not installed (Debian: faketime)"}) + "\n")
        sys.exit(0)
    sys.stderr.write(f"seed {told.seed}\n")
    missed = [report(row, MOST, {}, lines=not told.json) for row in asyncio.run(play(told, told.seed))]
    sys.exit(int(any(missed)))


if __name__ == "__main__":
    main()
