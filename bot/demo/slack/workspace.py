"""The workspace's state and nothing else: no HTTP, no tasks; whoever listens hears each happening at once."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.demo.slack.records import Channel, Clock, Json, Message, Refused, StoredFile, User
from bot.demo.slack.surfaces import Surfaces

TEAM = "T07NIGHTJAR"
BOT = User("U07NIGHTJAR", "nightjar", "Nightjar", bot_id="B07NIGHTJAR")
ALERTS = User("U07ALERTBOT", "alertmanager", "Alertmanager", bot_id="B07ALERTBOT")
PEOPLE = (
    User("U07MIRALIND", "mira", "Mira Lind", "Europe/Berlin"),
    User("U07SAMOKORO", "sam", "Sam Okoro", "America/New_York"),
)
LINK = "https://nightjar-demo.slack.com/archives"


@dataclass(frozen=True)
class Happening:
    """Something that changed in the workspace, for the app's events and for the page."""

    kind: str
    channel: str = ""
    user: str = ""
    message: Message | None = None
    data: Json | None = None


class Workspace:
    """People, channels, messages, files and surfaces of one Slack team with one app installed."""

    def __init__(self, *, now: Clock, people: Iterable[User] = PEOPLE, channels: Iterable[str] = ()) -> None:
        self.now = now
        self.users = {user.id: user for user in (*people, BOT, ALERTS)}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, StoredFile] = {}
        self.tickets: set[str] = set()
        self.base_url = ""
        self.surfaces = Surfaces(now)
        self.listeners: list[Callable[[Happening], None]] = []
        self._last_ts = 0
        self._made = 0
        for name in channels:
            self.create_channel(name, next(iter(self.users)), [*self.users])

    # Identities.

    def emit(self, happening: Happening) -> None:
        """Tell every listener, in the order they came."""
        for listener in self.listeners:
            listener(happening)

    def mint_ts(self) -> str:
        """A message ts, unique and rising in the whole workspace."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def mint_id(self, prefix: str) -> str:
        """An id like Slack's: the prefix, a running number, and enough chance not to be guessed."""
        self._made += 1
        return f"{prefix}{self._made:04d}{secrets.token_hex(3).upper()}"

    def user(self, id: str) -> User:
        """The user of that id; raises `user_not_found`."""
        if id not in self.users:
            raise Refused("user_not_found")
        return self.users[id]

    def person(self, name: str) -> User:
        """A user by id or by name, with or without @; raises `user_not_found`."""
        wanted = name.lstrip("@")
        found = self.users.get(wanted) or next((u for u in self.users.values() if u.name == wanted), None)
        return found or self.user(wanted)

    # Channels.

    def channel(self, id: str) -> Channel:
        """The channel of that id or name (`#name` too); raises `channel_not_found`."""
        wanted = id.lstrip("#")
        found = self.channels.get(wanted) or next(
            (channel for channel in self.channels.values() if channel.name == wanted and wanted), None
        )
        if found is None:
            raise Refused("channel_not_found")
        return found

    def create_channel(self, name: str, creator: str, members: Iterable[str]) -> Channel:
        """A new public channel; raises `name_taken`."""
        if any(channel.name == name for channel in self.channels.values()):
            raise Refused("name_taken")
        channel = Channel(self.mint_id("C"), name, creator, int(self.now()), list(dict.fromkeys(members)))
        self.channels[channel.id] = channel
        self.emit(Happening("channel_created", channel.id, creator))
        return channel

    def direct(self, user: str, other: str = BOT.id) -> Channel:
        """The direct message between two users, opened when there is none yet."""
        pair = [user, other]
        known = (c for c in self.channels.values() if c.is_direct and set(c.members) == set(pair))
        found = next(known, None)
        if found is None:
            found = Channel(self.mint_id("D"), "", other, int(self.now()), pair)
            self.channels[found.id] = found
            self.emit(Happening("im_created", found.id, user))
        return found

    def join(self, channel: Channel, user: str, inviter: str = "") -> bool:
        """Make a user a member; False when they already are one."""
        if user in channel.members:
            return False
        channel.members.append(user)
        self.emit(Happening("member_joined_channel", channel.id, user, data={"inviter": inviter}))
        return True

    # Messages.

    def message(self, channel: Channel, ts: str) -> Message:
        """The posted message of that ts; raises `message_not_found`."""
        if ts not in channel.messages:
            raise Refused("message_not_found")
        return channel.messages[ts]

    def thread_root(self, channel: Channel, thread_ts: str | None) -> str | None:
        """The root's ts for any ts of the thread; raises `thread_not_found`."""
        if not thread_ts:
            return None
        if thread_ts not in channel.messages:
            raise Refused("thread_not_found")
        return channel.messages[thread_ts].root

    def post(self, message: Message) -> Message:
        """Keep a new message, tie it to its thread, and tell."""
        channel = self.channels[message.channel]
        if message.visible_to is not None:
            channel.ephemeral[message.ts] = message
            self.emit(Happening("ephemeral", channel.id, message.user, message))
            return message
        channel.messages[message.ts] = message
        if message.is_reply and message.thread_ts in channel.messages:
            channel.messages[message.thread_ts].replies.append(message.ts)
        self.emit(Happening("message", channel.id, message.user, message))
        return message

    def changed(self, message: Message, previous: Json, *, quiet: bool = False) -> None:
        """Tell that a message changed; `quiet` for a stream still growing, which only the page hears."""
        kind = "message_streamed" if quiet else "message_changed"
        self.emit(Happening(kind, message.channel, message.user, message, {"previous": previous}))

    def delete(self, message: Message) -> None:
        """Take a message out of its channel and its thread, and tell."""
        channel = self.channels[message.channel]
        if channel.ephemeral.pop(message.ts, None) is not None:
            self.emit(Happening("ephemeral_deleted", channel.id, message.user, message))
            return
        channel.messages.pop(message.ts, None)
        root = channel.messages.get(message.thread_ts or "")
        if root is not None and message.ts in root.replies:
            root.replies.remove(message.ts)
        self.emit(Happening("message_deleted", channel.id, message.user, message))

    def react(self, message: Message, name: str, user: str, *, add: bool) -> None:
        """Add or take away a reaction; raises `already_reacted` or `no_reaction`."""
        users = message.reactions.setdefault(name, [])
        if (user in users) is add:
            raise Refused("already_reacted" if add else "no_reaction")
        (users.append if add else users.remove)(user)
        kind = "reaction_added" if add else "reaction_removed"
        self.emit(Happening(kind, message.channel, user, message, {"reaction": name}))

    def permalink(self, message: Message) -> str:
        """The link `chat.getPermalink` answers with."""
        link = f"{LINK}/{message.channel}/p{message.ts.replace('.', '')}"
        return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if message.is_reply else link

    def live_streams(self) -> list[Message]:
        """Every streamed message that still takes chunks."""
        everything = (message for channel in self.channels.values() for message in channel.messages.values())
        return [message for message in everything if message.stream and message.stream.is_open(self.now())]
