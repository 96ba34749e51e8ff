"""The awaited middleware: decide by ids, make the one write, then ack; no write, no ack, and Slack delivers again.

A middleware and no listener, because Bolt acks an event before its listeners run, and a command only at the next tick
of a 10 ms poll. Nothing here calls Slack before the ack, and no delivery is dropped for its retry header: after a
reconnect the retry may be the only one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import telemetry
from bot.domain.place import Channel
from bot.domain.plugin import Action
from bot.flows import hello, stop
from bot.slack.catchup import CatchUp
from bot.slack.client import Identity
from bot.slack.hearing import Hearing
from bot.slack.join import enter
from bot.slack.keeping import Keeping
from bot.slack.mention import Mentions
from bot.slack.slash import Slashes

Json = dict[str, Any]
_log = logging.getLogger(__name__)
Hear = Callable[[Json, Identity], Awaitable[None]]
ACK_SECONDS = 2.0  # below the three that Slack waits; a slow database then means a new delivery, not a late ack


class Accept(AsyncMiddleware):
    """Everything Slack brings goes through here and ends here; what is not known is acked and let be."""

    def __init__(self, hearing: Hearing, actions: Mapping[str, Action], mentions: Mentions, gaps: CatchUp) -> None:
        self._context = hearing.context
        self._actions = actions
        self._mentions = mentions
        self._gaps = gaps
        self._keeping = Keeping(hearing.context)
        slashes = Slashes(hearing)
        self._kinds: dict[str, Hear] = {
            "event_callback": self._event,
            "app_rate_limited": self._left_out,
            "message_action": slashes.shortcut,
            "block_actions": self._pressed,
            "view_submission": self._submitted,
        }
        self._command = slashes.command
        self.events: dict[str, Hear] = {
            "message": self._message,
            "app_mention": mentions.hear,
            "agent_session_stopped": self._stopped,
            "channel_created": self._named,
            "channel_rename": self._named,
            "member_joined_channel": self._joined,
        }

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """Bolt's port. A 503 is no ack (Socket Mode)."""
        body = req.body
        if body.get("type") == "url_verification":  # Slack tries a request URL before it is used
            return BoltResponse(status=200, body={"challenge": str(body.get("challenge", ""))})
        hear = self._command if "command" in body else self._kinds.get(str(body.get("type")))
        if hear is not None:
            try:
                with telemetry.timed("ack_seconds"):
                    async with asyncio.timeout(ACK_SECONDS):
                        await hear(body, await self._context.client.me())
            except Exception as error:  # noqa: BLE001  whatever it was: no ack, and Slack delivers again
                self._gaps.missed()
                _log.warning("not accepted, so that Slack delivers it again: %s: %s", type(error).__name__, error)
                return BoltResponse(status=503)
        return BoltResponse(status=200, body="")

    async def _event(self, body: Json, me: Identity) -> None:
        event = body.get("event") or {}
        hear = self.events.get(str(event.get("type")))
        if hear is None:
            return
        await hear(event, me)
        if event.get("type") == "message":
            self._gaps.heard(str(event.get("ts") or ""))

    async def _left_out(self, body: Json, me: Identity) -> None:
        """Slack leaves out events of this minute."""
        self._gaps.left_out()

    async def _message(self, event: Json, me: Identity) -> None:
        await self._mentions.hear(event, me)
        self._keeping.follow(event, me)

    async def _stopped(self, event: Json, me: Identity) -> None:
        lane = f"{me.team}:{event['channel']}:{event.get('thread_ts', '')}"
        await stop.request(self._context.deps.engine, lane, "", str(event.get("user", "")))

    async def _named(self, event: Json, me: Identity) -> None:
        """A public channel got a name; one of an incident is entered after the ack, and greeted when that worked."""
        said, policy = event.get("channel") or {}, self._context.deps.policy
        channel = Channel(str(said.get("id", "")), str(said.get("name", "")))
        if policy.join and policy.is_incident(channel):
            self._context.after(partial(enter, self._context, channel.id))

    async def _joined(self, event: Json, me: Identity) -> None:
        if event.get("user") == me.user:
            by = str(event.get("inviter") or me.user)
            await hello.request(self._context.deps.engine, me.team, str(event["channel"]), by)

    async def _pressed(self, body: Json, me: Identity) -> None:
        for pressed in body.get("actions") or []:
            action = self._actions.get(str(pressed.get("action_id", "")).partition(":")[0])
            if action is None or action.view:
                continue
            told = {**body, "actions": [pressed]}
            if action.starts:
                await action.run(told, self._context)
            else:
                self._context.after(partial(action.run, told, self._context))

    async def _submitted(self, body: Json, me: Identity) -> None:
        action = self._actions.get(str((body.get("view") or {}).get("callback_id", "")))
        if action is not None and action.view:
            self._context.after(partial(action.run, body, self._context))
