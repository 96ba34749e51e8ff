"""What a workspace keeps: people, channels, messages and files, in the shapes Slack answers with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.demo.slack.stream import Stream

Json: TypeAlias = dict[str, Any]
Clock: TypeAlias = Callable[[], float]


class Refused(Exception):
    """Slack's `ok: false`: the code names what is wrong, the messages say where."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages


@dataclass(frozen=True)
class User:
    """A person or a bot of the workspace; `zone` is an IANA name."""

    id: str
    name: str
    real_name: str
    zone: str = "Etc/UTC"
    bot_id: str = ""

    def to_json(self, team_id: str, now: float) -> Json:
        """The user object of `users.info`, with the zone's offset in seconds at `now`."""
        local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.zone))
        offset = local.utcoffset()
        profile: Json = {"real_name": self.real_name, "display_name": self.name, "team": team_id}
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "is_bot": bool(self.bot_id),
            "is_admin": False,
            "is_restricted": False,
            "tz": self.zone,
            "tz_label": local.tzname() or self.zone,
            "tz_offset": int(offset.total_seconds()) if offset is not None else 0,
            "profile": profile,
        }


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file; it is shared once `completeUploadExternal` has named it."""

    id: str
    name: str
    length: int
    title: str = ""
    alt_text: str = ""
    mimetype: str = "application/octet-stream"
    content: bytes | None = None
    shared_in: tuple[str, ...] = ()

    def to_json(self, base_url: str, user: str) -> Json:
        """The file object of `files.info` and of a message's `files`."""
        url, private = (f"{base_url}/{path}/{self.id}/{self.name}" for path in ("files", "files-pri"))
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "alt_txt": self.alt_text,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2],
            "size": self.length,
            "user": user,
            "url_private": private,
            "url_private_download": private,
            "permalink": url,
            "channels": list(self.shared_in),
        }

    def shared(self, title: str, channel: str | None) -> "StoredFile":
        """This file with its title, shared in one more channel."""
        where = (*self.shared_in, channel) if channel else self.shared_in
        return replace(self, title=title or self.title, shared_in=where)


@dataclass
class Message:
    """One message; `visible_to` makes it ephemeral, `stream` makes it a streamed one."""

    ts: str
    channel: str
    user: str
    text: str = ""
    thread_ts: str | None = None
    bot_id: str = ""
    username: str = ""
    icon_emoji: str = ""
    subtype: str = ""
    blocks: list[Json] | None = None
    attachments: list[Json] = field(default_factory=list)
    markdown: str | None = None
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: Json | None = None
    visible_to: str | None = None
    broadcast: bool = False
    stream: Stream | None = None
    replies: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The ts of the thread this message belongs to (its own when it is a root)."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        """Whether the message stands inside a thread, not at its top."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def shown_blocks(self) -> list[Json]:
        """The blocks a client draws: the streamed parts, else the posted ones, else the Markdown."""
        if self.stream is not None:
            return [*self.stream.parts, *(self.blocks or [])]
        if self.blocks is not None:
            return self.blocks
        return [{"type": "markdown", "text": self.markdown}] if self.markdown else []

    def to_json(self, *, metadata: bool = True) -> Json:
        """The message object of the Web API; `metadata` as `include_all_metadata` asks for it."""
        body: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text}
        optional: Json = {
            "subtype": self.subtype,
            "bot_id": self.bot_id,
            "app_id": self.bot_id and f"A{self.bot_id[1:]}",
            "username": self.username,
            "icons": self.icon_emoji and {"emoji": self.icon_emoji},
            "blocks": self.shown_blocks(),
            "attachments": self.attachments,
            "files": self.files,
            "edited": self.edited,
            "metadata": self.metadata if metadata else None,
            "streaming_state": self.stream.state if self.stream else "",
            "reactions": [{"name": n, "users": list(u), "count": len(u)} for n, u in self.reactions.items() if u],
        }
        body.update({key: value for key, value in optional.items() if value})
        if self.thread_ts is not None:
            body["thread_ts"] = self.thread_ts
        if self.replies:
            body |= {"thread_ts": self.ts, "reply_count": len(self.replies), "latest_reply": self.replies[-1]}
        return body


@dataclass
class Channel:
    """A public channel (`C…`) or a direct message with the bot (`D…`)."""

    id: str
    name: str
    creator: str
    created: int
    members: list[str] = field(default_factory=list)
    topic: str = ""
    messages: dict[str, Message] = field(default_factory=dict)
    ephemeral: dict[str, Message] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        """Whether this is a direct message."""
        return self.id.startswith("D")

    def to_json(self, viewer: str) -> Json:
        """The conversation object as the app sees it."""
        body: Json = {"id": self.id, "created": self.created, "creator": self.creator, "is_archived": False}
        if self.is_direct:
            other = next((member for member in self.members if member != viewer), viewer)
            return body | {"is_im": True, "is_channel": False, "user": other}
        return body | {
            "name": self.name,
            "name_normalized": self.name,
            "is_im": False,
            "is_channel": True,
            "is_private": False,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": self.creator, "last_set": self.created},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def find(self, ts: str) -> Message | None:
        """The message or the ephemeral message of that ts."""
        return self.messages.get(ts) or self.ephemeral.get(ts)
