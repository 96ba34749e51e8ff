"""Several who ask the same at once look once: a tool call under way serves everyone who makes it meanwhile.

Nothing is kept: a call that begins after another has ended looks anew.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.evidence import Found
from bot.domain.tools import Desk, Tool

SAME_SECONDS = 15
"""Windows of one length whose ends lie in the same stretch of so many seconds show the same."""


@dataclass
class _Look:
    """A call under way and how many wait for it."""

    task: asyncio.Task[Found]
    waiting: int = 0


_UNDER_WAY: dict[tuple[object, ...], _Look] = {}


async def look(tool: Tool, desk: Desk, arguments: Mapping[str, Any]) -> Found:
    """What the tool finds; whoever is cancelled leaves the look to the others, the last one ends it."""
    key = _key(tool, desk, arguments)
    found = _UNDER_WAY.get(key)
    if found is None:
        found = _UNDER_WAY[key] = _Look(asyncio.ensure_future(tool.run(desk, **arguments)))
        found.task.add_done_callback(lambda task: _over(key, task))
    found.waiting += 1
    try:
        return await asyncio.shield(found.task)
    finally:
        found.waiting -= 1
        if not found.waiting and not found.task.done():
            _UNDER_WAY.pop(key, None)
            found.task.cancel()


def _over(key: tuple[object, ...], task: "asyncio.Task[Found]") -> None:
    if (known := _UNDER_WAY.get(key)) is not None and known.task is task:
        del _UNDER_WAY[key]
    if not task.cancelled():
        task.exception()  # those who waited have it, or none did


def _key(tool: Tool, desk: Desk, arguments: Mapping[str, Any]) -> tuple[object, ...]:
    instances = tuple(id(instance) for instance in desk.sources.instances)
    window = round(desk.window.seconds), desk.window.end.timestamp() // SAME_SECONDS
    asked = json.dumps(arguments, sort_keys=True, default=str)
    by = desk.digester.names if desk.digester else ()
    return asyncio.get_running_loop(), tool.run, instances, desk.services, desk.zone, window, asked, by
