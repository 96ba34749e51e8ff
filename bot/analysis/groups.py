"""Alerts to incidents, as they arrive: near in time, and in the same place or between services that call each other.

An incident takes alerts in while they follow each other closely, and not for longer than a fault takes to show
everywhere; what comes later is the next one. Where alerts come all the time, closely means closer than is usual there.
An alert that has been firing all hour is nobody's news: it may join what has just begun or grown, but neither starts
nor prolongs it.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from bot.domain.alerts import Alert
from bot.domain.series import service_of

GAP = 240.0
"""Seconds without a new alert after which an incident takes no more, in a quiet place."""
USUAL = 1.15
"""In a busy place the pause that ends an incident is shorter: so many times the usual pause of the last hour there."""
MOMENT = 30.0
"""Alerts of a place within so many seconds began together."""
SPAN = 360.0
"""Seconds after its first alert for which an incident takes alerts in."""
HOUR = 3600.0
OFTEN = 6
"""An alert that fired so many times in the hour before keeps firing."""
PROMPT = 60.0
"""An alert that keeps firing joins an incident only so many seconds after another of its alerts."""
APART = 600.0
"""Seconds within which a repeated alert goes with its last time."""
HELD = 30.0
"""Seconds an alert is held back, so that the order of arrival does not matter."""
SWEEP = 1024
PLACES = ("cluster", "kubernetes_cluster", "env", "environment", "namespace", "kubernetes_namespace")
"""Labels that say where an alert is from."""

Calls = Mapping[str, Collection[str]]
"""Which services a service calls."""
Place = tuple[str, ...]
_Order = tuple[float, str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Placed:
    """An alert, its group's number (from 0, in order of their starts), and why it is there."""

    alert: Alert
    group: int
    reason: str


@dataclass
class _Group:
    """An incident that may still grow, or the last time of an alert that keeps firing."""

    number: int
    first: float
    last: float
    newest: Alert
    place: Place
    services: set[str] = field(default_factory=set)


class Grouper:
    """Groups a stream of alerts; memory is bounded by what fired in the last hour."""

    def __init__(self, calls: Calls | None = None) -> None:
        self._near = _neighbours(calls or {})
        self._held: list[tuple[_Order, int, Alert]] = []
        self._arrived = 0
        self._newest = float("-inf")
        self._open: dict[Place, _Group] = {}
        self._repeating: dict[tuple[str, str, Place], _Group] = {}
        self._past: dict[tuple[str, str, Place], deque[float]] = {}
        self._moments: dict[Place, deque[float]] = {}
        self._count = 0
        self._since_sweep = 0

    def add(self, alert: Alert) -> tuple[Placed, ...]:
        """Takes one in; gives out those that are old enough for nothing to come before them."""
        self._arrived += 1
        heappush(self._held, (_order(alert), self._arrived, alert))
        self._newest = max(self._newest, alert.starts.timestamp())
        return self._release(self._newest - HELD)

    def flush(self) -> tuple[Placed, ...]:
        """Gives out what is held back."""
        return self._release(self._newest)

    def _release(self, until: float) -> tuple[Placed, ...]:
        ready: list[Placed] = []
        while self._held and self._held[0][0][0] <= until:
            ready.append(self._place(heappop(self._held)[2]))
        return tuple(ready)

    def _place(self, alert: Alert) -> Placed:
        at, service, place = alert.starts.timestamp(), service_of(alert.labels), _place_of(alert)
        key = service, alert.name, place
        times = self._past.setdefault(key, deque(maxlen=OFTEN))
        often = len(times) == OFTEN and at - times[0] <= HOUR
        times.append(at)
        self._sweep(at)
        gap = self._gap(at, place)
        group, why = self._match(at, PROMPT if often else gap, service, place)
        if group is not None:
            reason = f"{_since(at - group.last)} {_said(group.newest)}, {why}"
            if not often:
                group.last, group.newest = max(group.last, at), alert
            group.services.add(service)
            return Placed(alert, group.number, reason)
        if often:
            return self._repeat(alert, key, at)
        started = self._start(alert, place, at)
        self._open[place] = started
        return Placed(alert, started.number, f"nothing else began in the {_length(gap)} before")

    def _gap(self, at: float, place: Place) -> float:
        """Seconds without a new alert after which an incident in this place takes no more, by its last hour."""
        moments = self._moments.setdefault(place, deque(maxlen=int(HOUR / MOMENT)))
        while moments and at - moments[0] > HOUR:
            moments.popleft()
        gap = USUAL * HOUR / max(len(moments), 1)
        if not moments or at - moments[-1] >= MOMENT:
            moments.append(at)
        return min(GAP, max(PROMPT, gap))

    def _match(self, at: float, gap: float, service: str, place: Place) -> tuple[_Group | None, str]:
        """The open incident an alert belongs to, and what connects them: a place in common, or a call."""
        here = self._open.get(place)
        if here is not None and _takes(here, at, gap):
            return here, f"in the same place ({', '.join(place)})" if place else "at the same time"
        near = self._near.get(service, frozenset())
        linked = [g for g in self._open.values() if near & g.services and _takes(g, at, gap)] if near else []
        if not linked:
            return None, ""
        group = max(linked, key=lambda g: (g.last, -g.number))
        return group, f"{service} and {min(near & group.services)} call each other"

    def _repeat(self, alert: Alert, key: tuple[str, str, Place], at: float) -> Placed:
        """An alert that keeps firing while nothing else goes on stays by itself."""
        group = self._repeating.get(key)
        if group is None or at - group.last > APART:
            group = self._repeating[key] = self._start(alert, key[2], at)
        group.last = max(group.last, at)
        return Placed(alert, group.number, f"keeps firing: over {OFTEN} times within the hour, now by itself")

    def _start(self, alert: Alert, place: Place, at: float) -> _Group:
        group = _Group(self._count, at, at, alert, place, {service_of(alert.labels)})
        self._count += 1
        return group

    def _sweep(self, at: float) -> None:
        """Forgets, now and then, what is older than an hour."""
        self._since_sweep += 1
        if self._since_sweep < SWEEP:
            return
        self._since_sweep = 0
        self._past = {key: times for key, times in self._past.items() if at - times[-1] <= HOUR}
        self._open = {place: group for place, group in self._open.items() if _takes(group, at)}
        self._moments = {place: times for place, times in self._moments.items() if at - times[-1] <= HOUR}
        self._repeating = {key: group for key, group in self._repeating.items() if at - group.last <= APART}


def grouped(alerts: Iterable[Alert], calls: Calls | None = None) -> tuple[Placed, ...]:
    """All alerts in order of their starts, each with its group; the order they come in does not matter."""
    grouper = Grouper(calls)
    placed: list[Placed] = []
    for alert in sorted(alerts, key=_order):
        placed.extend(grouper.add(alert))
    return (*placed, *grouper.flush())


def _takes(group: _Group, at: float, gap: float = GAP) -> bool:
    return at - group.last <= gap and at - group.first <= SPAN


def _neighbours(calls: Calls) -> dict[str, frozenset[str]]:
    """Callers and callees of each service."""
    near: dict[str, set[str]] = {}
    for caller, callees in calls.items():
        for callee in callees:
            near.setdefault(caller, set()).add(callee)
            near.setdefault(callee, set()).add(caller)
    return {service: frozenset(others) for service, others in near.items()}


def _place_of(alert: Alert) -> Place:
    return tuple(value for name in PLACES if (value := alert.labels.get(name)))


def _order(alert: Alert) -> _Order:
    return alert.starts.timestamp(), alert.name, sorted(alert.labels.items())


def _said(alert: Alert) -> str:
    service = service_of(alert.labels)
    return f"{alert.name} on {service}" if service else alert.name


def _since(seconds: float) -> str:
    if seconds < 1:
        return "together with"
    return f"{_length(seconds)} after"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
