"""A question as it was accepted, and what is kept of the investigation it started."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.domain.answers import Answer
from bot.domain.place import Place

Depth = Literal["fast", "normal", "deep"]


@dataclass(frozen=True)
class PostedFile:
    """A file that was posted with a question, as the chat service tells of it: `size` in bytes, 0 when unknown."""

    id: str
    name: str = ""
    media_type: str = ""
    size: int = 0
    url: str = ""


@dataclass(frozen=True)
class Question:
    """All that is known at the door, and so all that a flow needs to begin; `ts` is the asking message's.

    `accepted` is the time at the door, in UTC seconds; `env` an environment picked by a button; of `files` only
    references are kept.
    """

    place: Place
    text: str
    asker: str
    ts: str
    way: Literal["mention", "direct", "shortcut", "command", "follow_up", "terminal"] = "mention"
    depth: Depth = "normal"
    subject: str = ""
    command: str = ""
    response_url: str = ""
    accepted: float = 0.0
    env: str = ""
    files: tuple[PostedFile, ...] = ()


@dataclass(frozen=True)
class Posted:
    """Where a reply stands in the chat service; `final` when it was found there, and says already what it will say."""

    channel: str
    ts: str
    final: bool = False


@dataclass(frozen=True)
class Record:
    """An investigation as the audit keeps it."""

    flow: str
    question: Question
    state: Literal["running", "answered", "failed", "stopped", "joined"]
    started: datetime
    posted: Posted | None = None
    answer: Answer | None = None
    finished: datetime | None = None
    detail: dict[str, str] = field(default_factory=dict)
