"""What a command or a button works with: the ports, the client, and the work that waits for Slack's ack."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.check.output import defuse
from bot.domain.place import Place
from bot.domain.plugin import Heard
from bot.flows.deps import Deps
from bot.slack.client import SlackClient

Work = Callable[[], Awaitable[Any]]
OUTSIDE = "I am not in this conversation, so I cannot answer in it. `/invite @nightjar`, then ask again."
_log = logging.getLogger(__name__)


class Afterwards:
    """Holds the tasks that run once Slack has its ack; a failed one is logged, none is forgotten."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, work: Work) -> None:
        """Start the work beside the ack."""
        task = asyncio.get_running_loop().create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def drain(self, seconds: float = 2.0) -> None:
        """Wait for what is under way, so long, then give it up."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work after the ack failed: %s: %s", type(error).__name__, error, exc_info=error)


async def _run(work: Work) -> None:
    await work()


@dataclass(frozen=True)
class SlackContext:
    """Frozen; handed to every command and action."""

    deps: Deps
    client: SlackClient
    afterwards: Afterwards = field(default_factory=Afterwards)

    def clean(self, text: str) -> str:
        """Text from a model or a tool as it may be shown: masked and harmless."""
        return defuse(self.deps.redact(text), self.deps.policy.link_hosts)

    def after(self, work: Work) -> None:
        """Do this once Slack has its ack: everything that calls Slack."""
        self.afterwards.add(work)

    def whisper(self, heard: Heard, text: str) -> None:
        """Say something that only this person sees, after the ack."""
        self.after(partial(self.tell_asker, heard, text))

    async def tell_asker(self, heard: Heard, text: str) -> None:
        """The same now, for work that already waits for the ack."""
        message = {"response_type": "ephemeral", "text": text}
        if heard.response_url and await self.client.respond(heard.response_url, message):
            return
        await self.tell(heard.place, heard.person, text)

    async def tell_if_outside(self, heard: Heard) -> None:
        """After a command from a channel we are not in, where no answer can stand: how to get one."""
        known = await self.client.call("conversations.info", channel=heard.place.channel, repeat=True, patience=5.0)
        said = known.data.get("channel") or {}
        if known.error == "channel_not_found" or (known.ok and not (said.get("is_member") or said.get("is_im"))):
            await self.tell_asker(heard, OUTSIDE)

    async def tell(self, place: Place, person: str, text: str) -> None:
        """An ephemeral message in a place; nothing else depends on it, so a refusal is let be."""
        thread: dict[str, Any] = {"thread_ts": place.thread} if place.thread else {}
        await self.client.call("chat.postEphemeral", channel=place.channel, user=person, text=text, **thread)
