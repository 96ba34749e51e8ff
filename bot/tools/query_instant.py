"""The tool that runs PromQL at one moment."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from bot.domain.errors import BadArguments
from bot.domain.evidence import Found
from bot.domain.series import Series, service_of
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, ask, scope, series_of
from bot.tools._series import closing, not_seen, placed
from bot.tools._units import unit_of

SHOWN = 20


@tool(role="instant", need="series")
async def query_instant(
    desk: Desk,
    query: Annotated[str, "PromQL; for counters rate(…[5m])"],
    at: Annotated[str, "moment, ISO 8601, in the asker's zone unless it has its own; default: the window's end"] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """A PromQL query at one moment, largest values first. For how something developed take the range query."""
    moment = _moment(desk, at)
    told = await ask(scope(desk, "series", env), lambda instance: series_of(instance).instant(query, moment))
    unit = unit_of(query)
    series = sorted(placed(told), key=lambda one: -one.values[-1])
    missing, notes = await not_seen(told, query, desk.window)
    lines = [f"{len(series)} series at {_words.clock(moment, desk)} ({told.env})"]
    lines += [f"{_words.labels(one.labels)}: {_words.number(one.values[-1], unit)}" for one in series[:SHOWN]]
    if len(series) > SHOWN:
        lines.append(f"{len(series) - SHOWN} more series with smaller values are left out.")
    facts = [_fact(one, unit) for one in series[:SHOWN]]
    return Found(
        text="\n".join([*lines, *closing(missing, notes)]),
        source=told.source,
        query=query,
        env=told.env,
        facts={"values": facts, "left_out": len(series) - len(facts)},
        raw={"values": [_fact(one, unit) for one in series]},
        summary=_summary(series, unit),
        missing=missing,
    )


def _moment(desk: Desk, at: str) -> datetime:
    if not at:
        return desk.window.end
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise BadArguments(f"{at!r} is no ISO 8601 time, such as 2026-11-23T14:05") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(desk.zone))).astimezone(UTC)


def _fact(one: Series, unit: str) -> dict[str, Any]:
    return {"labels": dict(one.labels), "service": service_of(one.labels), "value": one.values[-1], "unit": unit}


def _summary(series: Sequence[Series], unit: str) -> str:
    if not series:
        return "no data"
    top = series[0]
    return f"{_words.labels(top.labels)}: {_words.number(top.values[-1], unit)}; {len(series)} series"


TOOL = query_instant
