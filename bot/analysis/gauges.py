"""Gauges that belong together: used and limit, free and size; deadlines; versions and restarts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from bot.analysis.frames import Array, Axis, Row, ratio, total
from bot.analysis.signals import Kind, Reading, Signal
from bot.analysis.structure import Structure
from bot.analysis.words import ERROR, EXPIRY, FREE, LIMIT, QUEUE, UNITS, related, unit_of, word_set, words_of

WEEK = 7 * 86_400.0
"""A deadline nearer than these seconds is trouble."""
USED = word_set("used usage utilization utilisation util busy load saturation")
TIME = frozenset({"time", "timestamp", "seconds", "date", "at", "until", "since"})


@dataclass(frozen=True)
class Event:
    """Something that happened to a service at a moment (UTC seconds): a deploy or a restart."""

    at: float
    service: str
    kind: str
    what: str
    query: str


@dataclass(frozen=True)
class Deadline:
    """A moment after which something no longer holds, such as a certificate: `left` are the seconds to it.

    `since` is when less than a week was left, None when that was so before the data begin; `until` when it was renewed.
    """

    service: str
    metric: str
    query: str
    left: float
    since: float | None = None
    until: float | None = None
    target: str = ""


@dataclass(frozen=True)
class Gauges:
    """All that the gauges tell."""

    signals: tuple[Signal, ...]
    events: tuple[Event, ...]
    deadlines: tuple[Deadline, ...]


@dataclass(frozen=True)
class _Gauge:
    name: str
    service: str
    row: Row
    query: str

    @property
    def labels(self) -> dict[str, str]:
        return {k: v for k, v in self.row.labels.items() if k != "__name__"}


def read(structure: Structure, axis: Axis, readings: Sequence[Reading]) -> Gauges:
    """Sort every gauge row by what it means."""
    gauges = [
        _Gauge(name, structure.service_of(row.labels), row, f"{name}{{{_selector(row.labels, structure)}}}")
        for reading in readings
        if reading.part == "value"
        for row in reading.rows
        if (name := row.labels.get("__name__", reading.family.name))
    ]
    gauges = [g for g in gauges if np.isfinite(g.row.values).any() and g.service]
    infos = [g for g in gauges if g.name.endswith("_info")]
    stamps = [g for g in gauges if not g.name.endswith("_info") and _is_stamp(g)]
    ups = [g for g in gauges if g.name == "up"]
    special = {id(g) for g in (*infos, *stamps, *ups)}
    plain = [g for g in gauges if id(g) not in special]
    limits = [g for g in plain if LIMIT & set(words_of(g.name)) and _constant(g.row.values)]
    rest = [g for g in plain if not any(g is limit for limit in limits)]
    shares, paired = _pairs(rest, limits, axis.times.size)
    single = [_single(g) for g in rest if not (id(g) in paired and not _has_detail(g, rest))]
    events = (*_versions(infos, axis), *_restarts([g for g in stamps if not _is_future(g, axis)], axis))
    deadlines = tuple(_deadline(g, axis) for g in stamps if _is_future(g, axis))
    return Gauges((*_up(ups, axis), *shares, *single), events, deadlines)


def _selector(labels: Mapping[str, str], structure: Structure) -> str:
    keep = [k for k in sorted(labels) if k != "__name__" and (k in structure.service_labels or k == "instance")]
    return ",".join(f'{k}="{labels[k]}"' for k in keep)


def _is_stamp(gauge: _Gauge) -> bool:
    """Whether the values are seconds since the epoch: a likely size, and a name that speaks of time or of no unit."""
    words = set(words_of(gauge.name))
    seen = gauge.row.values[np.isfinite(gauge.row.values)]
    timely = bool(words & (TIME | EXPIRY)) or not words & UNITS
    return bool(timely and "bytes" not in words and np.median(seen) > 1.2e9 and seen.min() > 5e8 and seen.max() < 5e9)


def _is_future(gauge: _Gauge, axis: Axis) -> bool:
    seen = gauge.row.values[np.isfinite(gauge.row.values)]
    return bool(seen[-1] > axis.times[-1] + 60) or bool(EXPIRY & set(words_of(gauge.name)))


def _constant(values: Array) -> bool:
    seen = values[np.isfinite(values)]
    return bool(np.mean(seen == np.median(seen)) > 0.95 and np.median(seen) > 0)


def _has_detail(gauge: _Gauge, rest: Sequence[_Gauge]) -> bool:
    """Whether a gauge is one of several states of the same thing, each worth a look of its own."""
    return sum(g.name == gauge.name and g.service == gauge.service for g in rest) > 1 and len(gauge.labels) > 3


def _fits(used: _Gauge, limit: _Gauge) -> bool:
    own = used.labels
    return used.service == limit.service and all(own.get(k, v) == v for k, v in limit.labels.items())


def _score(used: str, limit: str) -> int:
    words = set(words_of(used))
    if (
        words & (QUEUE | ERROR)
        or unit_of(used) not in ("", unit_of(limit))
        or unit_of(limit) not in ("", unit_of(used))
    ):
        return 0
    return related(used, limit)


def _pairs(rest: Sequence[_Gauge], limits: Sequence[_Gauge], size: int) -> tuple[list[Signal], set[int]]:
    """Used shares by matching label sets and name stems, and which gauges they are made of."""
    groups: dict[tuple[str, int], list[_Gauge]] = defaultdict(list)
    best: dict[tuple[str, str], int] = {}
    for used in rest:
        scores = {i: _score(used.name, limit.name) for i, limit in enumerate(limits) if _fits(used, limit)}
        top = max(scores.values(), default=0)
        for i, score in scores.items():
            if score == top > 0:
                groups[used.name, i].append(used)
                best[used.name, limits[i].name] = score
    signals, paired = [], set()
    for (name, i), group in groups.items():
        limit = limits[i]
        share = ratio(total((g.row.values for g in group), size), limit.row.values)
        seen = share[np.isfinite(share)]
        if not seen.size or seen.max() > 1.05 or seen.min() < 0:
            continue
        free = bool(FREE & set(words_of(name)))
        labels = limit.labels
        query = f"1 - {group[0].query} / {limit.name}" if free else f"{_summed(group)} / {limit.name}"
        values = 1.0 - share if free else share
        signals.append(
            Signal(limit.service, "saturation", name, query, values, "ratio", labels=labels, limit=limit.name)
        )
        paired |= {id(g) for g in group}
    return signals, paired


def _summed(group: Sequence[_Gauge]) -> str:
    return group[0].query if len(group) == 1 else f"sum({group[0].query})"


def _single(gauge: _Gauge) -> Signal:
    words = set(words_of(gauge.name))
    seen = gauge.row.values[np.isfinite(gauge.row.values)]
    values, unit = gauge.row.values, unit_of(gauge.name)
    kind: Kind = "gauge"
    if "percent" in words:
        values, unit = values / 100.0, "ratio"
    if words & QUEUE:
        kind = "queue"
    elif (words & USED or words & {"utilization"}) and seen.max() <= (100.0 if "percent" in words else 1.0):
        kind, unit = "saturation", "ratio"
    elif seen.min() >= 0 and seen.max() <= 1.0 and unit == "ratio":
        kind = "share"
    elif words & FREE and not words & UNITS & {"seconds"}:
        kind = "free"
    return Signal(gauge.service, kind, gauge.name, gauge.query, values, unit, labels=gauge.labels)


def _up(ups: Sequence[_Gauge], axis: Axis) -> list[Signal]:
    """Whether each instance could be scraped."""
    return [
        Signal(g.service, "availability", "up", f"up{{{g.query.partition('{')[2]}", g.row.values, "", labels=g.labels)
        for g in ups
    ]


def _versions(infos: Sequence[_Gauge], axis: Axis) -> Iterable[Event]:
    """A version that appears where another ran before is a deploy; its first instance gives the time."""
    place: dict[tuple[str, str, str], list[tuple[float, str]]] = defaultdict(list)
    for g in infos:
        if version := _version(g.labels):
            starts = [(at, version) for at in _appearances(axis.times, g.row.values)]
            place[g.service, g.name, g.labels.get("instance", "")] += starts
    found: dict[tuple[str, str, str], Event] = {}
    for (service, name, _), seen_versions in sorted(place.items()):
        seen_versions.sort()
        for (_, before), (at, after) in pairwise(seen_versions):
            key = service, before, after
            if before != after and (key not in found or at < found[key].at):
                found[key] = Event(
                    at, service, "deploy", f"{service} {before} → {after}", f'{name}{{version="{after}"}}'
                )
    yield from found.values()


def _version(labels: Mapping[str, str]) -> str:
    named = {k: v for k, v in labels.items() if "version" in k or k in {"revision", "commit", "tag", "image"}}
    return next((v for k, v in named.items() if k in {"version", "app_version"}), next(iter(named.values()), ""))


def _appearances(times: Array, values: Array) -> list[float]:
    """When a series was there again after at least three points without it, and when it was first."""
    here = np.flatnonzero(np.isfinite(values))
    jumps = np.flatnonzero(np.diff(here) > 3)
    return [float(times[here[0]]), *(float(times[here[j + 1]]) for j in jumps)]


def _restarts(stamps: Sequence[_Gauge], axis: Axis) -> Iterable[Event]:
    """A start time that changes is a restart, at that very time."""
    for g in stamps:
        if "start" not in words_of(g.name) and "boot" not in words_of(g.name):
            continue
        seen = g.row.values[np.isfinite(g.row.values)]
        for before, after in pairwise(seen.tolist()):
            if after > before + 0.5 and after >= axis.times[0]:
                where = g.labels.get("instance", g.service)
                yield Event(float(after), g.service, "restart", f"{where} restarted", g.query)


def _deadline(gauge: _Gauge, axis: Axis) -> Deadline:
    here = np.flatnonzero(np.isfinite(gauge.row.values))
    times, left = axis.times[here], gauge.row.values[here] - axis.times[here]
    target = next((v for k, v in gauge.labels.items() if k in {"target", "host", "domain", "cn", "subject"}), "")
    made = partial(Deadline, gauge.service, gauge.name, gauge.query, target=target)
    near = np.flatnonzero(left < WEEK)
    if not near.size:
        return made(float(left[-1]))
    began = float(times[near[0]]) if near[0] > 0 else None
    if near[-1] == len(left) - 1:
        return made(float(left[-1]), began)
    return made(float(left[near].min()), began, float(times[near[-1] + 1]))
