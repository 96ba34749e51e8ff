"""Scores forecasts and anomaly scores on a benchmark pack: `python -m tests.benchmarks.analysis_breach DIR --json`.

DIR holds `breach/` (tasks.json, history.csv.gz, future.csv.gz) and `anomaly/` or `nab/` (windows.json, *.csv.gz);
the definitions stand in the pack's README.
"""

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.analysis.forecasts import outlook
from bot.analysis.frames import Array
from bot.analysis.unusual import THRESHOLD, unusual

REFERENCES = {
    "predict_linear": {"f1": 0.69, "brier": 0.31, "within_10": 0.14},
    "seasonal naive": {"f1": 0.76, "brier": 0.21, "within_10": 0.57},
    "NAB (ARTime, HTM)": {"nab": 69.9, "nab_htm": 64.2},
}
GOALS: dict[str, Callable[[float], bool]] = {
    "f1": lambda v: v >= 0.88,
    "brier": lambda v: v <= 0.09,
    "within_10": lambda v: v >= 0.78,
    "coverage": lambda v: 0.75 <= v <= 0.88,
    "ms": lambda v: v <= 5,
    "nab": lambda v: v >= 55,
    "points_per_s": lambda v: v >= 1e6,
}
FALSE_ALARM = 0.11
"""What a false alarm costs in the standard profile, where a missed window costs 1."""


@dataclass(frozen=True)
class Guess:
    """A prediction: probability, step of the first crossing and its 80 % interval."""

    p: float
    step: int | None
    lo: int | None
    hi: int | None


def rows(path: Path) -> dict[str, Array]:
    """`id,v1,v2,…` lines as arrays; empty is NaN."""
    with gzip.open(path, "rt") as lines:
        split = (line.rstrip("\n").split(",") for line in lines)
        return {part[0]: np.array([float(v) if v else np.nan for v in part[1:]]) for part in split}


def guess(task: dict[str, Any], history: Array) -> Guess:
    """What the product says of a task."""
    seen = outlook(history, task["horizon"], task["season_steps"])
    if seen is None:
        return Guess(0.0, None, None, None)
    p, at = seen.crossing(task["threshold"], task["direction"], task["sustain"])
    return Guess(p, None, None, None) if at is None else Guess(p, at.likely, at.earliest, at.latest)


def breach_scores(tasks: Sequence[dict[str, Any]], guesses: Sequence[Guess]) -> dict[str, float]:
    """F1 at p ≥ .5, Brier, share of true breaches timed within 10 % of the horizon, coverage of the 80 % interval."""
    true = np.array([t["breach"] for t in tasks], dtype=bool)
    p = np.array([g.p for g in guesses])
    said = p >= 0.5
    hits = int((said & true).sum())
    precision, recall = hits / max(1, int(said.sum())), hits / max(1, int(true.sum()))
    timed = [(t, g) for t, g, s in zip(tasks, guesses, said, strict=True) if s and t["breach"] and g.step is not None]
    near = sum(abs((g.step or 0) - t["breach_step"]) / t["horizon"] <= 0.1 for t, g in timed)
    held = [g.lo <= t["breach_step"] <= g.hi for t, g in timed if g.lo is not None and g.hi is not None]
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-12, precision + recall),
        "brier": float(np.mean((p - true) ** 2)),
        "within_10": near / max(1, int(true.sum())),
        "coverage": statistics.fmean(held) if held else 0.0,
    }


def breaches(folder: Path) -> dict[str, Any]:
    """Figures over all tasks and by group."""
    tasks = json.loads((folder / "tasks.json").read_text())
    history = rows(folder / "history.csv.gz")
    guesses, spent = [], []
    for task in tasks:
        began = time.perf_counter()
        guesses.append(guess(task, history[task["id"]]))
        spent.append(1000 * (time.perf_counter() - began))
    groups = sorted({t["group"] for t in tasks})
    parts = {
        name: breach_scores(
            *zip(*((t, g) for t, g in zip(tasks, guesses, strict=True) if t["group"] == name), strict=True)
        )
        for name in groups
    }
    return {**breach_scores(tasks, guesses), "ms": statistics.median(spent), "groups": parts}


@dataclass(frozen=True)
class Labelled:
    """A series with its score and its anomaly windows, as half-open index ranges' first and last index."""

    score: Array
    windows: tuple[tuple[int, int], ...]


def _fading(y: Array) -> Array:
    return np.where(y > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(y, 3.0))) - 1)


def _worth(line: Labelled) -> tuple[Array, Array]:
    """What an alarm at each point is worth, and which window it falls in (-1 for none)."""
    size = line.score.size
    at, worth, inside = np.arange(size), np.full(size, -1.0), np.full(size, -1)
    for k, (first, last) in enumerate(line.windows):
        following = line.windows[k + 1][0] if k + 1 < len(line.windows) else size
        worth[last + 1 : following] = _fading((at[last + 1 : following] - last) / (last - first))
    for k, (first, last) in enumerate(line.windows):
        here = at[first : last + 1]
        worth[first : last + 1] = _fading(-(last - here + 1) / (last - first + 1)) / _fading(np.array([-1.0]))
        inside[first : last + 1] = k
    return np.where(inside < 0, worth * FALSE_ALARM, worth), inside


def nab_score(lines: Sequence[Labelled], threshold: float | None = None) -> tuple[float, float]:
    """NAB's standard profile on its 0..100 scale, and the threshold (the best one where none is given)."""
    scores, worths, windows, seen = [], [], [], 0
    for line in lines:
        worth, inside = _worth(line)
        start = min(int(0.15 * line.score.size), 750)
        scores.append(line.score[start:])
        worths.append(worth[start:])
        windows.append(np.where(inside >= 0, inside + seen, -1)[start:])
        seen += len(line.windows)
    score, worth, window = np.concatenate(scores), np.concatenate(worths), np.concatenate(windows)
    order = np.argsort(-score, kind="stable")
    score, worth, window = score[order], worth[order], window[order]
    gain, best = np.where(window < 0, worth, 0.0), dict.fromkeys(np.unique(window[window >= 0]).tolist(), -1.0)
    for at in np.flatnonzero(window >= 0).tolist():
        key = int(window[at])
        gain[at] = max(0.0, worth[at] - best[key])
        best[key] = max(best[key], float(worth[at]))
    total = np.cumsum(gain)
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    if threshold is None:
        end = ends[int(np.argmax(total[ends]))]
        threshold = float(score[end]) if total[end] > 0 else 1.1
    reached = np.flatnonzero(score >= threshold)
    return float(100 * (total[reached[-1]] if reached.size else 0.0) / (2 * len(best))), threshold


def labelled(folder: Path) -> dict[str, tuple[Array, Array, tuple[tuple[int, int], ...]]]:
    """Per series: times (s), values, windows as first and last index."""
    marks = json.loads((folder / "windows.json").read_text())
    found = {}
    for name, about in sorted(marks.items()):
        with gzip.open(folder / about["file"], "rt") as text:
            cells = [line.rstrip("\n").split(",") for line in text][1:]
        times = np.array([_seconds(cell[0]) for cell in cells])
        spans = [(_seconds(a), _seconds(b)) for a, b in about["windows"]]
        windows = tuple((int(np.argmax(times == a)), int(np.flatnonzero(times == b)[-1])) for a, b in spans)
        found[name] = times, np.array([float(cell[1]) for cell in cells]), windows
    return found


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def anomalies(folder: Path) -> dict[str, Any]:
    """NAB's score with the product's own threshold and with the best one, and points a second."""
    lines, points, spent = [], 0, 0.0
    for times, values, windows in labelled(folder).values():
        began = time.perf_counter()
        score = unusual(times, values)
        spent += time.perf_counter() - began
        points += values.size
        lines.append(Labelled(score, windows))
    best, at = nab_score(lines)
    return {"nab": nab_score(lines, THRESHOLD)[0], "nab_best": best, "best_at": at, "points_per_s": points / spent}


def main() -> None:
    """Prints the figures beside the references'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = breaches(asked.folder / "breach")
    nab = next((asked.folder / name for name in ("anomaly", "nab") if (asked.folder / name).is_dir()), None)
    if nab is not None:
        figures |= anomalies(nab)
    goals = {name: good(figures[name]) for name, good in GOALS.items() if name in figures}
    if asked.json:
        print(json.dumps({"figures": figures, "references": REFERENCES, "goals": goals}, indent=1))
        return
    for name, met in goals.items():
        beside = ", ".join(f"{k} {v[name]:g}" for k, v in REFERENCES.items() if name in v)
        print(f"{name:14s}{figures[name]:14.3f}  {'met' if met else 'missed'}  {beside}")


if __name__ == "__main__":
    main()
