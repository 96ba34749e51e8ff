"""The terminal as a place to answer in: the same ports as Slack, printed."""

import sys
from dataclasses import dataclass, field

from rich.console import Console
from rich.markdown import Markdown

from bot.domain.answers import Answer, Failure
from bot.domain.events import Event, Facts, Planned, Status, Task
from bot.domain.investigations import Posted
from bot.domain.place import Channel, Person, Place, Said

_TICK = {"pending": "·", "in_progress": "…", "complete": "✓", "error": "✗"}


@dataclass
class TerminalReply:
    """Progress to standard error, so that the answer alone goes to standard output."""

    console: Console
    answers: list[Answer]

    def show(self, event: Event) -> None:
        """One line each."""
        match event:
            case Status(text) | Facts(text) | Planned(text):
                self.console.print(text, style="dim", highlight=False, markup=False)
            case Task(_, title, state, detail) if state != "in_progress":
                line = f"{_TICK[state]} {title}" + (f" — {detail}" if detail else "")
                self.console.print(line, style="dim", highlight=False, markup=False)

    def leave(self) -> None:
        """Nothing is written that could come too late."""

    async def finish(self, answer: Answer) -> None:
        """Keep it; the verb prints it in the form asked for."""
        self.answers.append(answer)

    async def fail(self, failure: Failure) -> None:
        """Say why, with the trace id."""
        self.console.print(f"{failure.text} (trace {failure.trace})", style="bold red", markup=False)


@dataclass
class Terminal:
    """`Replies` and `Chat` for one person at a terminal."""

    zone: str = "UTC"
    quiet: bool = False
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.console = Console(stderr=True, quiet=self.quiet)

    async def begin(self, place: Place, key: str, text: str, *, again: bool) -> Posted:
        """Nothing is posted: the terminal is the place."""
        return Posted(place.channel, "0")

    def open(
        self, place: Place, key: str, posted: Posted, recipient: str = "", *, fresh: bool = False
    ) -> TerminalReply:
        """A reply that prints."""
        return TerminalReply(self.console, self.answers)

    async def channel(self, id: str) -> Channel:
        """A direct conversation."""
        return Channel(id, "terminal", direct=True)

    async def person(self, id: str) -> Person:
        """Whoever types, in their zone."""
        return Person(id, id, self.zone)

    async def thread(self, place: Place, limit: int = 50) -> tuple[Said, ...]:
        """No earlier messages."""
        return ()

    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]:
        """Nobody else is here."""
        return ()

    async def note(self, place: Place, text: str, key: str) -> None:
        """A short line."""
        self.console.print(text, style="dim", markup=False)


def show(answer: Answer) -> None:
    """The answer for a person: the head, the details, the evidence, what it cost."""
    out = Console(file=sys.stdout)
    out.print(answer.head, style="bold", markup=False, highlight=False)
    if answer.body:
        out.print()
        out.print(Markdown(answer.body))
    for item in answer.evidence:
        where = f"{item.source} · {item.env}" if item.env else item.source
        out.print(f"[{item.id}] {where}: {item.summary}", style="dim", markup=False, highlight=False)
    if answer.handed:
        out.print(answer.handed, style="yellow", markup=False, highlight=False)
    for gap in answer.missing:
        out.print(f"Not looked at: {gap}", style="yellow", markup=False, highlight=False)
    backed = f"{answer.numbers.backed}/{answer.numbers.total} numbers backed"
    cost = f"${answer.usage.cost_usd:.3f}" if answer.usage.cost_usd else "no model cost"
    foot = f"{answer.model} · {answer.tool_calls} tool calls · {answer.seconds:g} s · {cost} · {backed}"
    out.print(foot, style="dim", markup=False, highlight=False)
