"""Kills migrations at random moments: no row may be lost, and the next run must end it.

python -m tests.chaos.migration [--kills 20] [--database sqlite|postgresql] [--rows 10000] [--seed S] [--json]

`landed` counts the kills that met a migration which was not over; in turn it goes up and down.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bot.store.migrate import head, migrate, revision
from tests import postgres
from tests.benchmarks.percentiles import report
from tests.store import former

_PROGRAM = """
import sys
import alembic.command
from bot.store.migrate import migrate
print("begun", flush=True)
migrate(*sys.argv[1:])
"""


def main() -> int:
    """0 when nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{folder}/nightjar.sqlite"
        if given.database == "postgresql":
            cluster = stack.enter_context(postgres.shared(Path(folder, "postgres.json"), "", _prepare))
            url = stack.enter_context(cluster.database())
        migrate(url)
        found = measured(url, given.kills, given.rows, given.seed)
    return report({"database": given.database, **found}, {"lost": 0}, {"clean": 1}, lines=not given.json)


def _prepare(url: str) -> None:
    migrate(url)


def measured(url: str, kills: int, rows: int, seed: int) -> dict[str, Any]:
    """Fill a migrated database with so many rows in each table, kill so many migrations, then let one end."""
    chance = random.Random(seed)
    migrate(url, former.BEFORE)
    former.put(url, 0, rows)
    before = former.read(url)
    spans = [_run(url, to) for to in ("", former.BEFORE)]
    landed = lost = 0
    for _ in range(kills):
        up = revision(url) == former.BEFORE
        landed += _run(url, "" if up else former.BEFORE, chance.uniform(0, 0.7 * spans[0 if up else 1])) < 0
        lost = max(lost, _missing(before, url))
    _run(url, "")
    lost = max(lost, _missing(before, url))
    return {
        "seed": seed, "kills": kills, "landed": landed, "rows": rows * len(before), "lost": lost,
        "clean": revision(url) == head() and former.read(url) == before,
        "up_s": round(spans[0], 2), "down_s": round(spans[1], 2),
    }  # fmt: skip


def _run(url: str, to: str, kill_after: float | None = None) -> float:
    """Seconds that it took from its begin on; below 0 when it was killed before its end."""
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, url, to], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        try:
            code = process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        assert code in (0, -9), f"the migration ended with {code}"
        return (time.monotonic() - began) if code == 0 else -1.0


def _missing(before: dict[str, list[tuple[Any, ...]]], url: str) -> int:
    now = former.read(url)
    return sum(len(set(rows) - set(now[table])) for table, rows in before.items())


if __name__ == "__main__":
    sys.exit(main())
