"""Scores the ranking of movers on a benchmark pack: `python -m tests.benchmarks.analysis_rca DIR --json`.

DIR holds `rca/` (labels.json, ID.csv.gz, normal, reference and graph files) and `logs/incident/` (labels.json,
ID.tsv.xz); the definitions stand in the pack's README.
"""

import argparse
import csv
import gzip
import json
import lzma
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bot.analysis.ranking import Line, LogEvidence, Table, log_evidence, rank
from bot.domain.ranking import Ranking

REFERENCES = {
    "BARO": {
        "shop_service_ac1": 0.90,
        "shop_metric_ac1": 0.80,
        "boutique_ac1": 0.27,
        "boutique_ac3": 0.50,
        "train_ac1": 0.00,
        "train_ac3": 0.06,
        "cpu_share": 5 / 13,
    },
    "anomaly traversal": {"pets_top1": 0.47, "pets_top3": 0.74},
}
GOALS: dict[str, Callable[[float], bool]] = {
    "shop_service_ac1": lambda v: v >= 1.0,
    "shop_metric_ac1": lambda v: v >= 0.95,
    "boutique_ac1": lambda v: v >= 0.50,
    "boutique_ac3": lambda v: v >= 0.70,
    "train_ac1": lambda v: v >= 0.50,
    "train_ac3": lambda v: v >= 0.70,
    "pets_top1": lambda v: v >= 0.65,
    "pets_top3": lambda v: v >= 0.90,
    "cpu_share": lambda v: v >= 12 / 13,
    "quiet_share": lambda v: v >= 14 / 16,
    "ms_1000x600": lambda v: v <= 100,
}
GROUPS = {"sock-shop": "shop", "nezha-online": "boutique", "nezha-train": "train", "petshop": "pets"}
UNUSED = ("lat_50", "lat_99")
"""Columns of the shop that are not used, as in the paper."""


@dataclass(frozen=True)
class Answer:
    """A case with what was said of it: services in order, the first metric, whether anything changed, error in time."""

    case: Mapping[str, Any]
    services: tuple[str, ...]
    metric: str
    changed: bool
    late: float | None
    ms: float


@cache
def table(path: Path, phase: str) -> Table:
    """The rows of a phase (all where it is empty) as a table."""
    with gzip.open(path, "rt", newline="") as text:
        rows = list(csv.reader(text))
    names = rows[0][2:]
    kept = [row for row in rows[1:] if not phase or row[1] == phase]
    values = np.array([[float(cell) if cell else np.nan for cell in row[2:]] for row in kept]).reshape(-1, len(names))
    used = [n for n, name in enumerate(names) if not name.startswith("entry|") and not _unused(path, name)]
    times = np.array([float(row[0]) for row in kept])
    return Table(times, tuple(names[n] for n in used), np.ascontiguousarray(values[:, used].T))


def _unused(path: Path, name: str) -> bool:
    return path.name.startswith("ss1") and name.endswith(UNUSED)


def lines(path: Path) -> list[Line]:
    """A container log: ms since 1970, service and message, tab-separated."""
    with lzma.open(path, "rb") as text:
        parts = [line.rstrip(b"\n").split(b"\t", 2) for line in text]
    return [Line(float(ms) / 1000, service.decode(), message) for ms, service, message in parts]


def evidence(folder: Path, chosen: Collection[str] = ()) -> dict[str, Mapping[str, LogEvidence]]:
    """By case (the chosen ones, or all) what its logs say of each service."""
    labels = folder / "labels.json"
    if not labels.is_file():
        return {}
    usual = cache(lambda name: lines(folder / name))
    return {
        case["id"]: log_evidence(usual(case["baseline"]), lines(folder / case["file"]))
        for case in json.loads(labels.read_text())
        if not chosen or case["id"] in chosen
    }


def ranking(folder: Path, case: Mapping[str, Any], logs: Mapping[str, LogEvidence]) -> Ranking:
    """What the product says of a case."""
    before = table(folder / case["file"], "pre")
    other = case.get("ref_file") or case.get("normal_file")
    graph = []
    if case.get("graph_file"):
        with (folder / case["graph_file"]).open(newline="") as text:
            graph = [(row["caller"], row["callee"]) for row in csv.DictReader(text)]
    return rank(
        table(folder / case["file"], "post"),
        table(folder / other, "") if other else before,
        before=before if other and before.times.size else None,
        graph=graph,
        alert=case.get("alert") or "",
        logs=logs,
    )


def answer(folder: Path, case: Mapping[str, Any], logs: Mapping[str, LogEvidence]) -> Answer:
    """A case answered and timed."""
    ranking(folder, case, {})  # reads the files
    began = time.perf_counter()
    said = ranking(folder, case, logs)
    spent = 1000 * (time.perf_counter() - began)
    root, late = case["root_cause_service"], None
    when = next((s.since for s in said.services if s.service == root), None)
    if when is not None:
        late = abs(when - case["inject_time"]) / case["step_s"]
    first = f"{said.metrics[0].service}|{said.metrics[0].metric}" if said.metrics else ""
    names = (s.service.replace("-db", "") if case["system"].startswith("sock") else s.service for s in said.services)
    return Answer(case, tuple(dict.fromkeys(names)), first, said.changed, late, spent)


def accuracy(answers: Sequence[Answer], within: int) -> float:
    """AC@k: the share of cases whose root cause is among the first k services."""
    return statistics.fmean(a.case["root_cause_service"] in a.services[:within] for a in answers)


def group_of(case: Mapping[str, Any]) -> str:
    """The group of cases that one goal is about."""
    return next((name for start, name in GROUPS.items() if case["system"].startswith(start)), case["system"])


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """All figures of the cases."""
    found: dict[str, Any] = {}
    true = [a for a in answers if a.case["root_cause_service"]]
    for group in sorted({group_of(a.case) for a in true}):
        these = [a for a in true if group_of(a.case) == group]
        word = {"pets": "top", "shop": "service_ac"}.get(group, "ac")
        for within in (1, 3, 5):
            found[f"{group}_{word}{within}"] = accuracy(these, within)
        found[f"{group}_avg5"] = statistics.fmean(accuracy(these, k) for k in range(1, 6))
        found[f"{group}_told"] = statistics.fmean(a.changed for a in these)
    metric = [a.metric == a.case["root_cause_metric"][0] for a in true if a.case.get("root_cause_metric")]
    busy = [a for a in true if "cpu" in a.case["fault"] and group_of(a.case) in ("boutique", "train")]
    late = [a.late for a in true if a.late is not None and not a.case.get("normal_file")]
    quiet = [a for a in answers if not a.case["root_cause_service"]]
    if metric:
        found["shop_metric_ac1"] = statistics.fmean(metric)
    if busy:
        found |= {"cpu_share": accuracy(busy, 1), "cpu_cases": len(busy)}
    if quiet:
        found |= {"quiet_share": statistics.fmean(not a.changed for a in quiet), "quiet_cases": len(quiet)}
    if late:
        found["change_samples"] = statistics.median(late)
    return found | {"ms_case": statistics.median(a.ms for a in answers), "cases": len(answers)}


def large() -> float:
    """Milliseconds of a core for 1,000 series x 600 samples, of which 450 are the baseline."""
    values = np.random.default_rng(0).normal(100, 5, (1000, 600))
    values[7, 450:] += 80
    columns = tuple(f"service{n // 20}|metric{n % 20}" for n in range(1000))
    times = np.arange(600.0)
    sides = [Table(times[part], columns, values[:, part]) for part in (slice(450, None), slice(0, 450))]
    spent = []
    for _ in range(9):
        began = time.process_time()
        rank(*sides)
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def score(folder: Path) -> dict[str, Any]:
    """Every figure of a pack."""
    labels = json.loads((folder / "rca" / "labels.json").read_text())
    logs = evidence(folder / "logs" / "incident")
    answers = [answer(folder / "rca", case, logs.get(case["id"], {})) for case in labels]
    return figures(answers) | {"ms_1000x600": large()}


def main() -> None:
    """Prints the figures beside the references'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = score(asked.folder)
    goals = {name: good(found[name]) for name, good in GOALS.items() if name in found}
    if asked.json:
        print(json.dumps({"figures": found, "references": REFERENCES, "goals": goals}, indent=1))
        return
    for name, met in goals.items():
        beside = ", ".join(f"{k} {v[name]:.2g}" for k, v in REFERENCES.items() if name in v)
        print(f"{name:18s}{found[name]:10.3f}  {'met' if met else 'missed'}  {beside}")


if __name__ == "__main__":
    main()
