"""Posting once: every message carries its key as metadata, and is looked for before it is ever sent again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReplyError
from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.slack.client import SlackClient

Json = dict[str, Any]
EVENT = "nightjar"
PAGE, PAGES = 200, 10
TRIES = 6
QUIET = {"unfurl_links": False, "unfurl_media": False}


@dataclass(frozen=True)
class Content:
    """A message's fallback text, which is also the notification, and its blocks."""

    text: str
    blocks: tuple[Json, ...] = ()

    def arguments(self) -> Json:
        """As `chat.postMessage` and `chat.update` take it; no blocks are sent as none, so that old ones go."""
        return {"text": self.text, "blocks": list(self.blocks)}


def marked(key: str, part: str) -> Json:
    """The metadata by which a message is found again."""
    return {"event_type": EVENT, "event_payload": {"key": key, "part": part}}


def mark_of(message: Json) -> tuple[str, str] | None:
    """The key and part of one of our own messages."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return (str(payload.get("key")), str(payload.get("part"))) if metadata.get("event_type") == EVENT else None


async def messages_of(client: SlackClient, place: Place) -> list[Json]:
    """A thread from its root on, or the latest of a channel's top level; none where it may not be read.

    Raises ReplyError when Slack does not answer at all.
    """
    method = "conversations.replies" if place.thread else "conversations.history"
    where: Json = {"ts": place.thread} if place.thread else {}
    found: list[Json] = []
    for _ in range(PAGES if place.thread else 1):
        outcome = await client.call(
            method,
            channel=place.channel,
            limit=PAGE,
            include_all_metadata=True,
            repeat=True,
            **where,
        )
        if not outcome.ok and not (outcome.sure and outcome.error not in ("ratelimited", "no_connection")):
            raise ReplyError(f"{method}: {outcome.error}")
        found += [item for item in outcome.data.get("messages", ()) if not found or item["ts"] != place.thread]
        where["cursor"] = cursor = (outcome.data.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            break
    return found


async def find(client: SlackClient, place: Place, key: str, part: str) -> str:
    """The ts of the message that carries the mark, empty when there is none."""
    return next((str(m["ts"]) for m in await messages_of(client, place) if mark_of(m) == (key, part)), "")


async def post_once(
    client: SlackClient, place: Place, key: str, part: str, content: Content, *, look: bool, tries: int = TRIES
) -> Posted:
    """Post unless it is there; `look` says that it may be. Raises ReplyError when Slack refuses or stays away."""
    error = ""
    for attempt in range(tries):
        if look and (ts := await find(client, place, key, part)):
            return Posted(place.channel, ts)
        thread: Json = {"thread_ts": place.thread} if place.thread else {}
        outcome = await client.call(
            "chat.postMessage",
            channel=place.channel,
            metadata=marked(key, part),
            **content.arguments(),
            **thread,
            **QUIET,
        )
        if outcome.ok:
            return Posted(str(outcome.data.get("channel") or place.channel), str(outcome.data["ts"]))
        error = outcome.error
        if outcome.sure:
            break
        look = True
        await asyncio.sleep(min(0.2 * 2**attempt, 5.0))
    raise ReplyError(f"chat.postMessage: {error}")
