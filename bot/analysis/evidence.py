"""What speaks for a service being a cause by itself, rather than a victim of what it calls or of who calls it."""

from collections import defaultdict
from dataclasses import dataclass

from bot.analysis.anomalies import Mover
from bot.analysis.gauges import WEEK, Deadline, Event
from bot.analysis.picture import Picture

AFTER_CHANGE = 900.0
"""Symptoms that begin within this many seconds after a change are laid to it."""


@dataclass(frozen=True)
class Own:
    """One piece of own evidence; `weight` in 0..1, `hard` when it can hardly be a mere symptom, times UTC seconds."""

    service: str
    kind: str
    weight: float
    since: float | None
    until: float | None
    hard: bool
    mover: Mover | None = None
    event: Event | None = None
    deadline: Deadline | None = None

    @property
    def moment(self) -> bool:
        """Whether it is a moment rather than a state."""
        return self.event is not None and self.mover is None


def own_evidence(known: Picture) -> dict[str, list[Own]]:
    """Evidence by service."""
    view = _View(known)
    found: dict[str, list[Own]] = defaultdict(list)
    for mover in known.movers:
        own = _JUDGES.get(mover.signal.kind, _other)(mover, view)
        if own is not None:
            found[own.service].append(own)
    for own in (*_changes(known, view), *_deadlines(known)):
        found[own.service].append(own)
    return dict(found)


class _View:
    """The movers by service, and who is sick since when."""

    def __init__(self, known: Picture) -> None:
        self.known = known
        self.by_service: dict[str, list[Mover]] = defaultdict(list)
        self.seen: dict[str, list[Mover]] = defaultdict(list)
        for m in known.movers:
            self.by_service[m.signal.service].append(m)
            if m.signal.peer and m.signal.kind in ("call latency", "call errors"):
                self.seen[m.signal.peer].append(m)

    def of(self, service: str, *kinds: str) -> list[Mover]:
        """A service's movers of some kinds."""
        return [m for m in self.by_service.get(service, ()) if m.signal.kind in kinds]

    def surge(self, service: str, before: float) -> Mover | None:
        """More is asked of a service, by its own count or by its callers', since before a moment."""
        asked = [*self.of(service, "traffic")]
        asked += [m for m in self.known.movers if m.signal.kind == "call traffic" and m.signal.peer == service]
        late = before + 3 * self.known.slack
        found = next((m for m in asked if m.direction == "up" and m.shift.since <= late), None)
        return None if found is not None and self.retried(service, found.shift.since) else found

    def retried(self, service: str, since: float) -> bool:
        """Whether more calls to a service are but retries: it failed by then, and no more came in at the door."""
        failed = [*self.of(service, "errors", "availability"), *self.seen.get(service, ())]
        failed = [m for m in failed if m.signal.kind != "call latency" and m.shift.since <= since + self.known.slack]
        called = {callee for callees in self.known.graph.values() for callee in callees}
        doors = {service, *self.known.above(service)} - called
        return bool(failed) and not any(m.direction == "up" for door in doors for m in self.of(door, "traffic"))

    def sick_callee(self, service: str, before: float, kinds: tuple[str, ...]) -> str:
        """A callee in trouble since before a moment: its own trouble, or the trouble that callers have with it."""
        late = before + 3 * self.known.slack
        for callee in sorted(self.known.graph.get(service, ())):
            trouble = [m for m in self.by_service.get(callee, ()) if m.signal.kind in kinds or _used_up(m)]
            trouble += self.seen.get(callee, [])
            if any(m.shift.since <= late for m in trouble):
                return callee
        return ""

    def full_elsewhere(self, service: str, before: float) -> bool:
        """Whether, where no label tells who calls whom, another service used up something else than a pool by then."""
        late = before + 3 * self.known.slack
        return not self.known.graph and any(
            _used_up(m) and "pool" not in m.signal.metric.lower() and m.shift.since <= late
            for name in self.known.services - {service}
            for m in self.by_service.get(name, ())
        )

    def resource_below(self, service: str, before: float) -> str:
        """A callee with a used-up resource or that is down since before a moment."""
        late = before + 3 * self.known.slack
        for callee in sorted(self.known.below(service)):
            if any(
                m.shift.since <= late and (_used_up(m) or m.signal.kind == "availability")
                for m in self.by_service.get(callee, ())
            ):
                return callee
        return ""


def _used_up(mover: Mover) -> bool:
    return mover.signal.kind == "saturation" and mover.exhausted >= 0.5


def _own(mover: Mover, kind: str, weight: float, hard: bool = False) -> Own:
    return Own(mover.signal.service, kind, weight, mover.shift.since, mover.shift.until, hard, mover)


def _availability(mover: Mover, view: _View) -> Own:
    return _own(mover, "availability", 0.95, hard=True)


def _saturation(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    if mover.exhausted < 0.3:
        return None
    if view.surge(service, since) is not None:
        return _own(mover, "saturation", 0.3)
    pooled = "pool" in mover.signal.metric.lower()
    if pooled and (view.sick_callee(service, since, ("errors", "latency")) or view.full_elsewhere(service, since)):
        return _own(mover, "saturation", 0.25)
    if view.resource_below(service, since):
        return _own(mover, "saturation", 0.4)
    return _own(mover, "saturation", 0.95 * max(0.5, mover.exhausted), hard=mover.exhausted >= 0.6)


def _errors(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    if view.sick_callee(service, since, ("errors", "availability")) or view.resource_below(service, since):
        return _own(mover, "errors", 0.15)
    if view.surge(service, since) is not None:
        return _own(mover, "errors", 0.35)
    return _own(mover, "errors", 0.7)


def _latency(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    if view.sick_callee(service, since, ("latency", "availability")) or view.resource_below(service, since):
        return _own(mover, "latency", 0.1)
    if view.surge(service, since) is not None:
        return _own(mover, "latency", 0.3)
    return _own(mover, "latency", 0.55)


def _own_latency(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    if view.resource_below(service, since):
        return _own(mover, "latency", 0.15)
    if view.surge(service, since) is not None:
        return _own(mover, "latency", 0.35)
    return _own(mover, "latency", 0.65)


def _call(mover: Mover, view: _View) -> Own | None:
    """Trouble with what is not watched is the caller's own dependency; with a watched callee it points there."""
    signal = mover.signal
    if not signal.peer:
        return None
    if signal.peer not in view.known.services:
        return _own(mover, "dependency", 0.93, hard=True)
    watched = any(m.signal.kind in ("latency", "errors", "traffic") for m in view.by_service.get(signal.peer, ()))
    return Own(signal.peer, "seen", 0.2 if watched else 0.35, mover.shift.since, mover.shift.until, False, mover)


def _traffic(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    callers = [c for c, callees in view.known.graph.items() if service in callees]
    if mover.direction == "down":
        return None if callers else _own(mover, "traffic", 0.3)
    if view.retried(service, since) or any(view.surge(c, since) is not None for c in callers):
        return None
    hurt = any(
        view.of(s, "latency", "errors", "saturation", "queue", "cpu") for s in (service, *view.known.below(service))
    )
    return _own(mover, "traffic", 0.92 if hurt else 0.5, hard=hurt)


def _call_traffic(mover: Mover, view: _View) -> Own | None:
    """A service that asks more of its callees while no more is asked of it amplifies: it is changed inside."""
    service, since = mover.signal.service, mover.shift.since
    if mover.direction == "down" or view.surge(service, since) is not None:
        return None
    if view.retried(mover.signal.peer, since):
        return _own(mover, "retries", 0.1)
    peer_sick = view.of(mover.signal.peer, "latency", "errors", "saturation", "cpu", "queue")
    if view.sick_callee(service, since - 6 * view.known.slack, ("errors", "latency", "availability")):
        return None
    return _own(mover, "amplification", 0.7 if peer_sick else 0.4, hard=bool(peer_sick))


def _cpu(mover: Mover, view: _View) -> Own | None:
    if view.surge(mover.signal.service, mover.shift.since) is not None:
        return None
    return _own(mover, "cpu", 0.5)


def _throttling(mover: Mover, view: _View) -> Own:
    surged = view.surge(mover.signal.service, mover.shift.since) is not None
    return _own(mover, "throttling", 0.3 if surged else 0.9, hard=not surged)


def _queue(mover: Mover, view: _View) -> Own | None:
    service, since = mover.signal.service, mover.shift.since
    if view.surge(service, since) is not None or view.resource_below(service, since):
        return _own(mover, "queue", 0.15)
    if view.sick_callee(service, since, ("errors", "latency", "availability")):
        return _own(mover, "queue", 0.2)
    return _own(mover, "queue", 0.6)


def _other(mover: Mover, view: _View) -> Own | None:
    """Anything else that moved by itself; hardly anything when load or a sick callee explains it."""
    service, since = mover.signal.service, mover.shift.since
    if view.surge(service, since) is not None or view.resource_below(service, since):
        return None
    if view.sick_callee(service, since, ("errors", "latency", "availability")):
        return _own(mover, "other", 0.1)
    return _own(mover, "other", 0.55 if mover.signal.kind in ("share", "faults", "free") else 0.3)


_JUDGES = {
    "availability": _availability,
    "saturation": _saturation,
    "errors": _errors,
    "latency": _latency,
    "own latency": _own_latency,
    "call latency": _call,
    "call errors": _call,
    "traffic": _traffic,
    "call traffic": _call_traffic,
    "cpu": _cpu,
    "throttling": _throttling,
    "queue": _queue,
}


def _changes(known: Picture, view: _View) -> list[Own]:
    """A deploy followed by trouble of the same service that nothing it calls explains; the sooner, the surer."""
    found = []
    for event in known.events:
        if event.kind != "deploy":
            continue
        after = [m for m in view.of(event.service, *_AFTER) if _laid_to(event, m, view)]
        if after:
            first = min(after, key=lambda m: (m.shift.since > event.at + 60, -m.score))
            lag = max(0.0, first.shift.since - event.at)
            weight = 0.96 if lag < 60 else 0.85 if lag < 240 else 0.6
            found.append(Own(event.service, "change", weight, event.at, first.shift.until, lag < 240, first, event))
    return found


_AFTER = ("errors", "own latency", "saturation", "availability", "faults", "cpu", "call errors")


def _laid_to(event: Event, mover: Mover, view: _View) -> bool:
    """Whether a mover began soon after an event, and is not a callee's doing."""
    since = mover.shift.since
    if not event.at - 3 * view.known.slack <= since <= event.at + AFTER_CHANGE:
        return False
    if mover.signal.kind in ("errors", "own latency", "faults", "call errors"):
        return not (
            view.sick_callee(event.service, since, ("errors", "latency", "availability"))
            or view.resource_below(event.service, since)
        )
    return mover.signal.kind != "saturation" or mover.exhausted >= 0.3


def _deadlines(known: Picture) -> list[Own]:
    near = [d for d in known.deadlines if d.left < WEEK]
    return [Own(d.service, "expiry", 0.95 if d.left <= 0 else 0.8, d.since, d.until, True, deadline=d) for d in near]
