"""Log lines as steps of requests: which step follows which in a request, how often, and after how long.

Lines that carry the same request id (a trace id, say) belong together. A step that used to be followed by another and
no longer is tells where a request broke; a longer wait between two services tells of what lies between them.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.analysis.frames import Array

Codes = NDArray[np.int64]
FEWEST = 3
"""Waits of a pair of steps that must be known on both sides."""
SLOWER = 2.0
"""Standard deviations of the rank sum from which on a wait counts as longer."""


@dataclass(frozen=True)
class Steps:
    """One log: for each line its time (s), service, step and request as numbers (request -1: none)."""

    times: Array
    services: Codes
    steps: Codes
    requests: Codes

    def ordered(self) -> "Steps":
        """The lines that belong to a request, by request and time."""
        kept = np.flatnonzero(self.requests >= 0)
        kept = kept[np.lexsort((kept, self.times[kept], self.requests[kept]))]
        return Steps(self.times[kept], self.services[kept], self.steps[kept], self.requests[kept])


@dataclass(frozen=True)
class Follows:
    """How many requests have a step (`whole`), and in how many of them which step comes next (`nexts`).

    What comes next is `END` where nothing of the same service follows; START - service stands for a service's entry.
    """

    nexts: Mapping[int, Mapping[int, int]]
    whole: Mapping[int, int]


END = -1
"""What follows where nothing of the same service does."""
START = -2
"""From here on down, the entries of services."""


def within(log: Steps) -> Follows:
    """Steps that follow each other in one service, counted once a request."""
    order = np.lexsort((np.arange(len(log.steps)), log.services, log.requests))
    steps, services, requests = log.steps[order], log.services[order], log.requests[order]
    first = np.ones(len(steps), dtype=bool)
    first[1:] = (requests[1:] != requests[:-1]) | (services[1:] != services[:-1])
    last = np.append(first[1:], True)[: len(steps)]
    before = np.where(first, START - services, np.append(END, steps[:-1])[: len(steps)])
    heads = np.concatenate([before, steps[last]])
    nexts = np.concatenate([steps, np.full(int(last.sum()), END)])
    owners = np.concatenate([requests, requests[last]])
    return _counted(heads, nexts, owners, heads, owners)


def neighbours(log: Steps) -> Follows:
    """Steps that follow each other in a service's log whatever the request, every time counted."""
    order = np.lexsort((np.arange(len(log.steps)), log.times, log.services))
    steps, services = log.steps[order], log.services[order]
    same = np.flatnonzero(services[1:] == services[:-1])
    return _counted(steps[same], steps[same + 1], same, steps[same], same)


def across(log: Steps) -> Follows:
    """Steps of two services that follow each other, counted once a request; `whole` counts requests with the step."""
    here = _crossings(log)
    return _counted(log.steps[here - 1], log.steps[here], log.requests[here], log.steps, log.requests)


def _crossings(log: Steps) -> Codes:
    """Lines whose predecessor in the same request is of another service."""
    same = log.requests[1:] == log.requests[:-1]
    return np.flatnonzero(same & (log.services[1:] != log.services[:-1])) + 1


def _counted(heads: Codes, nexts: Codes, requests: Codes, every: Codes, owners: Codes) -> Follows:
    """Counts of the requests with each pair; `every` step with the request it belongs to (`owners`) makes the whole."""
    pairs, counts = _distinct(heads, nexts, _distinct_of(heads, nexts, requests))
    whole, _ = _distinct(every, owners, np.arange(len(owners)))
    steps, sizes = np.unique(whole[0], return_counts=True)
    nexts_of: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for a, b, n in zip(pairs[0].tolist(), pairs[1].tolist(), counts.tolist(), strict=True):
        nexts_of[a][b] = n
    return Follows(nexts_of, dict(zip(steps.tolist(), sizes.tolist(), strict=True)))


def _distinct_of(heads: Codes, nexts: Codes, requests: Codes) -> Codes:
    """One line of each distinct (head, next, request)."""
    _, coded = np.unique(_joined(heads, nexts), return_inverse=True)
    chosen: Codes = np.unique(_joined(coded, requests), return_index=True)[1]
    return chosen


def _distinct(first: Codes, second: Codes, chosen: Codes) -> tuple[tuple[Codes, Codes], Codes]:
    """The distinct pairs among the chosen lines, and how many of them each has."""
    first, second = first[chosen], second[chosen]
    _, at, counts = np.unique(_joined(first, second), return_index=True, return_counts=True)
    return (first[at], second[at]), counts


def _joined(first: Codes, second: Codes) -> Codes:
    """Pairs of numbers as one number each."""
    if not first.size:
        return first
    joined: Codes = (first - first.min()) * (int(np.ptp(second)) + 1) + (second - second.min())
    return joined


def deviation(before: int, of: int, now: int, among: int) -> float:
    """How many standard deviations the share `now` of `among` is above the share `before` of `of`."""
    share = (before + now + 0.5) / (of + among + 1.0)
    return (now / among - before / of) / math.sqrt(share * (1.0 - share) * (1.0 / of + 1.0 / among))


@dataclass(frozen=True)
class Wait:
    """Two services that wait longer for each other: `size` in standard deviations, weighed by how much longer.

    `usual` and `now` are medians in seconds, `step` is what comes late.
    """

    first: int
    second: int
    step: int
    size: float
    usual: float
    now: float


def waits(usual: Steps, now: Steps) -> list[Wait]:
    """Pairs of services (the one seen first in a request comes first) with a step that takes longer to come."""
    old, new = _gaps(usual), _gaps(now)
    every = [gap for gaps in old.values() for gap in gaps]
    typical = float(np.median(every)) if every else 0.0
    best: dict[tuple[int, int], Wait] = {}
    for key in sorted(old.keys() & new.keys()):
        wait = _wait(key, np.array(old[key]), np.array(new[key]), max(typical, 1e-3))
        if wait is not None:
            at = (wait.first, wait.second)
            best[at] = max(best.get(at, wait), wait, key=lambda w: w.size)
    return [best[at] for at in sorted(best)]


def partners(log: Steps) -> Mapping[int, set[int]]:
    """For each service those that come right before or after it in a request."""
    here = _crossings(log)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in set(zip(log.services[here - 1].tolist(), log.services[here].tolist(), strict=True)):
        found[a].add(b)
        found[b].add(a)
    return found


def called(log: Steps) -> Mapping[tuple[int, int], int]:
    """For pairs of services in how many requests the step from the first to the second comes before any way back."""
    here = _crossings(log)
    low, high = (side(log.services[here - 1], log.services[here]) for side in (np.minimum, np.maximum))
    together = _joined(_joined(low, high), log.requests[here])
    first = here[np.unique(together, return_index=True)[1]]
    pairs, counts = _distinct(log.services[first - 1], log.services[first], np.arange(len(first)))
    return {(int(a), int(b)): int(n) for a, b, n in zip(*pairs, counts, strict=True)}


def _gaps(log: Steps) -> dict[tuple[int, int, int, int], list[float]]:
    here = _crossings(log)
    found: defaultdict[tuple[int, int, int, int], list[float]] = defaultdict(list)
    keys = (log.services[here - 1], log.services[here], log.steps[here - 1], log.steps[here])
    rows = zip(*(part.tolist() for part in keys), strict=True)
    for key, gap in zip(rows, (log.times[here] - log.times[here - 1]).tolist(), strict=True):
        if len(found[key]) < 500:
            found[key].append(gap)
    return found


def _wait(key: tuple[int, int, int, int], old: Array, new: Array, typical: float) -> Wait | None:
    """The wait if it is longer, by ranks, and how many times as long on a log scale (a hundredfold counts in full)."""
    if min(len(old), len(new)) < FEWEST:
        return None
    above = float(np.mean((new[:, None] > old[None, :]) + 0.5 * (new[:, None] == old[None, :])))
    strength = (above - 0.5) / math.sqrt((len(old) + len(new) + 1) / (12.0 * len(old) * len(new)))
    was, is_now = float(np.median(old)), float(np.median(new))
    if strength < SLOWER or is_now <= was:
        return None
    times = math.log10((is_now + typical) / (max(was, 0.0) + typical)) / 2.0
    return Wait(key[0], key[1], key[3], strength * min(times, 1.0), was, is_now)
