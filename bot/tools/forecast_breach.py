"""The tool that says what will cross a limit, and when."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated

from bot.analysis.forecasts import breach, forecast
from bot.analysis.signals import Signal
from bot.analysis.wording import name_of
from bot.domain.errors import BadArguments
from bot.domain.evidence import Chart, Found
from bot.domain.facts import BreachFact
from bot.domain.forecasts import OPEN, SHARE, Bounds, Breach, Direction
from bot.domain.series import Series, service_of
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.domain.window import Window, last
from bot.tools import _sight, _words
from bot.tools._scope import Told, ask, scope, series_of
from bot.tools._units import unit_of

FULL = 0.95
"""The share of a resource that counts as its limit when no threshold is given."""
HISTORY = timedelta(hours=6)
LONGEST = timedelta(days=14)
MOST_HOURS = 168.0
MOST_POINTS = 5_000
MOST_SERIES = 60
SHOWN = 8
LIKELY, POSSIBLE = 0.5, 0.15
VOUCHED = 3.0
"""A history this many times as long as the look ahead holds enough pasts to judge by."""


@dataclass(frozen=True)
class _Line:
    """A series to look ahead on, and how it is called."""

    series: Series
    service: str
    signal: str
    query: str
    unit: str
    instance: Instance
    bounds: Bounds = OPEN


@dataclass(frozen=True)
class _Limit:
    """What is looked for: a threshold reached from one side within `seconds`."""

    value: float
    direction: Direction
    seconds: float

    def passed(self, value: float) -> bool:
        """Whether it is reached already."""
        return value >= self.value if self.direction == "above" else value <= self.value


@tool(role="forecast", need="series", timeout=25)
async def forecast_breach(
    desk: Desk,
    query: Annotated[str, "PromQL of what may cross; leave out to check every resource's use against its limit"] = "",
    above: Annotated[float | None, "threshold it may rise to"] = None,
    below: Annotated[float | None, "threshold it may fall to"] = None,
    hours: Annotated[float, "how far to look ahead"] = 4.0,
) -> Found:
    """What will cross a threshold within the next hours: probability, and earliest, likely and latest time (80 %).

    From each series' own past (trend, daily and weekly profile). Without a query: disks, memory, pools, quotas.
    """
    limit = _limit(query, above, below, hours)
    told = await (_asked(desk, query, limit) if query else _resources(desk))
    lines = [line for _, lines in told.answers for line in lines]
    lines.sort(key=lambda line: -line.series.values[-1] if limit.direction == "above" else line.series.values[-1])
    missing = told.missing
    if not lines:
        missing = (*missing, "no series to look ahead on")
    if len(lines) > MOST_SERIES:
        missing = (*missing, f"{len(lines) - MOST_SERIES} of {len(lines)} series")
    ahead, over = await asyncio.to_thread(_ahead, lines[:MOST_SERIES], limit)
    facts = [_fact(one, found, limit) for one, found in ahead]
    return Found(
        text="\n".join([*_text(desk, facts, over, limit, len(lines)), *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=query or "every resource's use against its limit",
        env=told.env,
        facts={"breaches": facts[:SHOWN], "looked_at": min(len(lines), MOST_SERIES)},
        raw={"breaches": facts},
        summary=_summary(desk, facts, limit),
        chart=await asyncio.to_thread(_chart, *ahead[0]) if ahead else None,
        missing=missing,
    )


def _limit(query: str, above: float | None, below: float | None, hours: float) -> _Limit:
    if not 0 < hours <= MOST_HOURS:
        raise BadArguments(f"hours must be more than 0 and at most {MOST_HOURS:g}, got {hours:g}")
    if above is not None and below is not None:
        raise BadArguments("give above or below, not both")
    if query and above is None and below is None:
        raise BadArguments("a query needs its threshold: above or below")
    given = above if above is not None else below if below is not None else FULL
    if not isfinite(given):
        raise BadArguments("the threshold must be a finite number")
    return _Limit(given, "below" if below is not None else "above", hours * 3600)


async def _asked(desk: Desk, query: str, limit: _Limit) -> Told[list[_Line]]:
    history = min(LONGEST, max(HISTORY, timedelta(seconds=20 * limit.seconds)))
    window, step = last(history, desk.window.end), max(15.0, round(history.total_seconds() / MOST_POINTS))
    unit = unit_of(query)

    async def lines(instance: Instance) -> list[_Line]:
        answer = await series_of(instance).range(query, window, step)
        return [
            _Line(one, service_of(one.labels), _words.labels(one.labels), query, unit, instance)
            for one in answer.series
            if one.times
        ]

    return await ask(scope(desk, "series"), lines)


async def _resources(desk: Desk) -> Told[list[_Line]]:
    """Every resource over hours, and what has left its usual level since then only: its past does not know that."""
    window = Window(min(desk.window.start, desk.window.end - HISTORY), desk.window.end)

    async def lines(instance: Instance) -> list[_Line]:
        long = await _sight.look(instance, window)
        short = await _sight.look(instance, desk.window)
        since = {id(m.signal): m.shift.since for m in short.picture.movers if m.active}
        new = [_used(signal, short, instance, since[id(signal)]) for signal in short.signals if id(signal) in since]
        usual = [_used(signal, long, instance) for signal in long.signals]
        return [line for line in (*new, *usual) if line is not None]

    return await ask(scope(desk, "series"), lines)


def _used(signal: Signal, sight: _sight.Sight, instance: Instance, since: float = 0.0) -> _Line | None:
    """A resource's share in use since a moment; None for anything else, and where nothing is known."""
    times = sight.survey.axis.times.tolist()
    kept = [(t, v) for t, v in zip(times, signal.values.tolist(), strict=True) if isfinite(v) and t >= since]
    if signal.kind != "saturation" or not kept:
        return None
    series = Series(dict(signal.labels), tuple(at for at, _ in kept), tuple(value for _, value in kept))
    return _Line(series, signal.service, name_of(signal), signal.query, "ratio", instance, SHARE)


def _ahead(lines: Sequence[_Line], limit: _Limit) -> tuple[list[tuple[_Line, Breach]], list[_Line]]:
    """What may cross, the likeliest and soonest first; and what is past the limit already."""
    over = {_name(line): line for line in lines if limit.passed(line.series.values[-1])}
    others = (line for line in lines if _name(line) not in over)
    found = [(line, seen) for line in others if (seen := _nearest(line, limit)) is not None]
    found.sort(key=lambda pair: (pair[1].probability < LIKELY, pair[1].likely, pair[0].service))
    return list({_name(pair[0]): pair for pair in reversed(found)}.values())[::-1], list(over.values())


def _name(line: _Line) -> tuple[object, ...]:
    return line.instance.name, line.service, line.signal, tuple(sorted(line.series.labels.items()))


def _nearest(line: _Line, limit: _Limit) -> Breach | None:
    """The crossing that is expected within the whole horizon, or within what a short history vouches for."""
    span = line.series.times[-1] - line.series.times[0]
    for seconds in dict.fromkeys((min(limit.seconds, span / VOUCHED), limit.seconds)):
        if seconds <= 0:
            continue
        seen = breach(line.series, limit.value, seconds, limit.direction, bounds=line.bounds)
        if seen is not None and seen.likely and seen.probability >= (POSSIBLE if seen.backtests else LIKELY):
            return seen
    return None


def _fact(line: _Line, found: Breach, limit: _Limit) -> BreachFact:
    return BreachFact(
        service=line.service, signal=line.signal, labels=dict(line.series.labels), query=line.query, unit=line.unit,
        now=float(f"{line.series.values[-1]:.4g}"), threshold=limit.value, direction=limit.direction,
        probability=round(found.probability, 2), earliest=_iso(found.earliest), likely=_iso(found.likely),
        latest=_iso(found.latest), horizon=limit.seconds, source=line.instance.name, env=line.instance.shown,
    )  # fmt: skip


def _iso(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at is not None else ""


def _text(desk: Desk, facts: Sequence[BreachFact], over: Sequence[_Line], limit: _Limit, count: int) -> list[str]:
    ahead = _words.span(limit.seconds)
    head = f"{count} series looked at, {ahead} ahead: {len(facts)} may cross."
    lines = [head, *(f"- {line(desk, fact)}" for fact in facts[:SHOWN])]
    if len(facts) > SHOWN:
        lines.append(f"{len(facts) - SHOWN} less likely or later ones are left out.")
    for one in over[:SHOWN]:
        now = _words.number(one.series.values[-1], one.unit)
        lines.append(f"- past it already: {one.service} {one.signal}, now {now}")
    return lines


def line(desk: Desk, fact: BreachFact) -> str:
    """What is expected of one series, on one line."""
    now, there = (_words.number(value, fact["unit"]) for value in (fact["now"], fact["threshold"]))
    name = " ".join(part for part in (fact["service"], fact["signal"]) if part)
    early, likely, late = (
        _words.clock(datetime.fromisoformat(at), desk) for at in (fact["earliest"], fact["likely"], fact["latest"])
    )
    when = f"{fact['direction']} {there} at about {likely} ({early} to {late})"
    return f"{name}: now {now}, {when}, probability {fact['probability']:g}"


def _chart(line: _Line, found: Breach) -> Chart:
    """The likeliest one: its past, where it is expected to go, and where it crosses."""
    return Chart(
        " ".join(part for part in (line.service, line.signal) if part), (line.series,), line.unit,
        threshold=found.threshold, forecast=forecast(line.series, found.horizon, line.bounds), breach=found,
    )  # fmt: skip


def _summary(desk: Desk, facts: Sequence[BreachFact], limit: _Limit) -> str:
    likely = [fact for fact in facts if fact["probability"] >= LIKELY]
    if not likely:
        return f"nothing is likely to cross within {_words.span(limit.seconds)}"
    return line(desk, likely[0])


TOOL = forecast_breach
