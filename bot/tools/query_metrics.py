"""The tool that runs PromQL over the window and tells what changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from bot.analysis.condense import condense
from bot.domain.evidence import Chart, Found
from bot.domain.facts import SeriesFact
from bot.domain.series import Series, SeriesAnswer
from bot.domain.tools import Desk, tool
from bot.domain.window import Window
from bot.tools import _words
from bot.tools._scope import ENV, Told, ask, scope, series_of
from bot.tools._series import closing, not_seen, placed, ranged
from bot.tools._units import unit_of

SHOWN = 10
RAW = 200


@tool(role="range", need="series")
async def query_metrics(
    desk: Desk,
    query: Annotated[str, "PromQL; counters inside rate(…[5m]); group by service to keep it small"],
    minutes: Annotated[int, "look at the last so many minutes of the window instead of all of it"] = 0,
    env: Annotated[str, ENV] = "",
) -> Found:
    """A PromQL range query over the window and the equal stretch before it.

    Per series: now, before, min, max and when it changed; the ten that changed most.
    """
    window = _window(desk, minutes)
    whole = Window(window.before().start, window.end)
    told = await ask(scope(desk, "series", env), lambda instance: ranged(series_of(instance), query, whole))
    series = placed(told)
    unit = unit_of(query)
    facts = condense(series, window, desk.now, unit)
    shown = facts[:SHOWN]
    missing, notes = await not_seen(told, query, whole)
    return Found(
        text="\n".join([*_lines(desk, told, window, facts), *closing(missing, notes)]),
        source=told.source,
        query=query,
        env=told.env,
        facts={"series": shown, "left_out": len(facts) - len(shown)},
        raw=_raw(told, series),
        summary=_summary(desk, shown),
        chart=_chart(query, series, shown, window, unit),
        missing=missing,
    )


def _window(desk: Desk, minutes: int) -> Window:
    start = desk.window.end - timedelta(minutes=minutes)
    return Window(start, desk.window.end) if minutes > 0 else desk.window


def _lines(desk: Desk, told: Told[SeriesAnswer], window: Window, facts: Sequence[SeriesFact]) -> list[str]:
    step = max(answer.step for _, answer in told.answers)
    shown = window.shown(desk.zone)
    lines = [f"{len(facts)} series over {shown}, step {step:g} s ({told.env}); before = usual level ahead of it"]
    lines += [line(desk, fact) for fact in facts[:SHOWN]]
    if len(facts) > SHOWN:
        lines.append(f"{len(facts) - SHOWN} more series changed less and are left out.")
    return lines


def line(desk: Desk, fact: SeriesFact) -> str:
    """A series on one line."""
    unit = fact["unit"]
    figures = ", ".join(f"{name} {_words.number(fact[name], unit)}" for name in ("now", "before", "min", "max"))
    changed = _changed(desk, fact)
    return f"{_words.labels(fact['labels'])}: {figures}, {changed}"


def _changed(desk: Desk, fact: SeriesFact) -> str:
    if not fact["changed_at"]:
        return "no lasting change"
    reach = max(abs(fact["max"] - fact["before"]), abs(fact["min"] - fact["before"]))
    back = ", about back now" if abs(fact["now"] - fact["before"]) < 0.2 * reach else ""
    return f"changed at {_words.clock(datetime.fromisoformat(fact['changed_at']), desk)}{back}"


def _summary(desk: Desk, shown: Sequence[SeriesFact]) -> str:
    if not shown:
        return "no data"
    top = shown[0]
    now, before = (_words.number(top[name], top["unit"]) for name in ("now", "before"))
    return f"{_words.labels(top['labels'])}: {before} → {now}, {_changed(desk, top)}"


def _raw(told: Told[SeriesAnswer], series: Sequence[Series]) -> dict[str, Any]:
    rows = [{"labels": dict(one.labels), "times": one.times, "values": one.values} for one in series[:RAW]]
    return {"series": rows, "not_kept": max(0, len(series) - RAW), "from": [i.name for i, _ in told.answers]}


def _chart(
    query: str, series: Sequence[Series], shown: Sequence[SeriesFact], window: Window, unit: str
) -> Chart | None:
    picked = [_inside(one, window) for fact in shown for one in series if dict(one.labels) == fact["labels"]]
    if not picked:
        return None
    moments = {fact["changed_at"] for fact in shown[:3] if fact["changed_at"]}
    marks = tuple((datetime.fromisoformat(moment), "changed") for moment in sorted(moments))
    return Chart(title=query[:120], series=tuple(picked), unit=unit, marks=marks)


def _inside(one: Series, window: Window) -> Series:
    start = window.start.timestamp()
    first = next((at for at, time in enumerate(one.times) if time >= start), len(one.times))
    return Series(one.labels, one.times[first:], one.values[first:])


TOOL = query_metrics
