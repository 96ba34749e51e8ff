"""Percentiles, and goals beside figures."""

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence


def at(share: float, values: Sequence[float]) -> float:
    """The nearest rank of a share of the values."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def ms(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """`name_p50_ms` and `name_p99_ms`."""
    return {f"{name}_{label}_ms": at(share, seconds) * 1000 for label, share in (("p50", 0.5), ("p99", 0.99))}


def report(figures: Mapping[str, object], most: Mapping[str, float], least: Mapping[str, float], *, lines: bool) -> int:
    """Print the figures, with the goals that were missed and this machine's load; 1 when one was missed."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    missed = [name for name, goal in most.items() if _number(figures, name) > goal]
    missed += [name for name, goal in least.items() if _number(figures, name) < goal]
    goals = {**{name: f"<= {goal:g}" for name, goal in most.items()}, **{n: f">= {g:g}" for n, g in least.items()}}
    goals = {name: goal for name, goal in goals.items() if name in figures}
    missed = [name for name in missed if name in figures]
    if lines:
        for name, value in rounded.items():
            verdict = f"   goal {goals[name]}: {'MISSED' if name in missed else 'holds'}" if name in goals else ""
            sys.stdout.write(f"{name:<32}{value!s:>14}{verdict}\n")
    else:
        told = {**rounded, "goals": goals, "missed": missed, "load_average": round(os.getloadavg()[0], 2)}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return int(bool(missed))


def _number(figures: Mapping[str, object], name: str) -> float:
    value = figures.get(name, math.nan)
    return float(value) if isinstance(value, int | float) else math.nan
