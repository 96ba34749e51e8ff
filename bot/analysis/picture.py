"""All that is known at one moment: what moved, what happened, who calls whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.analysis.anomalies import Mover
from bot.analysis.gauges import Deadline, Event


@dataclass(frozen=True)
class Picture:
    """Everything known: movers, events, deadlines, the graph of callers to callees; `now` and `slack` in seconds."""

    movers: tuple[Mover, ...]
    events: tuple[Event, ...]
    deadlines: tuple[Deadline, ...]
    graph: Mapping[str, frozenset[str]]
    services: frozenset[str]
    now: float
    start: float
    slack: float = 5.0

    def above(self, service: str) -> frozenset[str]:
        """Who calls a service, directly or not; where no label tells of any call, it may be everyone."""
        if not self.graph:
            return self.services - {service}
        return _reach(service, _turned(self.graph))

    def below(self, service: str) -> frozenset[str]:
        """Whom a service calls, directly or not."""
        return _reach(service, self.graph)


def _turned(graph: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    callers: dict[str, set[str]] = {}
    for caller, callees in graph.items():
        for callee in callees:
            callers.setdefault(callee, set()).add(caller)
    return {callee: frozenset(names) for callee, names in callers.items()}


def _reach(service: str, graph: Mapping[str, frozenset[str]]) -> frozenset[str]:
    seen: set[str] = set()
    asked = [service]
    while asked:
        for name in graph.get(asked.pop(), frozenset()):
            if name not in seen and name != service:
                seen.add(name)
                asked.append(name)
    return frozenset(seen)
