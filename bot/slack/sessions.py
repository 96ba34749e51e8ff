"""Slack's own sign that the agent is at work, with its stop button: a nicety that nothing depends on."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

MOST_KNOWN = 2_000
MOST_REFUSALS = 3  # in a row; an app that is no agent is refused every time


class Sessions:
    """Sets a thread's session status once for each change; leaves it be where Slack keeps refusing."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self._call = call
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._refusals = 0

    async def set(self, channel: str, thread: str, status: str) -> None:
        """`processing` shows the stop button, `active` takes it away; one try, whatever comes of it."""
        key = (channel, thread)
        if self._refusals >= MOST_REFUSALS or self._known.get(key) == status:
            return
        self._known[key] = status
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        outcome = await self._call(
            "agents.sessions.setStatus", patience=0.0, channel_id=channel, thread_ts=thread, status=status
        )
        self._refusals = self._refusals + 1 if outcome.error and outcome.sure else 0

    async def over(self, channel: str, thread: str, *, fresh: bool) -> None:
        """The work is done; `fresh` says that this process alone worked in the thread, and so knows its status."""
        if not fresh or (channel, thread) in self._known:
            await self.set(channel, thread, "active")
