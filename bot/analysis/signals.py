"""Golden signals of every service, made of its counters and histograms whatever they are called."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bot.analysis.frames import Array, Axis, Row, ratio, total
from bot.analysis.labels import failures
from bot.analysis.structure import Family, Structure
from bot.analysis.words import ERROR, LATENCY, seconds_per, words_of

Kind = Literal[
    "errors", "latency", "own latency", "call latency", "call errors", "traffic", "call traffic", "saturation",
    "queue", "throttling", "cpu", "availability", "faults", "rate", "gauge", "share", "free",
]  # fmt: skip
Part = Literal["rate", "sum", "value"]


@dataclass(frozen=True)
class Reading:
    """What one query brought: a family's rates (of a histogram: of its count), the rates of its sum, or its values."""

    family: Family
    part: Part
    query: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Signal:
    """Something of one service that may move; `events` are the failures per second behind a share."""

    service: str
    kind: Kind
    metric: str
    query: str
    values: Array
    unit: str = ""
    peer: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    events: Array | None = None
    limit: str = ""


@dataclass(frozen=True)
class _Sums:
    """Rates of one family summed by (service, peer)."""

    family: Family
    query: str
    all: dict[tuple[str, str], Array]
    bad: dict[tuple[str, str], Array]


def golden(structure: Structure, axis: Axis, readings: Sequence[Reading]) -> tuple[Signal, ...]:
    """Errors, latency and traffic of each service, and of its calls to others."""
    size = axis.times.size
    counts = {r.family.name: _sums(r, structure, size) for r in readings if r.part == "rate"}
    times = {r.family.name: _sums(r, structure, size) for r in readings if r.part == "sum"}
    found = [s for name, sums in counts.items() for s in _of_family(sums, times.get(name), counts.values())]
    timed = {r.family.name for r in readings if r.part == "sum"}
    counted = {(s.service, s.peer, s.kind) for s in found if s.metric not in timed}
    signals = [
        s
        for s in found
        if s.metric not in timed or (s.service, s.peer, s.kind) not in counted or s.kind[-7:] != "traffic"
    ]
    return (*signals, *_own_latency(counts, times))


def _sums(reading: Reading, structure: Structure, size: int) -> _Sums:
    family = reading.family
    everything: dict[tuple[str, str], list[Array]] = defaultdict(list)
    bad: dict[tuple[str, str], list[Array]] = defaultdict(list)
    failing_values = failures(row.labels.get(family.code, "") for row in reading.rows) if family.code else None
    for row in reading.rows:
        peer = structure.peer_of(row.labels.get(family.peer, "")) if family.peer else ""
        key = structure.service_of(row.labels), peer
        everything[key].append(row.values)
        if row.labels.get(family.code) in (failing_values or family.bad):
            bad[key].append(row.values)
    summed = {key: total(group, size) for key, group in everything.items()}
    failing = {key: np.nan_to_num(total(group, size)) for key, group in bad.items()}
    return _Sums(family, reading.query, summed, failing)


def is_request_like(family: Family) -> bool:
    """Whether a family counts things served or asked: it tells outcomes, times them, or names the other side."""
    timed = family.type == "histogram" and bool(LATENCY & set(words_of(family.name)))
    return timed or (family.type == "counter" and bool(family.code)) or (family.client and family.type == "counter")


def _of_family(sums: _Sums, timed: _Sums | None, others: Iterable[_Sums]) -> Iterable[Signal]:
    family = sums.family
    if not is_request_like(family):
        return
    error_only = family.type == "counter" and not family.code and bool(ERROR & set(words_of(family.name)))
    for (service, peer), all_rates in sums.all.items():
        if error_only:
            yield from _failed_calls(sums, service, peer, all_rates, others)
            continue
        kinds: tuple[Kind, Kind, Kind] = ("traffic", "errors", "latency")
        if family.client:
            kinds = ("call traffic", "call errors", "call latency")
        yield Signal(service, kinds[0], family.name, sums.query, all_rates, "1/s", peer)
        if family.code:
            failing = sums.bad.get((service, peer), np.where(np.isnan(all_rates), np.nan, 0.0))
            share = ratio(failing, all_rates, 1e-3)
            yield Signal(service, kinds[1], family.name, sums.query, share, "ratio", peer, events=failing)
        if timed is not None and (service, peer) in timed.all and LATENCY & set(words_of(family.name)):
            mean = ratio(timed.all[service, peer], all_rates, 1e-3) * seconds_per(family.name)
            yield Signal(service, kinds[2], family.name, timed.query, mean, "seconds", peer)


def _failed_calls(sums: _Sums, service: str, peer: str, failing: Array, others: Iterable[_Sums]) -> Iterable[Signal]:
    """Failures counted apart from the calls: a share where the calls are counted too, else a rate."""
    calls = next((o.all[service, peer] for o in others if o is not sums and peer and (service, peer) in o.all), None)
    if calls is None:
        yield Signal(service, "faults", sums.family.name, sums.query, failing, "1/s", peer, events=failing)
    else:
        share = np.minimum(1.0, ratio(failing, calls, 1e-3))
        yield Signal(service, "call errors", sums.family.name, sums.query, share, "ratio", peer, events=failing)


def _own_latency(counts: Mapping[str, _Sums], times: Mapping[str, _Sums]) -> Iterable[Signal]:
    """Seconds a service spends itself per request: its own time less the time its calls took."""
    timed = {name: sums for name, sums in times.items() if LATENCY & set(words_of(name))}
    called: dict[str, Array] = {}
    for name, sums in timed.items():
        if sums.family.client and sums.family.peer:
            for (service, _), spent in sums.all.items():
                seconds = np.nan_to_num(spent) * seconds_per(name)
                called[service] = called.get(service, np.zeros_like(seconds)) + seconds
    for name, sums in timed.items():
        if sums.family.client or name not in counts:
            continue
        for key, spent in sums.all.items():
            own = spent * seconds_per(name) - called.get(key[0], np.zeros_like(spent))
            mean = ratio(own, counts[name].all[key], 1e-3)
            yield Signal(key[0], "own latency", name, sums.query, mean, "seconds")


def others(structure: Structure, axis: Axis, readings: Sequence[Reading]) -> tuple[Signal, ...]:
    """The counters that count no requests: failures, CPU, throttled of all periods, and plain rates."""
    found: list[Signal] = []
    size = axis.times.size
    rates = [r for r in readings if r.part == "rate" and not is_request_like(r.family)]
    for reading in rates:
        words = set(words_of(reading.family.name))
        if reading.family.type == "histogram":
            continue
        if "cpu" in words and "seconds" in words:
            found += [_plain(structure, reading, row, "cpu", "cores") for row in reading.rows]
        elif "throttled" in words and (whole := _whole(reading, rates)) is not None:
            found += _shares(structure, reading, whole, size)
        elif ERROR & words:
            found += [_plain(structure, reading, row, "faults", "1/s") for row in _by_service(structure, reading, size)]
        else:
            found += [_plain(structure, reading, row, "rate", "1/s") for row in _by_service(structure, reading, size)]
    return tuple(found)


def _plain(structure: Structure, reading: Reading, row: Row, kind: Kind, unit: str) -> Signal:
    service = structure.service_of(row.labels)
    labels = {k: v for k, v in row.labels.items() if k not in structure.service_labels}
    events = row.values if kind == "faults" else None
    return Signal(service, kind, reading.family.name, reading.query, row.values, unit, labels=labels, events=events)


def _by_service(structure: Structure, reading: Reading, size: int) -> list[Row]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in reading.rows:
        groups[structure.service_of(row.labels)].append(row)
    named = {n: rows[0].labels for n, rows in groups.items()}
    keep = structure.service_labels
    return [
        Row({k: v for k, v in named[n].items() if k in keep}, total((r.values for r in rows), size))
        for n, rows in groups.items()
    ]


def _whole(part: Reading, rates: Sequence[Reading]) -> Reading | None:
    """The counter of all periods beside that of the throttled ones."""
    words = set(words_of(part.family.name)) - {"throttled"}
    return next((r for r in rates if r is not part and set(words_of(r.family.name)) == words), None)


def _shares(structure: Structure, part: Reading, whole: Reading, size: int) -> list[Signal]:
    parts, wholes = _by_service(structure, part, size), _by_service(structure, whole, size)
    by_service = {structure.service_of(row.labels): row.values for row in wholes}
    query = f"{part.query} / {whole.query}"
    return [
        Signal(service, "throttling", part.family.name, query, ratio(row.values, by_service[service], 1e-3), "ratio")
        for row in parts
        if (service := structure.service_of(row.labels)) in by_service
    ]
