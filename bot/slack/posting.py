"""Posting once: every message carries its key as metadata, and is looked for before it is ever sent again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReplyError
from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.slack.client import Outcome, SlackClient

Json = dict[str, Any]
EVENT = "nightjar"
PAGE, PAGES = 200, 10
PATIENCE = 86_400.0  # seconds: an answer waits for Slack, however long it is away
SHORTLY = 2.5
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0  # what was posted may be read a moment later
LAG = 1.5  # seconds in which a post of a process that died may still come to stand
FOUND_AGAIN = 90_000.0  # seconds back, among a channel's messages
FINAL = "final"
QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


@dataclass(frozen=True)
class Content:
    """A message's fallback text, which is also the notification, and its blocks."""

    text: str
    blocks: tuple[Json, ...] = ()

    def arguments(self) -> Json:
        """As `chat.postMessage` and `chat.update` take it; no blocks are sent as none, so that old ones go."""
        return {"text": self.text, "blocks": list(self.blocks)}


def marked(key: str, part: str, state: str = "") -> Json:
    """The metadata by which a message is found again; `state` is FINAL once nothing more comes of it."""
    return {"event_type": EVENT, "event_payload": {"key": key, "part": part, "state": state}}


def mark_of(message: Json) -> tuple[str, str] | None:
    """The key and part of one of our own messages."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return (str(payload.get("key")), str(payload.get("part"))) if metadata.get("event_type") == EVENT else None


def is_final(message: Json) -> bool:
    """Whether one of our own messages is what it will stay."""
    return ((message.get("metadata") or {}).get("event_payload") or {}).get("state") == FINAL


async def messages_of(client: SlackClient, place: Place) -> list[Json]:
    """A thread from its root on, or a day of a channel's top level; none where it may not be read.

    Raises ReplyError when Slack does not answer at all.
    """
    method = "conversations.replies" if place.thread else "conversations.history"
    where: Json = {"ts": place.thread} if place.thread else {"oldest": f"{client.clock.time() - FOUND_AGAIN:.6f}"}
    found: list[Json] = []
    for _ in range(PAGES):
        outcome = await client.call(
            method,
            channel=place.channel,
            limit=PAGE,
            include_all_metadata=True,
            repeat=True,
            **where,
        )
        if outcome.passes:
            raise ReplyError(f"{method}: {outcome.error}")
        found += [item for item in outcome.data.get("messages", ()) if not found or item["ts"] != place.thread]
        where["cursor"] = cursor = (outcome.data.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            break
    return found


async def find(client: SlackClient, place: Place, key: str, part: str) -> Posted | None:
    """The message that carries the mark, if there is one."""
    for message in await messages_of(client, place):
        if mark_of(message) == (key, part):
            return Posted(place.channel, str(message["ts"]), is_final(message))
    return None


async def post_once(
    client: SlackClient,
    place: Place,
    key: str,
    part: str,
    content: Content,
    *,
    look: bool,
    lag: float = 0.0,
    patience: float = PATIENCE,
) -> Posted:
    """Post unless it is there; `look` says that it may be, and `lag` for how many seconds it may still be on its way.

    An outage is waited out for `patience` seconds.

    Raises ReplyError when Slack refuses, or stays away longer.
    """
    loop = asyncio.get_running_loop()
    end, wait = loop.time() + patience, FIRST_WAIT
    while True:
        try:
            found = await find(client, place, key, part) if look else None
            if look and lag and not found:
                await asyncio.sleep(lag)
                found = await find(client, place, key, part)
            if found:
                return found
            outcome = await _post(client, place, marked(key, part, FINAL if part == "note" else ""), content)
        except ReplyError as error:  # it could not be looked for
            outcome = Outcome(error=str(error), sure=False)
        if outcome.ok:
            return Posted(str(outcome.data.get("channel") or place.channel), str(outcome.data["ts"]))
        if not outcome.passes or loop.time() + wait > end:
            raise ReplyError(f"chat.postMessage: {outcome.error}")
        look = look or not outcome.sure
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


async def _post(client: SlackClient, place: Place, mark: Json, content: Content) -> Outcome:
    thread: Json = {"thread_ts": place.thread} if place.thread else {}
    return await client.call(
        "chat.postMessage", channel=place.channel, metadata=mark, **content.arguments(), **thread, **QUIET
    )
