"""The tool that lists silences."""

from typing import Annotated

from bot.domain.evidence import Found
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, alerts_of, ask, scope

SHOWN = 30


@tool(role="health", need="alerts")
async def silences(desk: Desk, env: Annotated[str, ENV] = "") -> Found:
    """The silences in force: what they match, who set them, why, until when."""
    stores = scope(desk, "alerts", env)
    managers = tuple(i for i in stores if i.kind != "prometheus")
    told = await ask(managers or stores, lambda instance: alerts_of(instance).silences())
    found = sorted(((i, one) for i, held in told.answers for one in held), key=lambda pair: pair[1].ends)
    unable = () if managers else ("silences are Alertmanager's, and none is in scope",)
    more = (f"{len(found) - SHOWN} more silences are left out",) if len(found) > SHOWN else ()
    missing = (*told.missing, *unable, *more)
    lines = [f"{len(found)} silences in force ({told.env})"]
    for i, one in found[:SHOWN]:
        place = f" ({i.shown})" if told.many else ""
        until = f"until {_words.clock(one.ends, desk)}"
        lines.append(f"{', '.join(one.matchers)} {until}, by {one.by or '?'}: {one.comment or 'no comment'}{place}")
    facts = [
        {
            "id": one.id,
            "matchers": list(one.matchers),
            "by": one.by,
            "comment": one.comment,
            "ends": one.ends.isoformat(timespec="seconds"),
            "source": i.name,
            "env": i.shown,
        }
        for i, one in found
    ]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query="silences",
        env=told.env,
        facts={"silences": facts[:SHOWN]},
        raw={"silences": facts},
        summary=f"{len(found)} silences in force",
        missing=missing,
    )


TOOL = silences
