"""What the logs of a window say of each service, against those of a usual stretch of time."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bot.analysis._rank_lines import Line, Logs, read_logs
from bot.analysis._rank_steps import END, Follows, Steps, across, called, deviation, neighbours, partners, waits, within
from bot.analysis.novelty import novelties
from bot.domain.logs import ERROR, Novelty

CLEAR = 3.0
"""Standard deviations from which on an error, or the end of a request, explains the step that was lost."""
ANY = 0.2
"""Where a smaller share of the lines has the id of a request, steps are followed through the log of each service."""
ALWAYS = 2.0
"""The power of the share of requests that took a step: one that always followed says more when it no longer does."""
EXPLAINED, FAINT = 1.5, 0.3
"""What a lost step weighs more where it is explained, and a count of ordinary lines weighs beside one of errors."""


@dataclass(frozen=True)
class LogEvidence:
    """What speaks for a service in its logs.

    `broken` (standard deviations): requests that no longer get on to a step of this service; `slow`: longer waits
    before and after its lines, of as many partners; `counts`: new errors, bursts and drops. `why` names the strongest
    in words, `lines` are ids (from 1) in the window's log; `callees` are the services that requests go on to from it.
    """

    broken: float = 0.0
    slow: float = 0.0
    counts: float = 0.0
    why: str = ""
    lines: tuple[int, ...] = ()
    callees: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sign:
    """One thing that speaks for a service: how loudly, in words, and the lines that show it."""

    size: float = 0.0
    why: str = ""
    lines: tuple[int, ...] = ()


_Signs = Mapping[int, _Sign]


def log_evidence(baseline: Iterable[Line], window: Iterable[Line]) -> Mapping[str, LogEvidence]:
    """The evidence of each service that has lines in either log; empty where one of the logs is empty.

    Both are read once; some 100 bytes a line are held, but no texts beyond samples, places and request ids.
    """
    logs = read_logs(baseline, window)
    if logs is None:
        return {}
    usual, now = logs.usual.ordered(), logs.now.ordered()
    kinds = (_broken(logs, usual, now), _slow(logs, usual, now), _counts(logs))
    below = _callees(logs, usual, now)
    found = {}
    for service, name in enumerate(logs.services):
        broken, slow, counts = (signs.get(service, _Sign()) for signs in kinds)
        told = max(broken, slow, key=lambda sign: sign.size)
        told = told if told.size else counts
        found[name] = LogEvidence(broken.size, slow.size, counts.size, told.why, told.lines, below.get(service, ()))
    return found


def _callees(logs: Logs, usual: Steps, now: Steps) -> Mapping[int, tuple[str, ...]]:
    """For each service those that requests mostly reach from it first."""
    seen: defaultdict[tuple[int, int], int] = defaultdict(int)
    for log in (usual, now):
        for pair, count in called(log).items():
            seen[pair] += count
    found: defaultdict[int, list[str]] = defaultdict(list)
    for (caller, callee), count in seen.items():
        if count > seen.get((callee, caller), 0):
            found[caller].append(logs.services[callee])
    return {caller: tuple(sorted(names)) for caller, names in found.items()}


def _broken(logs: Logs, usual: Steps, now: Steps) -> _Signs:
    """Per service the step that is reached less often than it was, given the step before it."""
    found: dict[int, _Sign] = {}
    follows = [(follow(usual), follow(now)) for follow in (within, across)]
    if len(now.steps) < ANY * len(logs.now.steps):
        follows = [(neighbours(logs.usual), neighbours(logs.now))]
    for old, new in follows:
        for head in sorted(old.whole.keys() & new.whole.keys()):
            loss = _loss(head, old, new, logs.errors)
            if loss is None:
                continue
            size, lost, instead = loss
            service = logs.owners[lost]
            if size > found.get(service, _Sign()).size:
                shown = head if instead is None or instead == END else instead
                found[service] = _Sign(size, _told(logs, head, lost, instead), logs.lines_of(shown))
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
        drop = -change * ((before.get(step, 0) + 0.5) / (old.whole[head] + 1.0)) ** ALWAYS
        if not bad and drop > size:
            size, lost = drop, step
        if bad and change > most:
            most, instead = change, step
    if lost is None:
        return None
    return size * (1.0 if instead is None else EXPLAINED), lost, instead


def _told(logs: Logs, head: int, lost: int, instead: int | None) -> str:
    after = "the start of a request" if head < END else f"“{_short(logs.names[head])}”"
    rest = ""
    if instead is not None:
        rest = ": requests end there" if instead == END else f": “{_short(logs.names[instead])}” comes instead"
    return f"“{_short(logs.names[lost])}” follows {after} less often{rest}"


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _slow(logs: Logs, usual: Steps, now: Steps) -> _Signs:
    """Per service how much longer it and its partners wait for each other.

    What all partners of a service share speaks for it; of a pair alone it is rather the one that is called.
    """
    near, calls = partners(now), called(now)
    best: defaultdict[int, dict[int, _Sign]] = defaultdict(dict)
    for wait in waits(usual, now):
        for service, other in ((wait.first, wait.second), (wait.second, wait.first)):
            inner = calls.get((other, service), 0) >= calls.get((service, other), 0)
            why = f"{wait.usual:.2g} s became {wait.now:.2g} s between it and {logs.services[other]}"
            sign = _Sign(wait.size * (1.0 if inner else 0.8), why, logs.lines_of(wait.step))
            best[service][other] = max(best[service].get(other, sign), sign, key=lambda s: s.size)
    found = {}
    for service, signs in best.items():
        loudest = max(signs.values(), key=lambda s: (s.size, s.why))
        share = math.sqrt(len(signs) / len(near[service]))
        found[service] = _Sign(sum(s.size for s in signs.values()) * share, loudest.why, loudest.lines)
    return found


def _counts(logs: Logs) -> _Signs:
    """Per service the strongest of new or bursting errors, and of bursts and drops of other lines."""
    many, cut = len(logs.patterns.templates), len(logs.usual.times)
    before, now = (
        np.bincount(log.services * many + templates, minlength=len(logs.services) * many).reshape(-1, many)
        for log, templates in ((logs.usual, logs.templates[:cut]), (logs.now, logs.templates[cut:]))
    )
    scale = len(logs.now.times) / cut
    found: dict[int, _Sign] = {}
    for service in range(len(logs.services)):
        for novelty in novelties(logs.patterns.templates, before[service].tolist(), now[service].tolist()):
            size = _loudness(novelty, int(before[service, novelty.template.id]) * scale)
            if size > found.get(service, _Sign()).size:
                lines = (logs.now.services == service) & (logs.templates[cut:] == novelty.template.id)
                why = f"{novelty.kind} in its log: “{_short(novelty.template.text)}”"
                found[service] = _Sign(size, why, tuple((np.flatnonzero(lines)[:3] + 1).tolist()))
    return found


def _loudness(novelty: Novelty, expected: float) -> float:
    """Standard deviations of a count; an error that went away says nothing, nor does a new line that is none."""
    severe = novelty.template.severity >= ERROR
    if novelty.kind in (("gone", "drop") if severe else ("new",)):
        return 0.0
    size = abs(novelty.count - expected) / math.sqrt(novelty.count + expected + 1.0)
    return size if severe else FAINT * size
