"""What people write: mentions, direct messages, follow-ups, edits. Decided by ids only, before the ack."""

import re
from collections import OrderedDict
from typing import Any, Literal

from bot.domain.investigations import Question
from bot.domain.place import Place
from bot.domain.plugin import Heard
from bot.flows.context import forget
from bot.slack.client import Identity
from bot.slack.flatten import MAX_TEXT, plain
from bot.slack.hearing import Hearing, put

Json = dict[str, Any]
Way = Literal["mention", "direct", "follow_up"]
HUMAN = frozenset({"", "file_share", "me_message", "thread_broadcast"})
SLACKBOT = "USLACKBOT"
MOST_THREADS = 2_000  # whose voices are kept in memory beside the note


class Mentions:
    """Hears message and app_mention events; both may tell of the same message."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._context = hearing.context
        self._voices: OrderedDict[str, set[str]] = OrderedDict()

    async def hear(self, event: Json, me: Identity) -> None:
        """A new, edited or deleted message."""
        if event.get("subtype") in ("message_changed", "message_deleted"):
            await self._forget(event, me)
        elif _by_human(event, me):
            await self._human(event, me)

    async def _human(self, event: Json, me: Identity) -> None:
        ts, user = str(event["ts"]), str(event["user"])
        place = Place(me.team, str(event["channel"]), str(event.get("thread_ts") or ts))
        in_thread, text = place.thread != ts, str(event.get("text") or "")
        mentioned = event.get("type") == "app_mention" or f"<@{me.user}>" in text or f"<@{me.user}|" in text
        direct = event.get("channel_type") == "im" or place.channel.startswith("D")
        alone = await self._is_alone(place, user) if in_thread and not direct else False
        if not (mentioned or direct or alone):
            return
        words = " ".join(plain(re.sub(rf"<@{me.user}(\|[^>]*)?>", " ", text))[:MAX_TEXT].split())
        command, rest = self._hearing.recognise(words or "help")
        if command is not None:
            key = f"heard:{place.team}:{place.channel}:{ts}"
            await self._hearing.give(command, Heard(place, user, rest, ts, key, slash=False))
            return
        way: Way = "mention" if mentioned else "direct" if direct else "follow_up"
        await put(self._context, Question(place, words, user, ts, way))

    async def _is_alone(self, place: Place, user: str) -> bool:
        """Whether this human alone talks with the bot in the thread; a second one ends that."""
        voices = self._voices.setdefault(place.lane, set())  # noted before any await: messages come side by side
        voices.add(user)
        self._voices.move_to_end(place.lane)
        if len(self._voices) > MOST_THREADS:
            self._voices.popitem(last=False)
        key = f"solo:{place.lane}"
        alone = await self._context.deps.notes.get(key)
        if alone is not None and alone not in (user, "many"):
            await self._context.deps.notes.put(key, "many", replace=True)
        return alone == user and voices == {user}

    async def _forget(self, event: Json, me: Identity) -> None:
        """What is edited or deleted in Slack is forgotten here; our own updates and unfurled links are no edits."""
        before, now = event.get("previous_message") or {}, event.get("message") or {}
        ts = str(event.get("deleted_ts") or now.get("ts") or before.get("ts") or "")
        own = any(message.get("user") == me.user or message.get("bot_id") for message in (before, now))
        if own or not ts or (now and before and now.get("text") == before.get("text")):
            return
        thread = str(now.get("thread_ts") or before.get("thread_ts") or ts)
        deleted = not now or now.get("subtype") == "tombstone"
        await forget(self._context.deps, Place(me.team, str(event["channel"]), thread), ts, deleted=deleted)


def _by_human(event: Json, me: Identity) -> bool:
    if (event.get("subtype") or "") not in HUMAN or event.get("bot_id") or event.get("hidden"):
        return False
    return event.get("user") not in (None, "", me.user, SLACKBOT) and bool(event.get("ts") and event.get("channel"))
