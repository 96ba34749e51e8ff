"""What the logs of a window say of each service, against those of a usual stretch of time."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.analysis._rank_steps import END, Codes, Follows, Steps, across, called, deviation, partners, waits, within
from bot.analysis.novelty import novelties
from bot.analysis.templates import Miner
from bot.domain.logs import ERROR, LogPatterns

_PLACE = re.compile(
    rb"(?<![\w.])([A-Za-z_][\w.$/-]*(?:#|\.(?:go|py|java|js|ts|rb|cc?|cpp|rs|kt|scala|cs|php):)\d{1,6})(?!\w)"
)
"""A place in the code, as loggers write it (`Orders#31`, `orders.go:31`): it names a step better than its text does."""
_REQUEST = re.compile(
    rb"(?<![0-9A-Za-z])(?:([0-9a-f]{32})|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|([0-9a-f]{16}))(?![0-9A-Za-z])"
)
_HEAD = 160
"""Bytes of a line in which its place is looked for."""
_REQUEST_HEAD = 400
_MOST_PLACES = 50_000
CLEAR = 3.0
"""Standard deviations from which on a step that ends a request, or an error, explains the one that was lost."""


@dataclass(frozen=True)
class Line:
    """A log entry: time in seconds, the service that wrote it, and its text (one entry, without the final newline)."""

    time: float
    service: str
    text: bytes


@dataclass(frozen=True)
class LogEvidence:
    """What speaks for a service in its logs.

    `broken` (standard deviations): requests that no longer get on to a step of this service; `slow`: longer waits
    before and after its lines, of as many partners; `counts`: new errors, bursts and drops. `why` names the strongest
    in words, `lines` are ids (from 1) in the window's log.
    """

    broken: float = 0.0
    slow: float = 0.0
    counts: float = 0.0
    why: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Read:
    """Both logs as numbers: the names behind services and steps, templates, which steps are errors."""

    usual: Steps
    now: Steps
    services: Sequence[str]
    names: Sequence[str]
    owners: Sequence[int]
    errors: frozenset[int]
    patterns: LogPatterns
    templates: Codes


def log_evidence(baseline: Iterable[Line], window: Iterable[Line]) -> Mapping[str, LogEvidence]:
    """The evidence of each service that has lines in either log; empty where one of the logs is empty."""
    read = _read(baseline, window)
    if not read.usual.times.size or not read.now.times.size:
        return {}
    usual, now = read.usual.ordered(), read.now.ordered()
    broken = _broken(read, usual, now)
    slow = _slow(read, usual, now)
    counts = _counts(read)
    found = {}
    for service, name in enumerate(read.services):
        parts = (
            broken.get(service, (0.0, "", ())),
            slow.get(service, (0.0, "", ())),
            counts.get(service, (0.0, "", ())),
        )
        best = max((parts[0], parts[1]), key=lambda part: part[0])
        best = best if best[0] > 0 else parts[2]
        found[name] = LogEvidence(parts[0][0], parts[1][0], parts[2][0], best[1], best[2])
    return found


_Found = dict[int, tuple[float, str, tuple[int, ...]]]


def _read(baseline: Iterable[Line], window: Iterable[Line]) -> _Read:
    miner = Miner(fold=False)
    services: dict[str, int] = {}
    places: dict[tuple[int, bytes], int] = {}
    requests: dict[bytes, int] = {}
    rows: list[tuple[float, int, int, int]] = []
    ends = []
    for log in (baseline, window):
        for line in log:
            miner.feed(line.text.replace(b"\n", b" ") + b"\n")
            service = services.setdefault(line.service, len(services))
            place = _PLACE.search(line.text[:_HEAD])
            at = -1
            if place and (len(places) < _MOST_PLACES or (service, place[1]) in places):
                at = places.setdefault((service, place[1]), len(places))
            asked = _REQUEST.search(line.text[:_REQUEST_HEAD])
            request = requests.setdefault(asked[asked.lastindex or 0], len(requests)) if asked else -1
            rows.append((line.time, service, at, request))
        ends.append(len(rows))
    table = np.array(rows, dtype=float).reshape(-1, 4)
    patterns, templates = miner.assigned() if rows else (LogPatterns((), 0, 0, 0), np.zeros(0, np.int64))
    return _numbered(table, ends[0], tuple(services), tuple(places), patterns, templates)


def _numbered(
    table: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    cut: int,
    services: tuple[str, ...],
    places: tuple[tuple[int, bytes], ...],
    patterns: LogPatterns,
    templates: Codes,
) -> _Read:
    """Steps as numbers: the place in the code where a line names one, else the service's template."""
    owner, place = table[:, 1].astype(np.int64), table[:, 2].astype(np.int64)
    codes = np.where(place >= 0, place, len(places) + owner * (len(patterns.templates) + 1) + templates)
    distinct, at, steps = np.unique(codes, return_index=True, return_inverse=True)
    names = [
        places[code][1].decode("utf-8", "replace") if code < len(places) else patterns.templates[templates[i]].text
        for code, i in zip(distinct.tolist(), at.tolist(), strict=True)
    ]
    severe = np.array([t.severity >= ERROR for t in patterns.templates], dtype=bool)
    errors = frozenset(np.unique(steps[severe[templates]]).tolist()) if len(templates) else frozenset()
    sides = [
        Steps(table[part, 0], owner[part], steps[part], table[part, 3].astype(np.int64))
        for part in (slice(0, cut), slice(cut, None))
    ]
    return _Read(sides[0], sides[1], services, names, owner[at].tolist(), errors, patterns, templates)


def _broken(read: _Read, usual: Steps, now: Steps) -> _Found:
    """Per service the step that is reached less often than it was, given the step before it."""
    found: _Found = {}
    for follow in (within, across):
        old, new = follow(usual), follow(now)
        for head in sorted(old.whole.keys() & new.whole.keys()):
            loss = _loss(head, old, new, read.errors)
            if loss is None:
                continue
            size, lost, instead = loss
            service = read.owners[lost]
            if size > found.get(service, (0.0,))[0]:
                shown = instead if instead is not None and instead >= 0 else head
                found[service] = (size, _told(read, head, lost, instead), _examples(read, shown))
    return found


def _loss(head: int, old: Follows, new: Follows, errors: frozenset[int]) -> tuple[float, int, int | None] | None:
    """How surely a step after `head` was lost, which, and what comes instead where that explains it.

    An error that no longer comes, or a request that goes on where it used to end, is no loss.
    """
    before, now = old.nexts.get(head, {}), new.nexts.get(head, {})
    size, lost, instead, most = 0.0, None, None, CLEAR
    for step in sorted(before.keys() | now.keys()):
        change = deviation(before.get(step, 0), old.whole[head], now.get(step, 0), new.whole[head])
        bad = step == END or step in errors
        if not bad and -change > size:
            size, lost = -change, step
        if bad and change > most:
            most, instead = change, step
    if lost is None:
        return None
    return size * (1.0 if instead is None else 1.5), lost, instead


def _told(read: _Read, head: int, lost: int, instead: int | None) -> str:
    entry = head < END
    after = "the start of a request" if entry else f"“{_short(read.names[head])}”"
    ends = {None: "", END: ": requests end there"}
    rest = ends[instead] if instead in ends else f": “{_short(read.names[instead or 0])}” comes instead"
    return f"“{_short(read.names[lost])}” follows {after} less often{rest}"


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _examples(read: _Read, step: int) -> tuple[int, ...]:
    """Up to three line ids (from 1) of a step in the window's log."""
    return tuple((np.flatnonzero(read.now.steps == step)[:3] + 1).tolist())


def _slow(read: _Read, usual: Steps, now: Steps) -> _Found:
    """Per service how much longer it and its partners wait for each other.

    What all partners of a service share speaks for it; of a pair alone it is rather the one that is called.
    """
    near, calls = partners(now), called(now)
    best: defaultdict[int, dict[int, float]] = defaultdict(dict)
    words: dict[int, tuple[float, str]] = {}
    for wait in waits(usual, now):
        for service, other in ((wait.first, wait.second), (wait.second, wait.first)):
            inner = calls.get((other, service), 0) >= calls.get((service, other), 0)
            size = wait.size * (1.0 if inner else 0.8)
            best[service][other] = max(best[service].get(other, 0.0), size)
            told = f"{wait.usual:.3g} s became {wait.now:.3g} s between it and {read.services[other]}"
            words[service] = max(words.get(service, (0.0, "")), (size, told))
    return {
        service: (sum(sizes.values()) * math.sqrt(len(sizes) / max(1, len(near[service]))), words[service][1], ())
        for service, sizes in best.items()
    }


def _counts(read: _Read) -> _Found:
    """Per service the strongest of new or bursting errors, and other bursts and drops at a fraction of that."""
    width = len(read.patterns.templates)
    cut = len(read.usual.times)
    table = np.zeros((2, len(read.services), width), dtype=np.int64)
    np.add.at(table, (0, read.usual.services, read.templates[:cut]), 1)
    np.add.at(table, (1, read.now.services, read.templates[cut:]), 1)
    found: _Found = {}
    scale = len(read.now.times) / len(read.usual.times)
    for service in range(len(read.services)):
        before, now = table[0, service].tolist(), table[1, service].tolist()
        for novelty in novelties(read.patterns.templates, before, now):
            severe = novelty.template.severity >= ERROR
            if severe == (novelty.kind in ("gone", "drop")) or (not severe and novelty.kind == "new"):
                continue
            expected = before[novelty.template.id] * scale
            size = abs(novelty.count - expected) / math.sqrt(novelty.count + expected + 1.0) * (1.0 if severe else 0.3)
            if size > found.get(service, (0.0,))[0]:
                lines = np.flatnonzero((read.now.services == service) & (read.templates[cut:] == novelty.template.id))
                words = f"{novelty.kind} in its log: “{_short(novelty.template.text)}”"
                found[service] = (size, words, tuple((lines[:3] + 1).tolist()))
    return found
