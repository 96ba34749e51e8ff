"""Which signals moved, in robust units, and how much that matters: scores that compare across kinds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.analysis.changes import MAD, Limits, Shift, shifts, steady
from bot.analysis.frames import Array, Axis
from bot.analysis.signals import Kind, Signal

SOON = 4 * 3600.0
"""A resource that will be used up within these seconds at its present pace counts as a mover."""
FEW = 3.0
"""Failures within eleven points below which a share of failures is chance."""
SHORT = 900.0
"""Less data than these seconds does not vouch for a baseline of its own."""
FULL = 0.9
"""The share of a resource from which on it counts as used up."""


@dataclass(frozen=True)
class Rule:
    """What counts as moved for a kind: bad side, robust units, least and relative deviation, scale floor, points."""

    bad: int
    units: float
    least: float
    relative: float
    floor: float
    points: int
    weight: float


RULES: dict[Kind, Rule] = {
    "availability": Rule(-1, 1, 0.5, 0, 0.05, 1, 1.0),
    "errors": Rule(1, 5, 0.02, 0.5, 0.002, 2, 1.0),
    "call errors": Rule(1, 5, 0.02, 0.5, 0.002, 2, 0.9),
    "saturation": Rule(1, 4, 0.08, 0, 0.005, 2, 0.95),
    "throttling": Rule(1, 5, 0.1, 0, 0.01, 2, 0.9),
    "latency": Rule(1, 6, 0.002, 0.5, 0.0002, 2, 0.85),
    "call latency": Rule(1, 6, 0.002, 0.5, 0.0002, 2, 0.8),
    "own latency": Rule(1, 6, 0.002, 0.6, 0.0002, 2, 0.7),
    "traffic": Rule(0, 6, 0.3, 0.6, 0.02, 3, 0.8),
    "call traffic": Rule(0, 6, 0.3, 0.6, 0.02, 3, 0.5),
    "queue": Rule(1, 8, 8, 1.0, 0.5, 3, 0.7),
    "faults": Rule(1, 6, 0.05, 1.5, 0.01, 3, 0.6),
    "cpu": Rule(1, 6, 0.15, 0.6, 0.01, 3, 0.6),
    "free": Rule(-1, 8, 0, 0.3, 0, 3, 0.6),
    "share": Rule(0, 6, 0.1, 0, 0.01, 2, 0.5),
    "gauge": Rule(0, 10, 0, 0.6, 0, 3, 0.35),
    "rate": Rule(0, 8, 0.3, 1.0, 0.02, 3, 0.3),
}


@dataclass(frozen=True)
class Mover:
    """A signal with its shift; `score` in 0..1; `left` is seconds until a filling resource is used up."""

    signal: Signal
    shift: Shift
    score: float
    left: float | None = None

    @property
    def active(self) -> bool:
        """Whether it still lasts."""
        return self.shift.until is None

    @property
    def direction(self) -> str:
        """up or down."""
        return "up" if self.shift.size > 0 else "down"

    @property
    def exhausted(self) -> float:
        """How far a resource is used up, 0..1: full now or before, or full soon."""
        if self.signal.kind != "saturation":
            return 0.0
        level = float(np.clip((self.shift.peak - 0.7) / (FULL - 0.7), 0.0, 1.0))
        soon = 0.0 if self.left is None else float(np.clip(1.3 - self.left / SOON, 0.0, 1.0))
        return max(level, soon)


def movers(axis: Axis, signals: Sequence[Signal]) -> tuple[Mover, ...]:
    """Everything that moved, the weightiest first; nothing when nothing did."""
    if not signals:
        return ()
    values = np.array([s.values for s in signals])
    found = shifts(axis.times, values, _limits(signals, values, axis), _allowed(signals, values, axis))
    moved = [_mover(signals[shift.row], shift, axis) for shift in found]
    seen = {shift.row for shift in found}
    filling = _filling(axis, signals, values, seen)
    return tuple(sorted((*moved, *filling), key=lambda m: (-m.score, m.signal.service, m.signal.metric, m.signal.peer)))


def _allowed(signals: Sequence[Signal], values: Array, axis: Axis) -> NDArray[np.bool_]:
    """Where a share may count as moved: only with a few failures around it, one or two are chance."""
    allowed = np.ones(values.shape, dtype=bool)
    for row, signal in enumerate(signals):
        if signal.events is not None:
            counts = np.nan_to_num(signal.events) * axis.spans
            allowed[row] = np.convolve(counts, np.ones(11), mode="same")[: values.shape[1]] >= FEW
    return allowed


def _worst(kind: Kind, seconds: float) -> float:
    """The worst level that can pass for usual; little history vouches for less."""
    if kind in ("errors", "call errors"):
        return 0.02 if seconds < SHORT else 0.1
    return {"saturation": 0.85, "availability": 1.0}.get(kind, np.nan)


def _limits(signals: Sequence[Signal], values: Array, axis: Axis) -> Limits:
    rules = [RULES[s.kind] for s in signals]
    floor = np.array([rule.floor for rule in rules])
    seconds = float(axis.times[-1] - axis.times[0]) if axis.times.size else 0.0
    return Limits(
        bad=np.array([rule.bad for rule in rules], dtype=np.int8),
        units=np.array([rule.units for rule in rules], dtype=float),
        least=np.array([rule.least for rule in rules], dtype=float),
        relative=np.array([rule.relative for rule in rules], dtype=float),
        floor=np.maximum(floor, np.maximum(_peer_floor(signals, values), _count_floor(signals, values))),
        points=np.array([rule.points for rule in rules]),
        worst=np.array([_worst(s.kind, seconds) for s in signals]),
    )


def _count_floor(signals: Sequence[Signal], values: Array) -> Array:
    """Small whole numbers jump by chance: at least half the root of their level for gauges that count."""
    floor = np.zeros(len(signals))
    for row, signal in enumerate(signals):
        seen = values[row][np.isfinite(values[row])]
        if signal.kind in ("gauge", "queue", "free") and seen.size and bool(np.all(seen == np.round(seen))):
            floor[row] = 0.5 * np.sqrt(abs(float(np.median(seen))) + 1.0)
    return floor


def _peer_floor(signals: Sequence[Signal], values: Array) -> Array:
    """The usual relative noise of the same metric elsewhere, times the row's own level: quiet rows must not win."""
    with np.errstate(all="ignore"):
        level = np.nan_to_num(np.array([np.median(v[np.isfinite(v)]) if np.isfinite(v).any() else 0 for v in values]))
        steps = [np.abs(np.diff(v[np.isfinite(v)])) for v in values]
    noise = np.array([MAD * np.median(step) / np.sqrt(2) if step.size else 0.0 for step in steps])
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, signal in enumerate(signals):
        groups[signal.kind, signal.metric].append(row)
    floor = np.zeros(len(signals))
    for rows in groups.values():
        usable = [noise[r] / abs(level[r]) for r in rows if abs(level[r]) > 0]
        relative = float(np.median(usable)) if len(usable) >= 3 else 0.0
        for row in rows:
            floor[row] = relative * abs(level[row])
    return floor


def _mover(signal: Signal, shift: Shift, axis: Axis) -> Mover:
    strength = shift.excess / (shift.excess + 2.0)
    weight = RULES[signal.kind].weight
    left = _time_left(signal, shift, axis) if signal.kind == "saturation" else None
    mover = Mover(signal, shift, 0.0, left)
    if signal.kind == "saturation":
        weight *= 0.3 + 0.7 * mover.exhausted
    recovered = 1.0 if mover.active else 0.5
    return Mover(signal, shift, round(float(weight * (0.4 + 0.6 * strength) * recovered), 4), left)


def _time_left(signal: Signal, shift: Shift, axis: Axis) -> float | None:
    """Seconds until a share that grows steadily since its shift reaches 1; None when it does not."""
    if shift.until is not None:
        return None
    for _, slope, fit in steady(axis.times, signal.values[None, :], max(axis.times[-1] - shift.since, 1.0)):
        if slope > 0 and fit > 0.8:
            here = signal.values[np.isfinite(signal.values)][-1]
            return max(0.0, float((1.0 - here) / slope))
    return None


def _filling(axis: Axis, signals: Sequence[Signal], values: Array, seen: set[int]) -> list[Mover]:
    """Resources too slow to have left their baseline, but full within hours at their pace."""
    rows = [i for i, s in enumerate(signals) if s.kind == "saturation" and i not in seen]
    found: list[Mover] = []
    span = float(axis.times[-1] - axis.times[0]) if axis.times.size else 0.0
    for at, slope, fit in steady(axis.times, values[rows], span / 2) if rows else ():
        x = values[rows[at]][np.isfinite(values[rows[at]])]
        left = (1.0 - x[-1]) / slope if slope > 0 else np.inf
        grown = x[-1] - x[0]
        if fit > 0.95 and left < SOON and grown > 0.02 and left < 8 * span:
            shift = Shift(
                rows[at], float(x[0]), float(x[-1]), float(x[-1]), 6.0, float(axis.times[0]), None, 1, 1.0, 1.0, True
            )
            found.append(_mover(signals[rows[at]], shift, axis))
    return found


def resting(signals: Sequence[Signal], service: str, moved: set[int]) -> list[tuple[Signal, float, float]]:
    """A service's golden signals that did not move (by `id`), with their usual level and the newest one."""
    golden = ("errors", "latency", "traffic", "saturation", "availability", "queue", "cpu", "throttling")
    found = []
    for s in signals:
        seen = s.values[np.isfinite(s.values)]
        if s.service == service and s.kind in golden and id(s) not in moved and seen.size:
            found.append((s, float(f"{np.median(seen):.4g}"), float(f"{np.median(seen[-5:]):.4g}")))
    return sorted(found, key=lambda row: golden.index(row[0].kind))
