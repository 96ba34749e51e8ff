"""The tool that draws a query over the window, with the deploys that fell into it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from bot.analysis.condense import condense
from bot.domain.errors import ToolError
from bot.domain.evidence import Chart, Found
from bot.domain.facts import SeriesFact
from bot.domain.series import Series
from bot.domain.tools import Desk, tool
from bot.domain.window import Window
from bot.tools import _words
from bot.tools._scope import ENV, ask, changes_of, scope, series_of
from bot.tools._series import closing, not_seen, placed, ranged
from bot.tools._units import unit_of
from bot.tools.query_metrics import line

SHOWN = 8
"""Series that a chart can tell apart."""
KEPT = 30
MARKED = 3
PATIENCE = 3.0
"""Seconds for the deploys: a chart without them is still a chart."""
Mark = tuple[datetime, str]


@tool(role="chart", need="series")
async def chart(
    desk: Desk,
    query: Annotated[str, "PromQL; counters inside rate(…[5m]); group so that few series are left"],
    title: Annotated[str, "what is shown, in a few words, such as: Error share by service"] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """A line chart of a PromQL query over the window, shown to people with the answer; deploys are marked in it.

    Returns what is seen: per series now, before, min, max and when it changed. Draw what carries the answer.
    """
    whole = Window(desk.window.before().start, desk.window.end)
    told, (deploys, unseen) = await asyncio.gather(
        ask(scope(desk, "series", env), lambda instance: ranged(series_of(instance), query, whole)), _deploys(desk, env)
    )
    unit = unit_of(query)
    series = placed(told)
    facts = condense(series, desk.window, desk.now, unit)
    drawn = _drawn(series, facts[:KEPT], desk.window)
    missing, notes = await not_seen(told, query, whole)
    name, marks = title.strip() or query[:120], (*deploys, *_changes(facts))
    missing = (*missing, *unseen)
    return Found(
        text="\n".join([*_lines(desk, name, facts, deploys), *closing(missing, notes)]),
        source=told.source,
        query=query,
        env=told.env,
        facts={"series": facts[:SHOWN], "left_out": max(0, len(facts) - SHOWN)},
        raw={"series": [{"labels": dict(one.labels), "times": one.times, "values": one.values} for one in drawn]},
        summary=line(desk, facts[0]) if facts else "no data",
        chart=Chart(name, drawn, unit, tuple(sorted(marks))) if drawn else None,
        missing=missing,
    )


async def _deploys(desk: Desk, env: str) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """The latest deploys in the window, and what kept them from being seen; neither where nobody knows of changes."""
    if not desk.sources.of("changes"):
        return (), ()
    try:
        async with asyncio.timeout(PATIENCE):
            told = await ask(scope(desk, "changes", env), lambda instance: changes_of(instance).changes(desk.window))
    except (ToolError, TimeoutError) as error:
        return (), (f"deploys are not marked: {error}" if str(error) else "deploys are not marked: no answer in time",)
    found = sorted(
        (change.at, change.what)
        for _, changes in told.answers
        for change in changes
        if change.kind == "deploy" and desk.window.start <= change.at <= desk.window.end
    )
    return tuple(found[-MARKED:]), ()


def _changes(facts: Sequence[SeriesFact]) -> tuple[Mark, ...]:
    """When the series that moved most left its level."""
    return tuple((datetime.fromisoformat(fact["changed_at"]), "changed") for fact in facts[:1] if fact["changed_at"])


def _drawn(series: Sequence[Series], facts: Sequence[SeriesFact], window: Window) -> tuple[Series, ...]:
    """The series inside the window, those that changed most first."""
    start, end = window.start.timestamp(), window.end.timestamp()
    held = {tuple(sorted(one.labels.items())): one for one in series}
    drawn = []
    for fact in facts:
        one = held[tuple(sorted(fact["labels"].items()))]
        kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if start <= at <= end]
        drawn.append(Series(one.labels, tuple(at for at, _ in kept), tuple(value for _, value in kept)))
    return tuple(drawn)


def _lines(desk: Desk, name: str, facts: Sequence[SeriesFact], deploys: Sequence[Mark]) -> list[str]:
    if not facts:
        return [f"{name}: nothing to draw over {desk.window.shown(desk.zone)}"]
    lines = [f"Chart “{name}” over {desk.window.shown(desk.zone)}, {len(facts)} series"]
    lines += [line(desk, fact) for fact in facts[:SHOWN]]
    if len(facts) > SHOWN:
        lines.append(f"{len(facts) - SHOWN} more series changed less.")
    return [*lines, *(f"Marked: {_words.clock(at, desk)} {what}" for at, what in deploys)]


TOOL = chart
