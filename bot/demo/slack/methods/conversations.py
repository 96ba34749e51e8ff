"""`conversations.*`: find, read, open and join channels."""

import base64
import re
from collections.abc import Sequence
from typing import TypeVar

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Channel, Json, Message, Refused
from bot.demo.slack.workspace import BOT, Happening, Workspace

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9_-]{1,80}")
MAX_TOPIC = 250


def page_of(items: Sequence[T], args: Arguments, default: int = 100) -> tuple[list[T], str]:
    """One page of a list and the cursor of the next; raises `invalid_cursor` or `invalid_limit`."""
    limit = args.number("limit", default)
    cursor = args.text("cursor")
    try:
        start = int(base64.b64decode(cursor, validate=True).removeprefix(b"next:")) if cursor else 0
    except ValueError:
        raise Refused("invalid_cursor") from None
    after = start + limit
    following = base64.b64encode(b"next:%d" % after).decode() if after < len(items) else ""
    return list(items[start:after]), following


def between(messages: Sequence[Message], args: Arguments) -> list[Message]:
    """The messages between `oldest` and `latest`, ends included only when `inclusive`."""
    oldest, latest = _instant(args, "oldest", 0.0), _instant(args, "latest", float("inf"))
    if args.flag("inclusive"):
        return [message for message in messages if oldest <= float(message.ts) <= latest]
    return [message for message in messages if oldest < float(message.ts) < latest]


def _instant(args: Arguments, name: str, default: float) -> float:
    try:
        return float(args.text(name) or default)
    except ValueError:
        raise Refused(f"invalid_ts_{name}") from None


def _readable(workspace: Workspace, args: Arguments) -> Channel:
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    if BOT.id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _page(messages: list[Message], args: Arguments) -> Json:
    chosen, cursor = page_of(messages, args)
    metadata = args.flag("include_all_metadata")
    body: Json = {"messages": [message.to_json(metadata=metadata) for message in chosen], "has_more": bool(cursor)}
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def info(workspace: Workspace, args: Arguments) -> Json:
    """One channel."""
    return {"channel": workspace.channel(args.need("channel", "channel_not_found")).to_json(BOT.id)}


def list_channels(workspace: Workspace, args: Arguments) -> Json:
    """Every channel of the asked types."""
    types = args.names("types") or ["public_channel"]
    wanted = [c for c in workspace.channels.values() if ("im" if c.is_direct else "public_channel") in types]
    chosen, cursor = page_of(wanted, args)
    return {"channels": [c.to_json(BOT.id) for c in chosen], "response_metadata": {"next_cursor": cursor}}


def of_user(workspace: Workspace, args: Arguments) -> Json:
    """The channels a user is in (`users.conversations`)."""
    user = args.text("user") or BOT.id
    types = args.names("types") or ["public_channel"]
    mine = [c for c in workspace.channels.values() if user in c.members]
    wanted = [c for c in mine if ("im" if c.is_direct else "public_channel") in types]
    chosen, cursor = page_of(wanted, args)
    return {"channels": [c.to_json(BOT.id) for c in chosen], "response_metadata": {"next_cursor": cursor}}


def history(workspace: Workspace, args: Arguments) -> Json:
    """What stands at the top of a channel, newest first."""
    channel = _readable(workspace, args)
    top = [m for m in channel.messages.values() if not m.is_reply or m.broadcast]
    return _page(between(top, args)[::-1], args)


def replies(workspace: Workspace, args: Arguments) -> Json:
    """A thread, root first; a reply's own ts gives that reply alone."""
    channel = _readable(workspace, args)
    ts = args.need("ts", "thread_not_found")
    if ts not in channel.messages:
        raise Refused("thread_not_found")
    root = channel.messages[ts]
    below = between([channel.messages[reply] for reply in root.replies], args)
    return _page([root, *below], args)


def members(workspace: Workspace, args: Arguments) -> Json:
    """The ids of a channel's members."""
    chosen, cursor = page_of(workspace.channel(args.need("channel", "channel_not_found")).members, args)
    return {"members": chosen, "response_metadata": {"next_cursor": cursor}}


def open_direct(workspace: Workspace, args: Arguments) -> Json:
    """The direct message with one user."""
    if args.text("channel"):
        return {"channel": workspace.channel(args.text("channel")).to_json(BOT.id)}
    users = args.names("users")
    if len(users) != 1:
        raise Refused("users_list_not_supplied" if not users else "not_enough_users")
    channel = workspace.direct(workspace.user(users[0]).id)
    return {"channel": channel.to_json(BOT.id) if args.flag("return_im") else {"id": channel.id}}


def create(workspace: Workspace, args: Arguments) -> Json:
    """A new public channel with the bot in it."""
    name = args.need("name", "invalid_name_required")
    if not NAME.fullmatch(name):
        raise Refused("invalid_name_specials" if len(name) <= 80 else "invalid_name_maxlength")
    return {"channel": workspace.create_channel(name, BOT.id, [BOT.id]).to_json(BOT.id)}


def invite(workspace: Workspace, args: Arguments) -> Json:
    """Bring users into a channel."""
    channel = _readable(workspace, args)
    for guest in [workspace.user(user).id for user in args.names("users")]:
        if not workspace.join(channel, guest, BOT.id):
            raise Refused("already_in_channel")
    return {"channel": channel.to_json(BOT.id)}


def join(workspace: Workspace, args: Arguments) -> Json:
    """The bot joins a public channel; joining twice only warns."""
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    if channel.is_direct:
        raise Refused("method_not_supported_for_channel_type")
    joined = workspace.join(channel, BOT.id)
    body: Json = {"channel": channel.to_json(BOT.id)}
    return body if joined else body | {"warning": "already_in_channel"}


def set_topic(workspace: Workspace, args: Arguments) -> Json:
    """The line at the channel's head."""
    channel = _readable(workspace, args)
    topic = args.text("topic")
    if len(topic) > MAX_TOPIC:
        raise Refused("too_long")
    channel.topic = topic
    workspace.emit(Happening("topic", channel.id, BOT.id))
    return {"channel": channel.to_json(BOT.id)}


METHODS = (
    Method("conversations.info", info, 3),
    Method("conversations.list", list_channels, 2),
    Method("conversations.history", history, 3),
    Method("conversations.replies", replies, 3),
    Method("conversations.members", members, 4),
    Method("conversations.open", open_direct, 3),
    Method("conversations.create", create, 2),
    Method("conversations.invite", invite, 3),
    Method("conversations.join", join, 3),
    Method("conversations.setTopic", set_topic, 2),
    Method("users.conversations", of_user, 3),
)
