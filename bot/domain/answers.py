"""The answer, as every way out shows it."""

from dataclasses import dataclass, field
from typing import Literal

from bot.domain.evidence import Chart
from bot.domain.messages import Usage
from bot.domain.window import Window

Confidence = Literal["confirmed", "likely", "unknown"]


@dataclass(frozen=True)
class Cause:
    """What broke: the service, the signal that shows it, since when (UTC, ISO 8601) and how sure code is of it."""

    service: str
    signal: str
    since: str = ""
    confidence: Confidence = "unknown"


@dataclass(frozen=True)
class Citation:
    """One line of evidence as shown under an answer."""

    id: str
    source: str
    env: str
    query: str
    summary: str
    tool: str = ""


@dataclass(frozen=True)
class Numbers:
    """How many figures the answer holds, how many of them stand in the evidence, and which do not."""

    total: int = 0
    backed: int = 0
    unbacked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """One of two answers from the same evidence; `fault` says why there is none, in words that follow the model's name.

    Its figures: numbers found in the evidence, tokens and money, seconds of the model alone.
    """

    model: str
    head: str = ""
    body: str = ""
    numbers: Numbers = Numbers()
    usage: Usage = Usage()
    seconds: float = 0.0
    fault: str = ""

    @property
    def name(self) -> str:
        """The model for people: without its family where it has a name of its own."""
        return self.model.partition(":")[2] or self.model


Choice = Literal["A", "B", "good", "bad"]


@dataclass(frozen=True)
class Vote:
    """Which of two answers serves somebody better; `good` and `bad` mean both."""

    person: str
    choice: Choice
    reason: str = ""


@dataclass(frozen=True)
class Dispute:
    """Somebody holds an answer for wrong, and says why."""

    person: str
    why: str


@dataclass(frozen=True)
class Answer:
    """At most three lines and 400 characters of `head`, the rest in `body` (Markdown).

    `why` says why the route begins with its first model, `handed` which of its models failed and who took over.
    `asked` and `written` are in UTC seconds, 0 where nobody waits: when it was accepted, and of when it is. `sides` are
    two compared answers, A and B as they are shown; who wrote them is shown once they are `revealed`, and till then no
    word of theirs that is `hidden`, as it names a model. `disputes` stand newest first. An `open` answer is a text of
    its own: its body is read in the thread, not behind a button.
    """

    head: str
    body: str = ""
    cause: Cause | None = None
    evidence: tuple[Citation, ...] = ()
    numbers: Numbers = Numbers()
    charts: tuple[Chart, ...] = ()
    missing: tuple[str, ...] = ()
    model: str = ""
    tool_calls: int = 0
    seconds: float = 0.0
    usage: Usage = Usage()
    window: Window | None = None
    zone: str = "UTC"
    envs: tuple[str, ...] = ()
    trace: str = ""
    choices: tuple[str, ...] = field(default=())
    why: str = ""
    asked: float = 0.0
    written: float = 0.0
    handed: str = ""
    sides: tuple[Side, ...] = ()
    votes: tuple[Vote, ...] = ()
    revealed: bool = False
    disputes: tuple[Dispute, ...] = ()
    open: bool = False
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """What the thread is told when no answer came: one plain sentence, and the trace id to quote."""

    text: str
    trace: str
    stopped_by: str = ""
