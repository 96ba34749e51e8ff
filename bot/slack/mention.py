"""What people write: mentions, direct messages, follow-ups, edits. Decided by ids only, before the ack."""

import re
from collections import OrderedDict
from functools import partial
from typing import Any

from bot.domain.investigations import PostedFile
from bot.domain.place import Place
from bot.flows.context import forget
from bot.slack.client import Identity
from bot.slack.flatten import MAX_TEXT, plain
from bot.slack.hearing import Asked, Hearing, Way
from bot.slack.offer import offer

Json = dict[str, Any]
HUMAN = frozenset({"", "file_share", "me_message", "thread_broadcast"})
SLACKBOT, MANY = "USLACKBOT", "many"
MOST_FILES, MOST_NAME = 10, 120
MOST_THREADS = 2_000  # whose voices are kept in memory beside the notes
OLD_SECONDS = 900.0  # what was written longer ago is answered only when somebody still wants it


class Mentions:
    """Hears message and app_mention events; both may tell of the same message."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._context = hearing.context
        self._voices: OrderedDict[str, set[str]] = OrderedDict()

    async def hear(self, event: Json, me: Identity) -> None:
        """A new, edited or deleted message; what is old is offered once Slack has its ack."""
        if event.get("subtype") in ("message_changed", "message_deleted"):
            await self._forget(event, me)
        elif (asked := await self._asked(event, me)) is not None:
            if self._is_old(asked):
                self._context.after(partial(offer, self._context, asked))
            else:
                await self._hearing.take(asked)

    async def catch_up(self, event: Json, me: Identity) -> bool:
        """A message that nobody may have told of; whether it was for us, and had not been taken before."""
        asked = await self._asked(event, me)
        if asked is None:
            return False
        return await (offer(self._context, asked) if self._is_old(asked) else self._hearing.take(asked))

    async def _asked(self, event: Json, me: Identity) -> Asked | None:
        """What a human wants of us, None when a message is not for us."""
        if not _by_human(event, me):
            return None
        ts, user = str(event["ts"]), str(event["user"])
        place = Place(me.team, str(event["channel"]), str(event.get("thread_ts") or ts))
        in_thread, text = place.thread != ts, str(event.get("text") or "")
        mentioned = event.get("type") == "app_mention" or f"<@{me.user}>" in text or f"<@{me.user}|" in text
        direct = event.get("channel_type") == "im" or place.channel.startswith("D")
        alone = await self._is_alone(place, user) if in_thread and not direct else False
        if not (mentioned or direct or alone):
            return None
        words = " ".join(plain(re.sub(rf"<@{me.user}(\|[^>]*)?>", " ", text))[:MAX_TEXT].split())
        way: Way = "mention" if mentioned else "direct" if direct else "follow_up"
        return Asked(place, user, ts, words, way, files_of(event))

    def _is_old(self, asked: Asked) -> bool:
        return self._context.client.clock.time() - float(asked.ts) > OLD_SECONDS

    async def _is_alone(self, place: Place, user: str) -> bool:
        """Whether this human alone talks with the bot in the thread; a second one ends that, in every process."""
        here = self._voices.setdefault(place.lane, set())
        here.add(user)  # before any await: two messages are heard side by side
        self._voices.move_to_end(place.lane)
        if len(self._voices) > MOST_THREADS:
            self._voices.popitem(last=False)
        notes, voice, solo = self._context.deps.notes, f"voice:{place.lane}", f"solo:{place.lane}"
        only = (await notes.put(voice, user) or await notes.get(voice) == user) and here == {user}
        if not only:
            await notes.put(voice, MANY, replace=True)
        alone = await notes.get(solo)
        if alone is not None and alone not in (user, MANY):
            await notes.put(solo, MANY, replace=True)
        return only and alone == user

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


def files_of(message: Json) -> tuple[PostedFile, ...]:
    """References to the files of a message; one that was deleted, or lies outside Slack, is none."""
    found = [file for file in message.get("files") or () if isinstance(file, dict) and file.get("url_private")]
    return tuple(
        PostedFile(
            id=str(file.get("id") or f"file-{number}"),
            name=str(file.get("name") or file.get("title") or "")[:MOST_NAME],
            media_type=str(file.get("mimetype") or ""),
            size=file["size"] if isinstance(file.get("size"), int) else 0,
            url=str(file["url_private"]),
        )
        for number, file in enumerate(found[:MOST_FILES])
    )


def _by_human(event: Json, me: Identity) -> bool:
    if (event.get("subtype") or "") not in HUMAN or event.get("bot_id") or event.get("hidden"):
        return False
    return event.get("user") not in (None, "", me.user, SLACKBOT) and bool(event.get("ts") and event.get("channel"))
