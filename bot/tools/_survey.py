"""Reads all the signals of one server of metrics with few queries: what there is, how dense, then side by side."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.analysis.frames import Axis, rows
from bot.analysis.signals import Part, Reading, is_request_like
from bot.analysis.structure import Family, Structure, discover
from bot.analysis.words import ERROR, LATENCY, words_of
from bot.domain.errors import ToolError
from bot.domain.ports import SeriesStore
from bot.domain.window import Window
from bot.tools._axis import axis_of
from bot.tools._names import chunks, is_worth, label_sets, named, union

MOST_NAMES = 1_500
MOST_TARGETS = 5_000
MOST_COUNTERS = 12
AT_ONCE = 6


@dataclass(frozen=True)
class Step:
    """A query to send; RATE stands for the range of rate(), which differs between the stretches of the axis."""

    family: Family
    part: Part
    query: str


@dataclass(frozen=True)
class Survey:
    """All that was read of one server; `missing` says what could not be."""

    structure: Structure
    axis: Axis
    readings: tuple[Reading, ...]
    missing: tuple[str, ...] = ()


async def survey(store: SeriesStore, window: Window) -> Survey:
    """Read every service's golden signals and resources. Raises SourceError when the server does not answer at all."""
    span = Window(window.start - (window.end - window.start) / 2, window.end)
    known, targets, axis = await asyncio.gather(
        store.metrics("", MOST_NAMES), store.label_sets("up", span, MOST_TARGETS), axis_of(store, span)
    )
    gate = asyncio.Semaphore(AT_ONCE)
    names = [metric.name for metric in known if is_worth(metric.name)]
    sets = await label_sets(store, names, window.end, gate)
    up = [{**labels, "__name__": "up"} for labels in targets]
    structure = discover([*sets, *up], {metric.name: metric.type for metric in known})
    results = await asyncio.gather(*(_read(store, structure, axis, step, gate) for step in _plan(structure)))
    missing = tuple(result for result in results if isinstance(result, str))
    return Survey(structure, axis, tuple(result for result in results if isinstance(result, Reading)), missing)


async def _read(
    store: SeriesStore, structure: Structure, axis: Axis, step: Step, gate: asyncio.Semaphore
) -> Reading | str:
    """One step's rows over the whole axis, or what went wrong."""
    answers = []
    async with gate:
        for segment in axis.segments:
            query = step.query.replace("RATE", f"{segment.rate:g}s")
            try:
                answers.append((await store.range(query, segment.window, segment.step)).series)
            except ToolError as error:
                return f"{step.family.name}: {error}"
    shown = step.query.replace("RATE", f"{axis.segments[-1].rate:g}s") if axis.segments else step.query
    kept = tuple(named(r) for r in rows(axis, answers) if structure.service_of(r.labels) not in structure.monitors)
    return Reading(step.family, step.part, shown, kept)


def _plan(structure: Structure) -> list[Step]:
    by = structure.service_labels
    steps: list[Step] = []
    for family in _chosen(structure.families):
        extra = [label for label in (family.code, family.peer) if label]
        if family.type == "histogram":
            steps.append(Step(family, "rate", _rate(f"{family.name}_count", (*by, *extra))))
            if LATENCY & set(words_of(family.name)):
                steps.append(Step(family, "sum", _rate(f"{family.name}_sum", (*by, *extra))))
        else:
            one_by_one = "cpu" in words_of(family.name) and "instance" in family.labels
            steps.append(Step(family, "rate", _rate(family.name, (*by, *extra, *(["instance"] if one_by_one else [])))))
    gauges = [f for f in structure.families if f.type in ("gauge", "info")]
    every = Family("gauges", "gauge", frozenset(), frozenset(), 0)
    return [*steps, *(Step(every, "value", union(c)) for c in chunks([(f.name, f.series) for f in gauges]))]


def _rate(name: str, by: Iterable[str]) -> str:
    return f"sum by ({', '.join(dict.fromkeys(by))}) (rate({name}[RATE]))"


def _chosen(families: Sequence[Family]) -> list[Family]:
    """Everything that counts requests, then failures, CPU and throttling, then a few others."""
    requests = [f for f in families if is_request_like(f)]
    counters = [f for f in families if f.type == "counter" and f not in requests]

    def rank(family: Family) -> tuple[int, int, str]:
        words = set(words_of(family.name))
        telling = bool(words & (ERROR | {"cpu", "throttled", "periods", "oom", "gc", "restarts", "hits", "misses"}))
        return -telling, -len(family.services), family.name

    requests.sort(key=lambda f: (-len(f.services), f.name))
    return [*requests[:8], *sorted(counters, key=rank)[:MOST_COUNTERS]]
