"""A pressed button, as Slack's payload tells of it."""

from dataclasses import dataclass
from typing import Any

from bot.domain.place import Place

Json = dict[str, Any]


@dataclass(frozen=True)
class Pressed:
    """Who pressed, where, and the flow's key that the button carries; `more` is what its value says beside."""

    key: str
    more: str
    person: str
    place: Place
    ts: str
    trigger: str
    message: Json

    @classmethod
    def read(cls, body: Json, team: str) -> "Pressed":
        """From `block_actions`; a message outside any thread is the root of its own."""
        value = str(body["actions"][0].get("value") or "")
        left, _, right = value.partition("|")
        key, more = (right, left) if left in ("up", "down") else (left, right)
        message, container = body.get("message") or {}, body.get("container") or {}
        ts = str(message.get("ts") or container.get("message_ts") or "")
        thread = str(message.get("thread_ts") or container.get("thread_ts") or ts)
        channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
        person, trigger = str((body.get("user") or {}).get("id", "")), str(body.get("trigger_id", ""))
        return cls(key, more, person, Place(team, channel, thread), ts, trigger, message)


async def pressed(body: Json, context: Any) -> Pressed:
    """The same, for the team the token belongs to."""
    return Pressed.read(body, (await context.client.me()).team)
