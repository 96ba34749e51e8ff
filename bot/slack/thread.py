"""Reads from Slack on demand, kept for minutes and never copied; and short notes into a thread (the Chat port)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.place import Channel, Person, Place, Said
from bot.slack.alert_posts import alerts_of, shown
from bot.slack.client import Identity, SlackClient
from bot.slack.flatten import text_of
from bot.slack.mention import HUMAN
from bot.slack.posting import Content, messages_of, post_once

Json = dict[str, Any]
T = TypeVar("T")
CHANNEL_SECONDS, PERSON_SECONDS = 600.0, 600.0
NOTE_SECONDS = 600.0
RECENT_SECONDS = 3.0  # an answer does not wait longer for what was said around it
RECENT_PAGE = 50  # messages; people who come and go stand among them
SPOKEN = HUMAN | {"bot_message"}


@dataclass
class Kept(Generic[T]):
    """What was read, for so many seconds, the oldest forgotten first."""

    seconds: float
    most: int = 500
    now: Callable[[], float] = time.monotonic
    _items: OrderedDict[str, tuple[float, T]] = field(default_factory=OrderedDict)

    async def get(self, key: str, read: Callable[[str], Awaitable[T | None]], otherwise: T) -> T:
        """The kept value, or what `read` gives; `otherwise`, which is not kept, when it gives none."""
        at, value = self._items.get(key, (0.0, otherwise))
        if key in self._items and self.now() - at < self.seconds:
            return value
        fresh = await read(key)
        if fresh is None:
            return otherwise
        self._items[key] = (self.now(), fresh)
        self._items.move_to_end(key)
        while len(self._items) > self.most:
            self._items.popitem(last=False)
        return fresh


class SlackChat:
    """The Chat port over Slack."""

    def __init__(self, client: SlackClient, clean: Callable[[str], str] = str) -> None:
        self._client = client
        self._clean = clean
        self._channels: Kept[Channel] = Kept(CHANNEL_SECONDS)
        self._people: Kept[Person] = Kept(PERSON_SECONDS)

    async def channel(self, id: str) -> Channel:
        """The channel by name and kind; only its id when Slack does not say."""
        return await self._channels.get(id, self._read_channel, Channel(id, direct=id.startswith("D")))

    async def person(self, id: str) -> Person:
        """Name and time zone; guests and people of another workspace are outside."""
        return await self._people.get(id, self._read_person, Person(id)) if id else Person(id)

    async def thread(self, place: Place, limit: int = 50) -> tuple[Said, ...]:
        """The root and the latest messages of the thread, oldest first; nothing when it cannot be read."""
        if not place.thread:
            return ()
        me = await self._client.me()
        found = await messages_of(self._client, place)
        kept = [*found[:1], *found[1:][-(limit - 1) :]] if limit > 1 else found[:1]
        return tuple(said(message, me) for message in kept if message.get("subtype") not in ("tombstone",))

    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]:
        """The channel's newest top-level messages, oldest first; nothing when Slack does not give them soon."""
        me = await self._client.me()
        try:
            async with asyncio.timeout(RECENT_SECONDS):
                outcome = await self._client.call(
                    "conversations.history", channel=place.channel, limit=RECENT_PAGE, repeat=True, patience=1.0
                )
        except TimeoutError:
            return ()
        spoken = [message for message in outcome.data.get("messages", ()) if message.get("subtype", "") in SPOKEN]
        return tuple(said(message, me) for message in reversed(spoken[:limit]))

    async def note(self, place: Place, text: str, key: str) -> None:
        """A short message, once per key; raises ReplyError when Slack does not take it."""
        content = Content(self._clean(text))
        await post_once(self._client, place, key, "note", content, look=True, patience=NOTE_SECONDS)

    async def _read_channel(self, id: str) -> Channel | None:
        outcome = await self._client.call("conversations.info", channel=id, repeat=True, patience=5.0)
        if not outcome.ok:
            return None
        told = outcome.data["channel"]
        shared = bool(told.get("is_ext_shared") or told.get("is_shared") or told.get("is_org_shared"))
        direct, private = bool(told.get("is_im")), bool(told.get("is_private"))
        return Channel(id, str(told.get("name") or ""), direct, private, shared)

    async def _read_person(self, id: str) -> Person | None:
        outcome = await self._client.call("users.info", user=id, repeat=True, patience=5.0)
        if not outcome.ok:
            return None
        user, me = outcome.data["user"], await self._client.me()
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("name", "")
        guest = user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("is_stranger")
        outside = bool(guest) or user.get("team_id", me.team) != me.team
        return Person(id, name, _zone(str(user.get("tz") or "")), outside)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"


def said(message: Json, me: Identity) -> Said:
    """One message as the inside sees it; an alert's post also as labelled data."""
    own = message.get("user") == me.user or (bool(message.get("bot_id")) and message.get("bot_id") == me.bot)
    profile = message.get("bot_profile") or {}
    bot = str(message.get("username") or profile.get("name") or message["bot_id"]) if message.get("bot_id") else ""
    alerts = () if own or not bot else alerts_of(message)
    text = "\n".join([*(shown(alert) for alert in alerts), text_of(message)])
    return Said(str(message.get("ts", "")), "" if bot else str(message.get("user") or ""), text, bot, own, alerts)
