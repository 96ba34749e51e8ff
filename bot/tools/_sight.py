"""A survey turned into a picture: the movers, the causes, and both as facts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import Any

from bot.analysis import gauges, signals
from bot.analysis.anomalies import Mover, movers
from bot.analysis.causes import Candidate, rank
from bot.analysis.picture import Picture
from bot.analysis.wording import (
    KIND_WORD,
    headline_of,
    iso,
    label,
    moved,
    next_of,
    reason_of,
    signal_of,
)
from bot.domain.errors import SourceDown
from bot.domain.facts import CauseFact, MoverFact
from bot.domain.sources import Instance
from bot.domain.window import Window
from bot.tools._survey import Survey, survey


@dataclass(frozen=True)
class Sight:
    """What one server shows: its survey, all signals read, the picture, the ranked causes."""

    instance: Instance
    survey: Survey
    signals: tuple[signals.Signal, ...]
    picture: Picture
    causes: tuple[Candidate, ...]

    @property
    def graph(self) -> dict[str, list[str]]:
        """Who calls whom, for facts."""
        return {caller: sorted(callees) for caller, callees in sorted(self.survey.structure.graph.items())}


_TOGETHER = 5.0
"""Seconds within which people who ask share one look: twenty who ask about one incident are one survey, not twenty."""
_RECENT: dict[tuple[int, float, float], "asyncio.Task[Sight]"] = {}
"""The last few looks, those under way too. A sight holds its store, so ids last."""


async def look(instance: Instance, window: Window) -> Sight:
    """Survey one server and work out what moved. Raises SourceError when it does not answer."""
    near = _aligned(window)
    key = id(instance.series), near.start.timestamp(), near.end.timestamp()
    task = _RECENT.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = _RECENT[key] = asyncio.create_task(_look(instance, near))
        task.add_done_callback(_heard)
        while len(_RECENT) > 4:
            _RECENT.pop(next(iter(_RECENT)))
    return await asyncio.shield(task)


def _heard(task: "asyncio.Task[Sight]") -> None:
    """A failure counts as heard even when everyone who waited for it has gone."""
    if not task.cancelled():
        task.exception()


def _aligned(window: Window) -> Window:
    seconds = window.end.timestamp() % _TOGETHER
    back = timedelta(seconds=seconds)
    return Window(window.start - back, window.end - back, window.said)


async def _look(instance: Instance, window: Window) -> Sight:
    if instance.series is None:
        raise SourceDown(f"{instance.name} serves no series")
    read = await survey(instance.series, window)
    found = gauges.read(read.structure, read.axis, read.readings)
    everything = (
        *signals.golden(read.structure, read.axis, read.readings),
        *signals.others(read.structure, read.axis, read.readings),
        *found.signals,
    )
    times = read.axis.times
    picture = Picture(
        movers(read.axis, everything),
        found.events,
        found.deadlines,
        read.structure.graph,
        read.structure.services,
        float(times[-1]) if times.size else window.end.timestamp(),
        float(times[0]) if times.size else window.start.timestamp(),
        max(3.0, 2 * read.axis.resolution),
    )
    return Sight(instance, read, everything, picture, rank(picture))


def mover_fact(mover: Mover, env: str = "") -> MoverFact:
    """A mover as code and people read it."""
    shift, signal = mover.shift, mover.signal
    fact = MoverFact(
        service=signal.service,
        signal=label(mover),
        kind=KIND_WORD[signal.kind],
        query=signal.query,
        unit=signal.unit,
        before=float(f"{shift.before:.6g}"),
        now=float(f"{shift.now:.6g}"),
        size=float(f"{shift.size:.3g}"),
        direction=mover.direction,
        since=iso(shift.since),
        score=round(mover.score, 3),
        reason=moved(mover),
        over=not mover.active,
    )
    if shift.until is not None:
        fact["until"] = iso(shift.until)
    if env:
        fact["env"] = env
    return fact


def cause_fact(candidate: Candidate, env: str = "") -> CauseFact:
    """A cause with what supports it."""
    sick = dict.fromkeys(m.signal.service for m in candidate.symptoms if m.signal.service != candidate.service)
    fact = CauseFact(
        service=candidate.service,
        signal=signal_of(candidate.main),
        since=iso(candidate.since),
        confidence=candidate.confidence,
        reason=reason_of(candidate),
        next_check=next_of(candidate),
        kind=candidate.main.kind,
        headline=headline_of(candidate),
        affects=list(sick),
    )
    if candidate.until is not None:
        fact["until"] = iso(candidate.until)
    if env:
        fact["env"] = env
    return fact


def lines(found: Sequence[Mover], limit: int = 10) -> list[str]:
    """The movers that matter, one line each."""
    shown = []
    for m in found[:limit]:
        when = f"since {iso(m.shift.since)}" if m.active else f"{iso(m.shift.since)} to {iso(m.shift.until)}, over"
        shown.append(f"{m.signal.service}: {label(m)} {moved(m)}, {when}")
    return shown


def raw(found: Sequence[Mover], axis_times: Sequence[float]) -> dict[str, Any]:
    """The samples behind the movers, for the evidence store."""
    return {
        "times": [float(t) for t in axis_times],
        "series": [
            {
                "service": m.signal.service,
                "signal": label(m),
                "query": m.signal.query,
                "values": [float(f"{v:.6g}") if isfinite(v) else None for v in m.signal.values.tolist()],
            }
            for m in found
        ],
    }
