"""Movers: many series before and after, ranked services and metrics out, the likeliest cause first.

Each series' shift is measured in robust units of its own usual spread and of the same metric of the other services,
so that near-constant noise does not win and no unit matters. What speaks for a service comes from several sources (its
metrics and those of its callers; requests that break or wait, errors and bursts in the logs), and each source counts
by how far the service stands out from the others in it. Below an alert the call graph decides: the service whose own
excess, without its callees', explains most of the alert's.

Ranking by a robust shift against a baseline follows BARO (Pham, Ha, Zhang, FSE 2024); the floors from peers, the two
sides, the excess along calls, the steps of requests and the test for a quiet window are this module's own.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from bot.analysis._rank_evidence import Case, by_metrics, fused, loud
from bot.analysis._rank_graph import calls_of, explained
from bot.analysis._rank_kinds import FIRST, kind_of
from bot.analysis._rank_lines import Line
from bot.analysis._rank_logs import LogEvidence, log_evidence
from bot.analysis._rank_quiet import significance
from bot.analysis._rank_sizes import Usual, since, sizes
from bot.analysis._rank_table import Table, side_by_side
from bot.analysis.frames import Array
from bot.domain.ranking import Moved, Ranked, Ranking

__all__ = ["Line", "LogEvidence", "Table", "log_evidence", "rank"]

REAL = 2.0
"""Robust units at which a shift counts as real when the metrics of one service are put in order."""
MOST = 8
"""Metrics told of each service."""
ASIDE = 0.01
"""What all other evidence weighs beside the share of an alert that a service explains: it decides between equals."""


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
    columns that the baseline lacks, and tell old shifts of stocks (memory, disk) from new ones. Columns may differ
    between the tables. `graph` has (caller, callee) pairs, `alert` names the column that alerts, `logs` is what
    `log_evidence` gives. The order of columns, the tables' times and PYTHONHASHSEED change nothing. With no sample in
    one of the tables nothing is said to have changed unless the logs say so.
    """
    side = side_by_side(post, baseline, before)
    kinds = tuple(kind_of(metric) for metric in side.metrics)
    edges = tuple(graph)
    with np.errstate(all="ignore"):
        usual = Usual.of(side.base)
        case = Case(side, kinds, sizes(side, kinds, usual), calls_of(edges), logs or {})
        moments = since(side, case.found)
        sure = significance(side, kinds, case.found, usual)
    scores = fused(by_metrics(case), case.logs)
    shares = explained(side, kinds, case.calls, alert) if alert and edges else {}
    if shares:
        most = max(scores.values(), default=0.0) or 1.0
        every = sorted(scores.keys() | shares.keys())
        scores = {s: shares.get(s, 0.0) + ASIDE * scores.get(s, 0.0) / most for s in every}
    changed = bool(shares) or bool((sure >= 1).any()) or any(loud(e) for e in case.logs.values())
    return _ranking(case, moments, scores, shares, changed)


def _ranking(
    case: Case, moments: Array, scores: Mapping[str, float], shares: Mapping[str, float], changed: bool
) -> Ranking:
    """The answer; metrics are in order of their service's score times how telling they are."""
    side, found = case.side, case.found
    telling = np.array([FIRST[kind] for kind in case.kinds]) * np.tanh(np.abs(found.size) / REAL)
    moved = [
        Moved(service, metric, size, None if np.isnan(moment) else moment, level, now)
        for service, metric, size, moment, level, now in zip(
            side.services,
            side.metrics,
            *(part.tolist() for part in (found.size, moments, found.level, found.now)),
            strict=True,
        )
    ]
    rows: dict[str, list[Moved]] = {}
    for n in np.argsort(-telling, kind="stable").tolist():
        rows.setdefault(side.services[n], []).append(moved[n])
    services = tuple(
        _ranked(name, scores[name], rows.get(name, []), shares.get(name), case.logs.get(name))
        for name in sorted(scores, key=lambda s: (-scores[s], s))
    )
    worth = telling * np.array([scores[name] for name in side.services])
    order = np.argsort(-worth, kind="stable").tolist()
    return Ranking(changed, services, tuple(moved[n] for n in order))


def _ranked(name: str, score: float, moved: list[Moved], share: float | None, log: LogEvidence | None) -> Ranked:
    why = [f"{share:.0%} of the alert's excess is explained by its own"] if share else []
    if log is not None and log.why:
        why.append(log.why)
    if not why and moved:
        first = moved[0]
        why.append(f"{first.metric} {'up' if first.size > 0 else 'down'} {abs(first.size):.1f} robust units")
    when = moved[0].since if moved else None
    return Ranked(name, score, when, tuple(moved[:MOST]), "; ".join(why), log.lines if log else ())
