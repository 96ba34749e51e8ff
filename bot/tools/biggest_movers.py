"""What moved most, anywhere: the golden signals and resources of every service, and the cause they point to."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from bot.analysis.anomalies import Mover
from bot.analysis.wording import iso, label, signal_of
from bot.domain.errors import SourceDown, SourceError
from bot.domain.evidence import Chart, Found
from bot.domain.series import Series
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _sight
from bot.tools._sight import Sight

SHOWN = 10
KEPT = 40


@tool(role="movers", need="series", timeout=25)
async def biggest_movers(desk: Desk) -> Found:
    """Find what moved most across all services in the window: errors, latency, traffic, saturation, restarts, deploys.

    Ranks every service's signals in robust units, follows the call graph, and names the likeliest cause.
    """
    instances = desk.sources.of("series")
    results = await asyncio.gather(*(_try(instance, desk) for instance in instances))
    sights = [r for r in results if isinstance(r, Sight)]
    missing = [r for r in results if isinstance(r, str)]
    if not sights:
        raise SourceDown("; ".join(missing) or "no metrics source is in scope")
    sights.sort(key=_weight, reverse=True)
    several = len(sights) > 1
    facts: dict[str, Any] = {"movers": [], "cause": None, "causes": [], "graph": {}, "services": [], "changes": []}
    text: list[str] = []
    for sight in sights:
        env = sight.instance.shown if several else ""
        text += _text(sight, env)
        _add_facts(facts, sight, env, desk.services)
        missing += sight.survey.missing
        if not sight.survey.axis.times.size:
            missing.append(f"{sight.instance.name} has no samples in this window")
    facts["cause"] = facts["causes"][0] if facts["causes"] else None
    best = sights[0]
    top = _scoped(best.picture.movers, desk.services)
    return Found(
        text="\n".join(text),
        source=", ".join(sight.instance.name for sight in sights),
        query=_queries(best, top),
        env=", ".join(dict.fromkeys(sight.instance.env for sight in sights)),
        facts=facts,
        raw=_sight.raw(top[:SHOWN], best.survey.axis.times.tolist()),
        summary=_summary(best),
        chart=_chart(best, top),
        missing=tuple(missing),
    )


async def _try(instance: Instance, desk: Desk) -> Sight | str:
    try:
        return await _sight.look(instance, desk.window)
    except SourceError as error:
        return f"{instance.name}: {error}"


def _weight(sight: Sight) -> tuple[bool, bool, float]:
    best = next(iter(sight.causes), None)
    return best is not None, bool(best and best.active), best.score if best else 0.0


def _scoped(movers: Sequence[Mover], services: Sequence[str]) -> list[Mover]:
    """A channel's services first; the rest still counts, as causes lie below them."""
    return sorted(movers, key=lambda m: bool(services) and m.signal.service not in services)


def _text(sight: Sight, env: str) -> list[str]:
    found = sight.picture.movers
    head = f"[{env}] " if env else ""
    services = ", ".join(sorted(sight.picture.services))
    out = []
    for number, cause in enumerate(sight.causes, 1):
        fact = _sight.cause_fact(cause)
        when = f"since {fact['since'] or 'before the data begin'}" + (
            f", over since {fact['until']}" if "until" in fact else ""
        )
        sick = fact.get("affects")
        affects = f"; affects {', '.join(sick)}" if sick else ""
        why = f"({fact['confidence']}): {fact['reason']}{affects}"
        out.append(f"{head}Cause {number}: {cause.service}, {fact['signal']}, {when} {why}")
    if not found:
        out.append(f"{head}Nothing moved. Looked at {len(sight.signals)} signals of {services}.")
    else:
        out.append(f"{head}Movers ({len(found)} of {len(sight.signals)} signals of {services}):")
        out += [f"- {line}" for line in _sight.lines(found, SHOWN)]
        if len(found) > SHOWN:
            out.append(f"- {len(found) - SHOWN} smaller ones left out")
    for event in sight.picture.events[-6:]:
        out.append(f"{head}{event.kind}: {event.what} at {iso(event.at)}")
    graph = "; ".join(f"{caller} → {', '.join(callees)}" for caller, callees in sight.graph.items())
    out.append(f"{head}Calls: {graph}" if graph else f"{head}Calls: not told by any label")
    return out


def _add_facts(facts: dict[str, Any], sight: Sight, env: str, services: Sequence[str]) -> None:
    facts["movers"] += [_sight.mover_fact(m, env) for m in _scoped(sight.picture.movers, services)[:KEPT]]
    facts["causes"] += [_sight.cause_fact(c, env) for c in sight.causes]
    facts["graph"] |= sight.graph
    facts["services"] = sorted({*facts["services"], *sight.picture.services})
    facts["changes"] += [
        {"at": iso(e.at), "what": e.what, "service": e.service, "kind": e.kind, "source": sight.instance.name}
        for e in sight.picture.events
    ]
    facts["looked_at"] = facts.get("looked_at", 0) + len(sight.signals)


def _queries(sight: Sight, top: Sequence[Mover]) -> str:
    first = sight.causes[0].main.mover if sight.causes and sight.causes[0].main.mover else next(iter(top), None)
    return first.signal.query if first else "every service's golden signals and resources"


def _summary(sight: Sight) -> str:
    cause = next(iter(sight.causes), None)
    if cause is None:
        count = len(sight.picture.movers)
        return f"{count} signals moved, none points to a cause" if count else "nothing moved"
    state = "" if cause.active else ", over"
    return f"{cause.service}: {signal_of(cause.main)} since {iso(cause.since) or 'before the data begin'}{state}"


def _chart(sight: Sight, top: Sequence[Mover]) -> Chart | None:
    """The cause's signal, and its neighbours of the same unit."""
    main = sight.causes[0].main.mover if sight.causes else next(iter(top), None)
    if main is None:
        return None
    times = sight.survey.axis.times
    begin = max(times[0], main.shift.since - max(600.0, 0.5 * (times[-1] - main.shift.since)))
    alike = [main, *(m for m in top if m is not main and m.signal.unit == main.signal.unit)][:4]
    series = []
    for m in alike:
        keep = [(float(t), float(v)) for t, v in zip(times, m.signal.values, strict=True) if t >= begin and isfinite(v)]
        series.append(Series({"service": m.signal.service}, tuple(t for t, _ in keep), tuple(v for _, v in keep)))
    marks = [(datetime.fromtimestamp(main.shift.since, UTC), "onset")]
    marks += [(datetime.fromtimestamp(e.at, UTC), e.what) for e in sight.picture.events if e.kind == "deploy"][:3]
    return Chart(f"{main.signal.service}: {label(main)}", tuple(series), main.signal.unit, tuple(marks))


TOOL = biggest_movers
