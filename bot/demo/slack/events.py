"""From what happens in the workspace to the events the app is subscribed to."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.demo.slack.delivery import Envelope
from bot.demo.slack.records import Channel, Json
from bot.demo.slack.workspace import BOT, TEAM, Happening, Workspace

APP = "A07NIGHTJAR"


@dataclass(frozen=True)
class Events:
    """Builds event envelopes; only what the app may see in channels it is in."""

    workspace: Workspace
    verification: str

    def of(self, happening: Happening) -> Iterator[Envelope]:
        """The envelopes of one happening, none when the app hears nothing of it."""
        build = _BUILD.get(happening.kind)
        if build is None:
            return
        channel = self.workspace.channels.get(happening.channel)
        if channel is not None and BOT.id not in channel.members and happening.kind != "channel_created":
            return
        for event in build(self, happening):
            yield self.wrap(event)

    def wrap(self, event: Json) -> Envelope:
        """An event inside its `event_callback`."""
        now = self.workspace.now()
        payload: Json = {
            "token": self.verification,
            "team_id": TEAM,
            "api_app_id": APP,
            "event": {"event_ts": f"{now:.6f}"} | event,
            "type": "event_callback",
            "event_id": self.workspace.mint_id("Ev"),
            "event_time": int(now),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": BOT.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": uuid.uuid4().hex,
        }
        name = f"{event['type']}.{event['subtype']}" if event.get("subtype") else event["type"]
        return Envelope(str(uuid.uuid4()), "events_api", name, payload)

    def rate_limited(self) -> Envelope:
        """That events of this minute are left out; no `event_callback`."""
        minute = int(self.workspace.now()) // 60 * 60
        payload: Json = {"token": self.verification, "team_id": TEAM, "api_app_id": APP, "type": "app_rate_limited"}
        payload["minute_rate_limited"] = minute
        return Envelope(str(uuid.uuid4()), "events_api", "app_rate_limited", payload)

    def message(self, happening: Happening) -> Iterator[Json]:
        """A new message; a mention of the bot in a channel is told twice, with the same ts."""
        message = happening.message
        if message is None:
            return
        channel = self.workspace.channels[message.channel]
        body = message.to_json() | {"team": TEAM, "channel": channel.id, "event_ts": message.ts}
        yield body | {"channel_type": _channel_type(channel)}
        if f"<@{BOT.id}>" in message.text and message.user != BOT.id and not channel.is_direct:
            yield body | {"type": "app_mention"}

    def changed(self, happening: Happening) -> Iterator[Json]:
        """An edit, with what stood there before."""
        message = happening.message
        if message is None:
            return
        yield {
            "type": "message",
            "subtype": "message_changed",
            "channel": message.channel,
            "channel_type": _channel_type(self.workspace.channels[message.channel]),
            "ts": self.workspace.mint_ts(),
            "message": message.to_json(),
            "previous_message": (happening.data or {}).get("previous", {}),
            "hidden": True,
        }

    def deleted(self, happening: Happening) -> Iterator[Json]:
        """A deletion, with what stood there before."""
        message = happening.message
        if message is None:
            return
        yield {
            "type": "message",
            "subtype": "message_deleted",
            "channel": message.channel,
            "channel_type": _channel_type(self.workspace.channels[message.channel]),
            "ts": self.workspace.mint_ts(),
            "deleted_ts": message.ts,
            "previous_message": message.to_json(),
            "hidden": True,
        }

    def reaction(self, happening: Happening) -> Iterator[Json]:
        """A reaction put on or taken off."""
        message = happening.message
        if message is None:
            return
        yield {
            "type": happening.kind,
            "user": happening.user,
            "reaction": (happening.data or {})["reaction"],
            "item_user": message.user,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        }

    def joined(self, happening: Happening) -> Iterator[Json]:
        """Somebody, maybe the bot, is a member now."""
        event: Json = {
            "type": "member_joined_channel",
            "user": happening.user,
            "channel": happening.channel,
            "channel_type": "C",
            "team": TEAM,
        }
        inviter = (happening.data or {}).get("inviter")
        yield event | ({"inviter": inviter} if inviter else {})

    def created(self, happening: Happening) -> Iterator[Json]:
        """A new public channel."""
        channel = self.workspace.channels[happening.channel]
        kept = ("id", "name", "created", "creator", "name_normalized")
        body = {key: value for key, value in channel.to_json(BOT.id).items() if key in kept}
        yield {"type": "channel_created", "channel": body}


def _channel_type(channel: Channel) -> str:
    return "im" if channel.is_direct else "channel"


_BUILD: dict[str, Callable[[Events, Happening], Iterator[Json]]] = {
    "message": Events.message,
    "message_changed": Events.changed,
    "message_deleted": Events.deleted,
    "reaction_added": Events.reaction,
    "reaction_removed": Events.reaction,
    "member_joined_channel": Events.joined,
    "channel_created": Events.created,
}
