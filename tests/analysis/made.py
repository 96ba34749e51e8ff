"""Series made for tests: what a small system would have shown, on one axis of time."""

from collections.abc import Mapping

import numpy as np

from bot.analysis.frames import Array, Axis, Row, Segment
from bot.analysis.signals import Kind, Signal

START = 1_795_500_000.0
"""The first point of every axis made here, in UTC seconds."""


def axis(minutes: float = 30, step: float = 15.0) -> Axis:
    """One stretch of evenly spaced points."""
    return Axis((Segment(START, START + minutes * 60, step, 60.0),))


def at(minute: float) -> float:
    """A moment on the axis, in UTC seconds."""
    return START + minute * 60


def noisy(level: float, noise: float = 0.02, minutes: float = 30, seed: int = 1) -> Array:
    """A steady series with relative noise."""
    count = axis(minutes).times.size
    made: Array = level * (1 + noise * np.random.default_rng(seed).standard_normal(count))
    return made


def stepped(level: float, after: float, minute: float, until: float = 1e9, seed: int = 1) -> Array:
    """A series that steps from one level to another at a minute, and back at a later one."""
    times = axis().times
    inside = (times >= at(minute)) & (times < at(until))
    made: Array = np.where(inside, noisy(after, seed=seed), noisy(level, seed=seed + 1))
    return made


def ramped(level: float, after: float, begin: float, end: float) -> Array:
    """A series that grows in a straight line between two minutes, and stays."""
    times = axis().times
    share = np.clip((times - at(begin)) / (at(end) - at(begin)), 0, 1)
    made: Array = level + share * (after - level)
    return made


def signal(service: str, kind: Kind, values: Array, metric: str = "m", peer: str = "", unit: str = "") -> Signal:
    """A signal with a query nobody sends."""
    return Signal(service, kind, metric, f"query of {metric}", values, unit, peer)


def row(values: Array, name: str = "", **labels: str) -> Row:
    """A row under its metric's name."""
    named: Mapping[str, str] = {"__name__": name, **labels} if name else labels
    return Row(named, values)
