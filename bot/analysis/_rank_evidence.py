"""What the metrics and the logs say of each service, brought to one score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.analysis._rank_graph import Calls, inherited, joined, waited_for
from bot.analysis._rank_kinds import BAD, WEIGHT
from bot.analysis._rank_logs import LogEvidence
from bot.analysis._rank_sizes import Sizes
from bot.analysis._rank_table import Side

HALF = 10.0
"""Robust units at which a shift says half of what the largest one can."""
CONSEQUENCE = 0.5
"""What a shift to the good side, and latency that a callee explains, weigh beside others."""
WAITED = 0.7
"""What a wait that all callers of a service see weighs beside a shift of its own."""
FURTHER, KINDS = 0.5, 4
"""Each further kind of metric counts for so much of the one before; at most so many."""
SLOW_UNITS = 2.0
"""Robust units of latency that one unit of longer waits in the logs stands for."""
STANDS_OUT = {"metrics": 0.3, "broken": 2.5, "slow": 1.0, "counts": 3.0}
"""What a source must say at least for its loudest service to stand out."""
SHARE = {"metrics": 1.0, "broken": 1.0, "slow": 1.0, "counts": 0.3}
"""What each source weighs: errors and bursts show at those who suffer, too."""
CONTRAST = 3.0
"""The power that favours standing out in one source over a little of each."""
ALONE = {"broken": 5.0, "slow": 2.0, "counts": 5.0}
"""From where on the logs of one service alone tell that something changed."""


@dataclass(frozen=True)
class Case:
    """All that is known of a window."""

    side: Side
    kinds: Sequence[str]
    found: Sizes
    calls: Calls
    logs: Mapping[str, LogEvidence]


def by_metrics(case: Case) -> dict[str, float]:
    """What the metrics say of each service: its strongest kinds, each further one at half of the one before."""
    waits = waited_for(case.side, case.kinds, case.found, case.calls)
    slow = {name: log.slow * SLOW_UNITS for name, log in case.logs.items()}
    slow.update({name: size for name, (size, _) in waits.items()})
    calls = joined(case.calls, {name: log.callees for name, log in case.logs.items()})
    heirs = inherited(case.side, case.kinds, case.found, calls, slow)
    best: dict[str, dict[str, float]] = {name: {} for name in case.side.services}
    for service, kind, size in zip(case.side.services, case.kinds, case.found.size.tolist(), strict=True):
        worth = _saturated(abs(size)) * WEIGHT[kind]
        if size * BAD.get(kind, 0) < 0 or (service in heirs and kind in ("latency", "calling")):
            worth *= CONSEQUENCE
        best[service][kind] = max(best[service].get(kind, 0.0), worth)
    for service, (size, fit) in waits.items():
        best.setdefault(service, {})["waited for"] = _saturated(size) * fit * WAITED
    return {
        service: sum(worth * FURTHER**n for n, worth in enumerate(sorted(kinds.values(), reverse=True)[:KINDS]))
        for service, kinds in best.items()
    }


def _saturated(size: float) -> float:
    return size / (size + HALF)


def fused(metrics: Mapping[str, float], logs: Mapping[str, LogEvidence]) -> dict[str, float]:
    """For each service the sum over sources of its contrast to the third-loudest service there."""
    sources = {
        "metrics": metrics,
        "broken": {name: log.broken for name, log in logs.items()},
        "slow": {name: log.slow for name, log in logs.items()},
        "counts": {name: log.counts for name, log in logs.items()},
    }
    total = dict.fromkeys(sorted(metrics.keys() | logs.keys()), 0.0)
    for source, values in sources.items():
        third = max([STANDS_OUT[source], *sorted(values.values(), reverse=True)[2:3]])
        for service, value in values.items():
            total[service] += SHARE[source] * (value / third) ** CONTRAST
    return total


def loud(log: LogEvidence) -> bool:
    """Whether the log of a service alone tells that something changed."""
    return log.broken >= ALONE["broken"] or log.slow >= ALONE["slow"] or log.counts >= ALONE["counts"]
