"""Drops, each hour, what was kept long enough."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.flows.deps import Deps

log = logging.getLogger(__name__)
NAME = "tidy"
SERVED = timedelta(days=7)  # Slack delivers an event a day late at the most
SAID = ("keep:", "heard-up-to:")  # would be said again in the channel; up to where all was heard
CHOSEN = ("env:", "solo:", "voice:")  # hold as long as their thread is remembered


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Batch by batch, so that nobody waits long; how many rows of each kind went."""
    now = await steps.now()
    kept_since, served = now - timedelta(days=deps.policy.keep_days), now - SERVED
    purges: dict[str, Callable[[], Awaitable[int]]] = {
        "conversations": partial(deps.conversations.purge, kept_since),
        "evidence": partial(deps.evidence.purge, kept_since),
        "votes": partial(deps.votes.purge, kept_since),
        "investigations": partial(deps.audit.purge, kept_since),
        "history": partial(deps.history.purge, now),
        "served notes": partial(deps.notes.purge, served, (*SAID, *CHOSEN)),
        "notes": partial(deps.notes.purge, kept_since, SAID),
    }
    dropped = {name: await steps.once(name, partial(_all, purge), int) for name, purge in purges.items()}
    dropped["runs"] = await steps.once("runs", partial(deps.engine.forget, served), int)
    log.info("tidied", extra={"dropped": {name: count for name, count in dropped.items() if count}})
    return {"dropped": sum(dropped.values())}


async def _all(purge: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while batch := await purge():
        total += batch
    return total


FLOW = Flow(NAME, run, every="17 * * * *")
