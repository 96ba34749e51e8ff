"""Movers: many series before and after, ranked services and metrics out, the likeliest cause first.

Each series' shift is measured in robust units of its own usual spread and of the same metric of the other services,
so that near-constant noise does not win and no unit matters. What speaks for a service comes from up to four sources
(its metrics, the call graph below an alert, requests that break or wait in the logs, errors and bursts in the logs);
each source counts by how far the service stands out from the others in it.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bot.analysis._rank_graph import calls_of, explained, inherited, waited_for
from bot.analysis._rank_kinds import FIRST, WEIGHT, kind_of
from bot.analysis._rank_logs import Line, LogEvidence, log_evidence
from bot.analysis._rank_sizes import Sizes, since, sizes
from bot.analysis._rank_table import Side, Table, side_by_side
from bot.domain.ranking import Moved, Ranked, Ranking

__all__ = ["Line", "LogEvidence", "Table", "log_evidence", "rank"]

HALF = 10.0
"""Robust units at which a shift says half of what the largest one can."""
CLOSE = 2.5
"""Robust units at which a shift counts as real when the metrics of one service are put in order."""
STANDS_OUT = {"metrics": 0.3, "broken": 2.5, "slow": 1.0, "counts": 3.0}
"""What a source must say at least for its loudest service to stand out."""
MOST = 8
"""Metrics told of each service."""


def rank(
    post: Table,
    baseline: Table,
    *,
    before: Table | None = None,
    graph: Iterable[tuple[str, str]] = (),
    alert: str = "",
    logs: Mapping[str, LogEvidence] | None = None,
) -> Ranking:
    """Services and metrics by how likely they are the cause of what differs in `post` from the `baseline`.

    The baseline may lie anywhere in time; `before` are the samples right before `post`, if at hand: they stand in for
    columns that the baseline lacks and tell old shifts of stocks (memory, disk) from new ones. Columns may differ
    between the tables. `graph` has (caller, callee) pairs, `alert` the name of the column that alerts, `logs` what
    `log_evidence` gives. The order of columns, the tables' times and PYTHONHASHSEED change nothing.
    """
    side = side_by_side(post, baseline, before)
    kinds = tuple(kind_of(metric) for metric in side.metrics)
    with np.errstate(all="ignore"):
        found = sizes(side, kinds)
        moments = since(side, found)
    calls = calls_of(graph)
    waits = waited_for(side, kinds, found, calls) if calls.callers else {}
    heirs = inherited(side, kinds, found, calls, waits) if calls.callers else frozenset[str]()
    said = _by_metrics(side, kinds, found, waits, heirs)
    scores = _fused(said, logs or {})
    shares = explained(side, kinds, calls, alert) if alert and calls.callees else {}
    if shares:
        quiet = 0.01 / (1.0 + max(scores.values(), default=0.0))
        scores = {s: shares.get(s, 0.0) + quiet * scores.get(s, 0.0) for s in scores.keys() | shares.keys()}
    return _ranking(side, kinds, found, moments, scores, logs or {})


def _by_metrics(
    side: Side, kinds: Sequence[str], found: Sizes, waits: Mapping[str, float], heirs: frozenset[str]
) -> dict[str, float]:
    """What the metrics say of each service: its strongest kinds, each further one at half of the one before."""
    best: dict[str, dict[str, float]] = {name: {} for name in side.services}
    for service, kind, size in zip(side.services, kinds, np.abs(found.size).tolist(), strict=True):
        worth = size / (size + HALF) * WEIGHT[kind]
        if kind == "calling" and heirs and service in heirs or kind == "latency" and service in heirs:
            worth *= 0.5
        best[service][kind] = max(best[service].get(kind, 0.0), worth)
    for service, size in waits.items():
        best.setdefault(service, {})["waited for"] = size / (size + HALF) * 0.7
    return {
        service: sum(worth * 0.5**n for n, worth in enumerate(sorted(kinds_of.values(), reverse=True)[:4]))
        for service, kinds_of in best.items()
    }


def _fused(metrics: Mapping[str, float], logs: Mapping[str, LogEvidence]) -> dict[str, float]:
    """Each source's squared contrast to its third-loudest service, summed."""
    sources = {
        "metrics": dict(metrics),
        "broken": {s: e.broken for s, e in logs.items()},
        "slow": {s: e.slow for s, e in logs.items()},
        "counts": {s: e.counts for s, e in logs.items()},
    }
    total = dict.fromkeys([*metrics, *logs], 0.0)
    for name, values in sources.items():
        loud = sorted(values.values(), reverse=True)
        third = max(STANDS_OUT[name], loud[2] if len(loud) > 2 else 0.0)
        for service, value in values.items():
            total[service] += (value / third) ** 2 * (0.3 if name == "counts" else 1.0)
    return total


def _ranking(
    side: Side,
    kinds: Sequence[str],
    found: Sizes,
    moments: np.ndarray[tuple[int], np.dtype[np.float64]],
    scores: Mapping[str, float],
    logs: Mapping[str, LogEvidence],
) -> Ranking:
    """The answer; metrics are in order of their service's score times how telling they are."""
    telling = np.array([FIRST.get(kind, 0.6) for kind in kinds]) * np.tanh(np.abs(found.size) / CLOSE)
    rows: dict[str, list[int]] = {}
    for n in np.argsort(-telling, kind="stable").tolist():
        rows.setdefault(side.services[n], []).append(n)
    moved = [
        Moved(
            side.services[n],
            side.metrics[n],
            float(found.size[n]),
            None if np.isnan(moments[n]) else float(moments[n]),
            float(found.level[n]),
            float(found.now[n]),
        )
        for n in range(len(side.columns))
    ]
    services = []
    for service in sorted(scores, key=lambda s: (-scores[s], s)):
        own = [moved[n] for n in rows.get(service, [])]
        log = logs.get(service)
        when = own[0].since if own else None
        services.append(
            Ranked(service, scores[service], when, tuple(own[:MOST]), log.why if log else "", log.lines if log else ())
        )
    worth = [telling[n] * scores[side.services[n]] for n in range(len(side.columns))]
    order = sorted(range(len(side.columns)), key=lambda n: (-worth[n], side.columns[n]))
    return Ranking(True, tuple(services), tuple(moved[n] for n in order))
