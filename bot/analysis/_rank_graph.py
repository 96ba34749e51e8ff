"""Who calls whom: which service's own trouble explains an alert, and which callee its callers wait for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.analysis._rank_sizes import Sizes
from bot.analysis._rank_table import SEPARATOR, Side
from bot.analysis.changes import medians
from bot.analysis.frames import Array

TROUBLE = ("latency", "good", "errors")
"""Kinds whose excess travels from a callee to its callers."""
MEANS = frozenset({"average", "avg", "mean"})
FAINT = 2.0
"""Robust units up to which the wait for a callee is nothing."""
CLEAR = 3.0
"""Robust units from which on a callee's latency explains its caller's."""


@dataclass(frozen=True)
class Calls:
    """The call graph: for each service its callees and its callers, without calls to itself, in the order of names."""

    callees: Mapping[str, tuple[str, ...]]
    callers: Mapping[str, tuple[str, ...]]

    def reached(self, service: str) -> tuple[str, ...]:
        """The service and everything it calls, directly or not, breadth first."""
        found = [service]
        seen = {service}
        for name in found:
            further = [callee for callee in self.callees.get(name, ()) if callee not in seen]
            seen.update(further)
            found += further
        return tuple(found)


def calls_of(graph: Iterable[tuple[str, str]]) -> Calls:
    """The call graph of (caller, callee) pairs."""
    down: defaultdict[str, set[str]] = defaultdict(set)
    up: defaultdict[str, set[str]] = defaultdict(set)
    for caller, callee in graph:
        if caller != callee:
            down[caller].add(callee)
            up[callee].add(caller)
    return Calls(
        {name: tuple(sorted(others)) for name, others in down.items()},
        {name: tuple(sorted(others)) for name, others in up.items()},
    )


def joined(calls: Calls, further: Mapping[str, Iterable[str]]) -> Calls:
    """The call graph with the callees that are known from elsewhere."""
    known = [(caller, callee) for caller, callees in calls.callees.items() for callee in callees]
    return calls_of([*known, *((caller, callee) for caller, callees in further.items() for callee in callees)])


def explained(side: Side, kinds: Sequence[str], calls: Calls, alert: str) -> Mapping[str, float]:
    """For each service below the alerting one: the share (0..1) of the alert's excess that its own excess can explain.

    Excess is what an ordinary sample would not have had: (latency - usual) x requests, or failed requests. A service's
    own excess is what is left after its callees' excess. Means add up along calls, percentiles do not: the mean of the
    alerting metric is taken where there is one. Where no requests are counted, excess beyond the alert's speaks against
    a service, as it may be called seldom. Empty where the alert is of another kind or does not rise.
    """
    row = {name: n for n, name in enumerate(side.columns)}
    at = row.get(_mean_of(alert, row))
    if at is None or kinds[at] not in TROUBLE or not side.base.shape[1]:
        return {}
    service, metric = side.services[at], side.metrics[at]
    weights = {side.services[n]: n for n in reversed(range(len(kinds))) if kinds[n] == "requests"}
    excess: dict[str, Array] = {}
    for name in calls.reached(service):
        here = row.get(f"{name}{SEPARATOR}{metric}")
        if here is not None:
            excess[name] = _excess(side, here, weights.get(name), kinds[at])
    cut = side.base.shape[1]
    asked = np.maximum(excess[service][cut:], 0.0)
    if float(asked.sum()) <= 0:
        return {}
    found = {}
    for name in sorted(excess):
        below = [np.maximum(excess[callee], 0.0) for callee in calls.callees.get(name, ()) if callee in excess]
        own = excess[name] - np.sum(below, axis=0) if below else excess[name]
        own = np.maximum(own[cut:] - float(np.median(own[:cut])), 0.0)
        whole = asked if weights else np.maximum(own, asked)
        found[name] = float(np.minimum(own, asked).sum() / whole.sum())
    return found


def _mean_of(column: str, columns: Iterable[str]) -> str:
    """The column of the same metric that has the mean as its statistic, else the column itself."""
    series = column.rpartition(SEPARATOR)[0]
    if SEPARATOR not in series:
        return column
    parts = (name.rpartition(SEPARATOR) for name in columns)
    means = (start + SEPARATOR + end for start, _, end in parts if start == series and end.lower() in MEANS)
    return min(means, default=column)


def _excess(side: Side, row: int, weight: int | None, kind: str) -> Array:
    """Excess over baseline and window, a sample each; 0 where a sample is missing."""
    values = np.concatenate([side.base[row], side.post[row]])
    usual = float(medians(side.base[row][None, :])[0])
    many = 1.0 if weight is None else np.concatenate([side.base[weight], side.post[weight]])
    over = (values - usual) * many
    return np.nan_to_num(-over if kind == "good" else over)


def waited_for(side: Side, kinds: Sequence[str], found: Sizes, calls: Calls) -> Mapping[str, tuple[float, float]]:
    """For each callee the largest rise (robust units) of the latency its callers see in their calls, and its fit.

    A callee whose network is slow shows nothing itself, but its callers wait. The fit (0..1) is how well its callers
    are just the services that wait: what others wait for speaks against it, and so does a caller that does not wait.
    """
    seen: dict[str, float] = {}
    for n, kind in enumerate(kinds):
        if kind == "calling":
            name = side.services[n]
            seen[name] = max(seen.get(name, 0.0), float(found.size[n]))
    rises = {name: max(0.0, rise - FAINT) for name, rise in seen.items()}
    every, most = sum(rises.values()), max(rises.values(), default=0.0)
    fits = {}
    for callee, callers in calls.callers.items():
        known = [rises[caller] for caller in callers if caller in rises]
        if any(known):
            calm = sum(rise == 0 for rise in known)
            fits[callee] = (max(known) + FAINT, sum(known) / (every + 0.5 * calm * most))
    return fits


def inherited(
    side: Side, kinds: Sequence[str], found: Sizes, calls: Calls, waits: Mapping[str, float]
) -> frozenset[str]:
    """Services one of whose callees is slow too, or is waited for: their own latency may be that callee's."""
    slow = dict(waits)
    for n, kind in enumerate(kinds):
        if kind == "latency":
            name = side.services[n]
            slow[name] = max(slow.get(name, 0.0), float(found.size[n]))
    return frozenset(
        caller for caller, callees in calls.callees.items() if any(slow.get(callee, 0.0) > CLEAR for callee in callees)
    )
