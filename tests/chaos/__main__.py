"""`python -m tests.chaos --minutes M --database sqlite|postgresql|both [--seed S] --json`: nothing lost, nothing twice.

Ends with 1 when a promise was broken; the stories of what went wrong, and every worker's log, are in the run's folder.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random, SystemRandom
from statistics import median
from typing import Any

from tests.chaos.bouncer import MODES, installed
from tests.chaos.end import caught_up, drained_of
from tests.chaos.harm import EVERY, ONLY, Mayhem, plan
from tests.chaos.judge import Verdict, story
from tests.chaos.load import Load
from tests.chaos.stage import Town, stage

TOLD = 3  # stories on the terminal; all are in the folder


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="how long (default: as long as the kills take)")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--workers", type=int, default=3, help="processes on PostgreSQL; SQLite has one")
    parser.add_argument("--seed", type=int, default=None, help="the same choices again")
    parser.add_argument("--kills", type=int, default=0, help="kill -9, half aimed, half at random")
    parser.add_argument("--only", choices=tuple(ONLY), default="", help="one kind of harm: `kills` are the aimed ones")
    parser.add_argument("--faults", type=float, default=0.2, help="share of Slack calls that fail")
    parser.add_argument("--rate", type=float, default=1.0, help="messages a second")
    parser.add_argument("--transport", choices=("socket", "http"), default="socket", help="http: a web process beside")
    parser.add_argument("--bouncer", choices=MODES, default="", help="a PgBouncer before PostgreSQL, in this mode")
    parser.add_argument("--apart", action="store_true", help="as if each worker ran on a machine of its own")
    parser.add_argument("--cold", action="store_true", help="start each process from nothing")
    parser.add_argument("--folder", type=Path, default=None, help="where logs and stories are kept")
    parser.add_argument("--json", action="store_true", help="one line for a program")
    return parser.parse_args()


async def run(told: argparse.Namespace, database: str, seed: int, minutes: float) -> tuple[dict[str, Any], bool]:
    """One run; the figures, and whether every promise was kept."""
    folder = (told.folder or Path(tempfile.mkdtemp(prefix="nightjar-chaos-"))) / database
    kills = told.kills or max(1, round((minutes or 1.0) * 60 / (sum(EVERY) / 2 + 1)))
    paced = minutes if told.kills else 0.0
    blows = plan(Random(f"{seed} harm"), kills, only=told.only, freezes=database != "sqlite", minutes=paced)
    towns = {"workers": told.workers, "seed": seed, "faults": told.faults, "cold": told.cold, "apart": told.apart}
    async with stage(database=database, folder=folder, transport=told.transport, bouncer=told.bouncer, **towns) as town:
        mayhem, end = Mayhem(town, calm=told.only == "stop"), asyncio.Event()
        load = asyncio.create_task(Load(town, Random(f"{seed} load"), told.rate).run(end))
        try:
            await mayhem.run(blows, time.time() + minutes * 60 if minutes else float("inf"))
        finally:
            end.set()
            await load
        drained = await drained_of(town)
        verdict = await caught_up(town)
        figures = {"seed": seed, "database": database, **_figures(town, verdict, mayhem), "drained_s": drained}
        _tell(town, verdict, seed)
        return figures, not (verdict.wrong or verdict.undelivered) and drained is not None


def _figures(town: Town, verdict: Verdict, mayhem: Mayhem) -> dict[str, Any]:
    harms = [harm.kind for harm in town.history.harms]
    counted = {name: len(getattr(verdict, name)) for name in ("lost", "doubled")}
    return {
        "kills": harms.count("aimed") + harms.count("kill"),
        "accepted": verdict.accepted,
        "answered": verdict.answered,
        **counted,
        "repeated_steps": len(verdict.repeated),
        "order_broken": len(verdict.disorder),
        **_spread("takeover", verdict.takeovers),
        **_spread("resume", verdict.resumes),
        **_spread("disturbed_takeover", verdict.disturbed),
        **_spread("stop", mayhem.stops),
        "zombie_calls": len(verdict.zombies),
        "joined": verdict.joined,
        "stopped_unseen": verdict.stopped,
        "never_delivered": len(verdict.undelivered),
        "offered": verdict.offered,
        "slash_while_down": verdict.untold,
        "given_up": len(verdict.given_up),
        "failed": len(verdict.failed),
        "progress_folded": verdict.folded,
        "harms": {kind: harms.count(kind) for kind in sorted(set(harms))},
        "windows": dict(sorted(mayhem.met.items())),
        "slack_faults": dict(sorted(town.weather.met.items())),
        "folder": str(town.folder),
    }


def _spread(name: str, seconds: list[float]) -> dict[str, float | None]:
    middle, most = (round(median(seconds), 2), round(max(seconds), 2)) if seconds else (None, None)
    return {f"{name}_p50_s": middle, f"{name}_max_s": most}


def _tell(town: Town, verdict: Verdict, seed: int) -> None:
    kinds = ("lost", "doubled", "repeated", "disorder", "zombies", "undelivered", "given_up", "failed")
    named = [f"{kind}: {', '.join(found)}" for kind in kinds if (found := getattr(verdict, kind))]
    keys = [*verdict.wrong, *verdict.undelivered, *verdict.given_up, *verdict.failed]
    stories = [story(town.history, key) for key in keys]
    (town.folder / "stories.txt").write_text("\n\n".join([*named, *stories]), encoding="utf-8")
    if verdict.wrong:
        sys.stderr.write("\n".join([*named, *stories[:TOLD], f"more in {town.folder}; seed {seed}", ""]))


def main() -> int:
    """The exit code."""
    told = options()
    if told.bouncer and not installed():
        sys.stdout.write(json.dumps({"skipped": "pgbouncer is not installed"}) + "\n")
        return 0
    databases = ("sqlite", "postgresql") if told.database == "both" else (told.database,)
    databases = ("postgresql",) if told.bouncer else databases
    seed = SystemRandom().randrange(1_000_000) if told.seed is None else told.seed
    sys.stderr.write(f"seed {seed}\n")
    kept = True
    for database in databases:
        figures, good = asyncio.run(run(told, database, seed, told.minutes / len(databases)))
        kept = kept and good
        sys.stdout.write(json.dumps(figures, indent=None if told.json else 2) + "\n")
        sys.stdout.flush()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
