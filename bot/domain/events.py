"""What an investigation tells those who watch it; showing is lossy and changes nothing."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Status:
    """A short line: what is being done now."""

    text: str


@dataclass(frozen=True)
class Facts:
    """What code alone can say so far; stands in the placeholder."""

    text: str


@dataclass(frozen=True)
class Planned:
    """The plan's title, and a note that joined it (a steering message, a queue place)."""

    title: str


@dataclass(frozen=True)
class Task:
    """A tool call's state, last write wins; `detail` is one line for people."""

    id: str
    title: str
    state: Literal["pending", "in_progress", "complete", "error"] = "in_progress"
    detail: str = ""


@dataclass(frozen=True)
class Draft:
    """A piece of the answer as the model writes it."""

    text: str


Event = Status | Facts | Planned | Task | Draft
