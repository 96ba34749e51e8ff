"""Scores the answer over many labs: `python -m tests.real.lab_runs --lab ../shared/lab/lab.py --runs 40 --json`."""

import argparse
import json
import os
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.real import asking, lab

SIGNALS = {
    "bad_deploy": "error|requests_total", "db_pool_exhaustion": "connect|activity", "memory_leak": "memory|resident",
    "disk_full": "disk|filesystem", "traffic_spike": "traffic|requests", "slow_downstream": "latency|duration",
    "cert_expiry": "cert|expiry", "flapping": "cache|hit",
}  # fmt: skip
WAIT = {"memory_leak": 22, "disk_full": 12, "traffic_spike": 14, "cert_expiry": 8, "flapping": 18}
PAIRS = (
    ("bad_deploy", "cert_expiry"), ("memory_leak", "flapping"), ("slow_downstream", "disk_full"),
    ("traffic_spike", "cert_expiry"), ("bad_deploy", "memory_leak"), ("db_pool_exhaustion", "cert_expiry"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One run: which faults, how they lie in time, what is changed in the lab."""

    variant: str
    faults: tuple[str, ...]
    history: int = 0
    edge: bool = False
    over: bool = False
    words: str = ""
    seed: int = 1

    @property
    def name(self) -> str:
        """For people."""
        return f"{'+'.join(self.faults) or 'healthy'} · {self.variant}"


@dataclass(frozen=True)
class Result:
    """How it went; `since_off` in seconds, None where there is nothing to compare."""

    variant: str
    faults: str
    truth: str
    service: str
    signal: str
    right: bool
    signal_right: bool
    since_off: float | None
    naive: str
    naive_right: bool
    both: bool
    over_said: bool
    confidence: str
    seconds: float
    backed: str
    answer: str


def cases(runs: int, seed: int, variants: Sequence[str]) -> list[Case]:
    """The cases in rounds, so that any number of runs covers all variants evenly."""
    rng = random.Random(seed)
    made: list[Case] = []
    while len(made) < runs:
        part: list[Case] = []
        for fault in SIGNALS:
            part += [Case("alone", (fault,), rng.choice((0, 10, 60))), Case("edge", (fault,), 0, edge=True)]
        part += [Case("over", (fault,), rng.choice((0, 10)), over=True) for fault in rng.sample(sorted(SIGNALS), 3)]
        part += [Case("two", pair, rng.choice((0, 10))) for pair in rng.sample(PAIRS, 3)]
        part += [Case("healthy", (), rng.choice((0, 10, 60))) for _ in range(2)]
        part += [Case("renamed", (f,), 0, edge=True, words="names") for f in rng.sample(sorted(SIGNALS), 3)]
        part += [Case("foreign", (f,), 0, words="metrics") for f in rng.sample(sorted(SIGNALS), 3)]
        part += [Case("twins", (f,), 0) for f in rng.sample(sorted(SIGNALS), 1)]
        part += [Case("past", (f,), 10) for f in rng.sample(sorted(SIGNALS), 2)]
        rng.shuffle(part)
        made += [c for c in part if not variants or c.variant in variants]
    return [Case(**{**asdict(c), "faults": c.faults, "seed": rng.randrange(1000)}) for c in made[:runs]]


def run(case: Case, source: Path) -> Result:
    """One lab from start to end. Raises what the lab or the question raises."""
    rng = random.Random(case.seed)
    words = {"": {}, "names": lab.RENAMED, "metrics": lab.FOREIGN}[case.words]
    with tempfile.TemporaryDirectory(prefix="nightjar-lab-") as folder:
        path = lab.renamed(source, Path(folder), words) if words else source
        with lab.Lab(path, Path(folder), _specs(case, rng), case.history, case.seed) as here:
            if case.edge:
                here.edge_rules_only(words.get(lab.EDGE, lab.EDGE), words.get("service", "service"))
            truth = here.truth()
            if case.variant == "twins":
                return twins(case, source, here, truth)
            here.wait_until(_when(case, truth, rng))
            naive = here.earliest_alert()
            said = asking.ask(here.prometheus, here.alertmanager)
    return score(case, truth, naive, said)


def twins(case: Case, source: Path, sick: lab.Lab, truth: Sequence[dict[str, Any]]) -> Result:
    """Two labs with the same service names, a fault in one: asked of the healthy one, nothing of the other shows."""
    with tempfile.TemporaryDirectory(prefix="nightjar-lab-") as folder, lab.Lab(source, Path(folder)) as well:
        sick.wait_until(_when(case, truth, random.Random(case.seed)))
        both = {"sick": (sick.prometheus, sick.alertmanager), "well": (well.prometheus, well.alertmanager)}
        calm = asking.ask_of(both, "well", f"{asking.QUESTION} (in well)")
        said = asking.ask_of(both, "sick", f"{asking.QUESTION} (in sick)")
    result = score(case, truth, sick.earliest_alert(), said)
    return replace(
        result, right=result.right and calm.cause is None and calm.envs == {"well"} and said.envs == {"sick"}
    )


def _specs(case: Case, rng: random.Random) -> tuple[str, ...]:
    """The faults as the lab wants them: when each starts, and how long it lasts."""
    lasts = f"+{rng.randrange(16, 30)}" if case.over else ""
    past = case.variant == "past"
    starts = [-rng.randrange(120, 500) if past else rng.choice((8, 8, 14, 20)) for _ in case.faults]
    return tuple(f"{fault}@{at}{lasts}" for fault, at in zip(case.faults, starts, strict=True))


def _when(case: Case, truth: Sequence[dict[str, Any]], rng: random.Random) -> float:
    if not truth:
        return time.time() + rng.uniform(10, 30)
    start = max(float(f["starts_at"]) for f in truth)
    if case.over:
        return max(float(f["ends_at"]) for f in truth) + rng.uniform(12, 40)
    return start + max(WAIT.get(f["fault"], 12) for f in truth) + rng.uniform(0, 25)


def score(case: Case, truth: Sequence[dict[str, Any]], naive: str, said: asking.Said) -> Result:
    """What was said beside what is true."""
    roots = {f["root"]: f for f in truth}
    service = said.cause["service"] if said.cause else ""
    hit = roots.get(service)
    signal = said.cause["signal"] if said.cause else ""
    since = said.cause.get("since") if said.cause else ""
    off = datetime.fromisoformat(since).timestamp() - hit["starts_at"] if hit and since else None
    return Result(
        variant=case.variant,
        faults="+".join(case.faults) or "healthy",
        truth=",".join(roots) or "null",
        service=service or "null",
        signal=signal,
        right=(hit is not None) if roots else said.cause is None,
        signal_right=bool(hit and re.search(SIGNALS[hit["fault"]], signal, re.IGNORECASE)) if roots else not said.cause,
        since_off=None if off is None else round(off, 1),
        naive=naive or "null",
        naive_right=naive in roots if roots else not naive,
        both=all(root in said.answer.partition("\n\n")[0] for root in roots),
        over_said="it is over" in said.answer.partition("\n\n")[0],
        confidence=said.cause["confidence"] if said.cause else "",
        seconds=said.seconds,
        backed=said.backed,
        answer=said.answer,
    )


def table(results: Sequence[Result]) -> list[str]:
    """Accuracy by variant and by fault, the naive rule beside it."""
    lines = [f"{'':22} runs service signal  naive  |since| median, worst (s)"]
    for key in ("variant", "faults"):
        groups: dict[str, list[Result]] = defaultdict(list)
        for result in results:
            groups[getattr(result, key)].append(result)
        for name, group in sorted(groups.items()):
            lines.append(_line(name, group))
    lines.append(_line("all", results))
    return lines


def _line(name: str, group: Sequence[Result]) -> str:
    off = sorted(abs(r.since_off) for r in group if r.since_off is not None)
    times = f"{off[len(off) // 2]:6.1f} {off[-1]:6.1f}" if off else ""
    rates = (sum(r.right for r in group), sum(r.signal_right for r in group), sum(r.naive_right for r in group))
    return f"{name[:22]:22} {len(group):4} {rates[0]:7} {rates[1]:6} {rates[2]:6}  {times}"


def main() -> None:
    """Run, print, and end with 1 when a run could not be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default=os.environ.get("NIGHTJAR_LAB", ""))
    parser.add_argument("--runs", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--variants", default="", help="only these, by comma")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    source = Path(given.lab).resolve() if given.lab else lab.script()
    if source is None:
        parser.error("no lab: give --lab, and install prometheus, prometheus-alertmanager and prometheus-node-exporter")
    planned = cases(given.runs, given.seed, [v for v in given.variants.split(",") if v])
    with ThreadPoolExecutor(given.at_once) as pool:
        results = list(pool.map(lambda case: run(case, source), planned))
    if given.json:
        print(json.dumps([asdict(r) for r in results], indent=1, ensure_ascii=False))
    else:
        print("\n".join(table(results)))


if __name__ == "__main__":
    main()
