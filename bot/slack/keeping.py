"""The history of channels that opted in: what people and other bots write, edit and delete, after the ack."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bot.domain.place import Place
from bot.flows import hello
from bot.slack.client import Identity
from bot.slack.context import SlackContext
from bot.slack.mention import SLACKBOT
from bot.slack.thread import SPOKEN, said

Json = dict[str, Any]
CHANGES = frozenset({"message_changed", "message_deleted"})


class Keeping:
    """Follows message events in the order in which they were heard."""

    def __init__(self, context: SlackContext) -> None:
        self._context = context
        self._turn = asyncio.Lock()

    def follow(self, event: Json, me: Identity) -> None:
        """Keep, replace or delete what the event tells of, once Slack has its ack; our own posts are let be."""
        changes = event.get("subtype") in CHANGES
        message = (event.get("message") or {}) if changes else event
        ts = str(event.get("deleted_ts") or message.get("ts") or "")
        own = any(_is_own(known, me) for known in (message, event.get("previous_message") or {}))
        if own or not ts or not event.get("channel"):
            return
        place = Place(me.team, str(event["channel"]))
        if changes:
            self._context.after(partial(self._change, place, ts, message, me))
        elif self._context.deps.policy.keeps and not event.get("hidden"):
            self._context.after(partial(self._add, place, ts, message, me))

    async def _add(self, place: Place, ts: str, message: Json, me: Identity) -> None:
        async with self._turn:
            if await self._context.deps.notes.get(_changed(place, ts)) is None:
                await self._keep(place, ts, message, me)

    async def _change(self, place: Place, ts: str, message: Json, me: Identity) -> None:
        async with self._turn:
            if self._context.deps.policy.keeps:
                await self._context.deps.notes.put(_changed(place, ts), "")
            if not await self._keep(place, ts, message, me):
                await self._context.deps.history.forget(place, ts)

    async def _keep(self, place: Place, ts: str, message: Json, me: Identity) -> bool:
        """Whether the message, said by somebody in a channel that opted in, is kept."""
        deps = self._context.deps
        spoken = (message.get("subtype") or "") in SPOKEN and (message.get("user") or message.get("bot_id"))
        if not (deps.policy.keeps and spoken) or message.get("user") == SLACKBOT:
            return False
        days = deps.policy.scope(await deps.chat.channel(place.channel)).keep_days
        if not days:
            return False
        await hello.say_keeping(deps, place, days)
        thread = str(message.get("thread_ts") or "")
        heard = said(message, me)
        masked = replace(heard, ts=ts, text=deps.redact(heard.text), alerts=())
        until = datetime.fromtimestamp(float(ts), UTC) + timedelta(days=days)
        await deps.history.keep(replace(place, thread="" if thread == ts else thread), masked, until)
        await deps.history.purge(deps.clock.now())
        return True


def _changed(place: Place, ts: str) -> str:
    """The note by which no process takes up the first text again, when Slack tells of it late."""
    return f"changed:{place.channel}:{ts}"


def _is_own(message: Json, me: Identity) -> bool:
    return message.get("user") == me.user or bool(me.bot and message.get("bot_id") == me.bot)
