"""One Web API method: its name, its rate tier, the token it wants and what answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.records import Json
from bot.demo.slack.workspace import Workspace

Answer: TypeAlias = Callable[[Workspace, Arguments], Json]

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL = 0  # limited in another way, or so generously that it never matters here


@dataclass(frozen=True)
class Method:
    """A row of the table; `answer` returns the body without `ok` or raises `Refused`."""

    name: str
    answer: Answer
    tier: int = 3
    token: str = "bot"  # noqa: S105 - which kind of token, not a token
