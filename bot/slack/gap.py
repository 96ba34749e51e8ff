"""Reads what was written in the bot's channels since a time: their top level, and the threads that went on."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

from bot.domain.errors import ReplyError
from bot.slack.context import SlackContext
from bot.slack.pace import Minute

Json = dict[str, Any]
PAGE, PAGES = 200, 15  # messages, and pages of one channel or thread
MOST_THREADS = 1_000  # of one channel, the newest first: what is left out is missed for good
MOST_RECORDS = 500
ROOTS = 48 * 3600.0  # seconds before the gap in which a thread that goes on may have begun
PATIENCE = 120.0  # seconds for one call: Slack may say to wait for a minute
MOST_CALLS = 40  # a minute and method; tier 3 is 50, and answers read as well
_KINDS = ("public_channel,private_channel", "im")  # apart, as a token may lack the scope for one


class Gap:
    """Reads through `context`'s client, at a pace that leaves room for the answers."""

    def __init__(self, context: SlackContext) -> None:
        self._context = context
        self._pace: dict[str, Minute] = {}

    async def messages(self, oldest: float) -> AsyncIterator[list[Json]]:
        """What was written after `oldest` (Slack's ts), in pieces, each in the order of its ts, `channel` added.

        The top level of every channel comes first, which takes few calls, then the threads that went on. What the bot
        may not read is left out; raises ReplyError when Slack does not answer.
        """
        threads = await self._known()
        channels = sorted({*await self._channels(), *(name for name in threads if name.startswith("D"))})
        going: list[tuple[str, str]] = []
        for channel in channels:
            top = await self._all("conversations.history", channel=channel, oldest=f"{max(0.0, oldest - ROOTS):.6f}")
            going += [(channel, ts) for ts in _going(top, oldest, threads.get(channel, set()))]
            yield _after(top, channel, oldest)
        for channel, ts in going:
            replies = await self._all("conversations.replies", channel=channel, ts=ts, oldest=f"{oldest:.6f}")
            yield [message for message in _after(replies, channel, oldest) if message["ts"] != ts]

    async def _known(self) -> dict[str, set[str]]:
        """Threads of the last two days by channel, whose root may be older than what is read of the channel."""
        since = self._context.deps.clock.now() - timedelta(seconds=ROOTS)
        found: dict[str, set[str]] = {}
        for record in await self._context.deps.audit.recent(limit=MOST_RECORDS):
            place = record.question.place
            if record.started >= since and place.thread:
                found.setdefault(place.channel, set()).add(place.thread)
        return found

    async def _channels(self) -> list[str]:
        found: list[str] = []
        for kinds in _KINDS:
            listed = await self._all("users.conversations", "channels", types=kinds, exclude_archived=True)
            found += [str(channel["id"]) for channel in listed]
        return found

    async def _all(self, method: str, of: str = "messages", **where: Any) -> list[Json]:
        found: list[Json] = []
        for _ in range(PAGES):
            while not self._pace.setdefault(method, Minute(MOST_CALLS)).take():  # noqa: ASYNC110  # time frees it
                await asyncio.sleep(1.0)
            outcome = await self._context.client.call(method, repeat=True, patience=PATIENCE, limit=PAGE, **where)
            if outcome.passes:
                raise ReplyError(f"{method}: {outcome.error}")
            found += outcome.data.get(of, ())
            where["cursor"] = cursor = (outcome.data.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                break
        return found


def _after(found: Iterable[Json], channel: str, oldest: float) -> list[Json]:
    """What is new, oldest first."""
    new = [message | {"channel": channel} for message in found if float(message["ts"]) > oldest]
    return sorted(new, key=lambda message: float(message["ts"]))


def _going(top: Iterable[Json], oldest: float, known: Iterable[str]) -> list[str]:
    """Threads of a channel that may hold something new: those that went on, and known ones whose root is older."""
    latest = {str(message["ts"]): float(message.get("latest_reply") or 0) for message in top}
    going = {ts for ts, reply in latest.items() if reply > oldest}
    return sorted(going | (set(known) - latest.keys()), key=float, reverse=True)[:MOST_THREADS]
