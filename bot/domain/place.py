"""Where a conversation stands: a workspace, a channel, a thread."""

from dataclasses import dataclass

from bot.domain.alerts import Alert


@dataclass(frozen=True)
class Place:
    """A thread in a channel; `thread` is the ts of its root message, empty outside any thread."""

    team: str
    channel: str
    thread: str = ""

    @property
    def lane(self) -> str:
        """The key in whose order questions are answered."""
        return f"{self.team}:{self.channel}:{self.thread}"


@dataclass(frozen=True)
class Channel:
    """What the chat service says of a channel."""

    id: str
    name: str = ""
    direct: bool = False
    private: bool = False
    shared: bool = False


@dataclass(frozen=True)
class Person:
    """A human in the chat service; `zone` is an IANA time zone name."""

    id: str
    name: str = ""
    zone: str = "UTC"
    outside: bool = False


@dataclass(frozen=True)
class Said:
    """One message of a thread, by a human or by another bot (`bot` names it), flattened to text.

    `alerts` are those that the message tells of, when it is a known format's post.
    """

    ts: str
    author: str
    text: str
    bot: str = ""
    own: bool = False
    alerts: tuple[Alert, ...] = ()
