"""One service and what it calls: their golden signals and resources, moved or not."""

import asyncio
import difflib
from typing import Annotated

from bot.analysis.anomalies import resting
from bot.analysis.wording import KIND_WORD, number
from bot.analysis.wording import name_of as label
from bot.domain.errors import BadArguments, SourceDown, SourceError
from bot.domain.evidence import Found
from bot.domain.facts import MoverFact
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _sight
from bot.tools._sight import Sight

SHOWN = 12


@tool(role="signals", need="series", timeout=25)
async def service_signals(
    desk: Desk, service: Annotated[str, "the service's name, as alerts and metrics label it"]
) -> Found:
    """Look at one service: its errors, latency, traffic and resources now and before, and those of what it calls."""
    results = await asyncio.gather(*(_try(instance, desk) for instance in desk.sources.of("series")))
    sights = [r for r in results if isinstance(r, Sight)]
    missing = [r for r in results if isinstance(r, str)]
    if not sights:
        raise SourceDown("; ".join(missing) or "no metrics source is in scope")
    having = [s for s in sights if service in s.picture.services]
    if not having:
        raise BadArguments(_unknown(service, sights))
    text, facts = [], []
    for sight in having:
        env = sight.instance.shown if len(sights) > 1 else ""
        for name in (service, *sorted(sight.survey.structure.graph.get(service, ()))):
            lines, rows = _of_service(sight, name, env)
            text += lines
            facts += rows
        missing += sight.survey.missing
    return Found(
        text="\n".join(text),
        source=", ".join(sight.instance.name for sight in having),
        query=next((row["query"] for row in facts if row["service"] == service), service),
        env=", ".join(dict.fromkeys(sight.instance.env for sight in having)),
        facts={"movers": facts, "service": service},
        summary=text[1].lstrip("- ") if len(text) > 1 else f"{service} shows no signals",
        missing=tuple(missing),
    )


async def _try(instance: Instance, desk: Desk) -> Sight | str:
    try:
        return await _sight.look(instance, desk.window)
    except SourceError as error:
        return f"{instance.name}: {error}"


def _unknown(service: str, sights: list[Sight]) -> str:
    known = sorted({name for sight in sights for name in sight.picture.services})
    near = difflib.get_close_matches(service.lower(), known, 3, 0.5)
    return f"no service is called {service!r}; " + (
        f"near: {', '.join(near)}" if near else f"there are: {', '.join(known[:30])}"
    )


def _of_service(sight: Sight, service: str, env: str) -> tuple[list[str], list[MoverFact]]:
    """Lines and facts of one service: what moved first, then the golden signals that did not."""
    moved = [m for m in sight.picture.movers if service in (m.signal.service, m.signal.peer)]
    rows = [_sight.mover_fact(m, env) for m in moved]
    seen = {id(m.signal) for m in moved}
    calm = resting(sight.signals, service, seen)
    rows += [
        MoverFact(
            service=s.service, signal=label(s), kind=KIND_WORD[s.kind], query=s.query, unit=s.unit, before=usual,
            now=now, size=0.0, direction="", since="", score=0.0,
            reason=f"{number(now, s.unit)}, as usual ({number(usual, s.unit)})",
        )
        for s, usual, now in calm[: max(0, SHOWN - len(rows))]
    ]  # fmt: skip
    head = f"{f'[{env}] ' if env else ''}{service}: {len(moved)} signals moved"
    lines = [head, *(f"- {line}" for line in _sight.lines(moved, SHOWN))]
    lines += [f"- {row['service']}: {row['signal']} {row['reason']}" for row in rows if not row["since"]]
    return lines, rows


TOOL = service_signals
