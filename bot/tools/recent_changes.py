"""The tool that says what was changed."""

from typing import Annotated

from bot.domain.alerts import Change
from bot.domain.evidence import Found
from bot.domain.facts import ChangeFact
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, ask, changes_of, scope

SHOWN = 30


@tool(role="changes", need="changes")
async def recent_changes(
    desk: Desk, service: Annotated[str, "only this service's"] = "", env: Annotated[str, ENV] = ""
) -> Found:
    """Deploys, restarts and annotations in the window: new versions, started processes, marks that people set."""
    told = await ask(scope(desk, "changes", env), lambda instance: changes_of(instance).changes(desk.window))
    found = sorted(
        ((i, change) for i, changes in told.answers for change in changes if service in ("", change.service)),
        key=lambda pair: pair[1].at,
    )
    latest = found[-SHOWN:]
    lines = [
        f"{desk.window.shown(desk.zone)} ({told.env}): {len(found)} changes" + (f" of {service}" if service else "")
    ]
    lines += [_line(desk, i, change, told.many) for i, change in latest]
    dropped = (f"the {len(found) - SHOWN} earliest changes are left out",) if len(found) > SHOWN else ()
    missing = (*told.missing, *dropped)
    deploys = [change.what for _, change in found if change.kind == "deploy"]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"changes of {service}" if service else "changes",
        env=told.env,
        facts={"changes": [_fact(i, change) for i, change in latest]},
        raw={"changes": [_fact(i, change) for i, change in found]},
        summary=f"{len(found)} changes" + (f", deploys: {', '.join(deploys[-4:])}" if deploys else ", no deploy"),
        missing=missing,
    )


def _line(desk: Desk, instance: Instance, change: Change, placed: bool) -> str:
    where = f" ({instance.shown})" if placed else ""
    return f"{_words.clock(change.at, desk)} {change.kind}: {change.what} [{instance.name}]{where}"


def _fact(instance: Instance, change: Change) -> ChangeFact:
    return ChangeFact(
        at=change.at.isoformat(timespec="seconds"),
        what=change.what,
        service=change.service,
        kind=change.kind,
        source=instance.name,
    )


TOOL = recent_changes
