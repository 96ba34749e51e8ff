"""A loop's surroundings, played: steps that run at once, a model that says its lines, tools that answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.agent.budget import Budget, going_on
from bot.agent.loop import Case, Investigation, Worked
from bot.agent.toolbox import Ledger, Toolbox
from bot.domain.errors import BadArguments, SourceDown
from bot.domain.events import Event
from bot.domain.evidence import Evidence, Found
from bot.domain.messages import Ask, Message, ModelFacts, ToolCall, Usage
from bot.domain.outcomes import Fault, Turn, decode, encode
from bot.domain.ports import Model
from bot.domain.sources import Sources
from bot.domain.tools import Desk, Tool, tool
from bot.domain.window import last


@dataclass
class PlainSteps:
    """Every step runs at once, and its outcome goes through the codec as in the engine."""

    key: str = "ans:T:C:1"
    replaying: bool = False
    names: list[str] = field(default_factory=list)

    async def once(self, name: str, call: Callable[[], Awaitable[Any]], kind: Any) -> Any:
        """Run, encode, decode."""
        self.names.append(name)
        return decode(kind, encode(kind, await call()))

    async def together(self, name: str, calls: Sequence[Callable[[], Awaitable[Any]]], kind: Any) -> tuple[Any, ...]:
        """One after another is enough here."""
        return tuple([await self.once(name, call, kind) for call in calls])

    async def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    async def resumed(self) -> bool:
        """Never."""
        return False


@dataclass
class Scripted:
    """Says its lines in order; remembers what it was asked."""

    lines: list[Turn | Fault]
    name: str = "scripted"
    asked: list[Ask] = field(default_factory=list)

    @property
    def facts(self) -> ModelFacts:
        """A middling model."""
        return ModelFacts(self.name, "scripted", context_tokens=20_000)

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """The next line; the last one again and again."""
        self.asked.append(ask)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, Turn):
            show(line.message.text)
        return line


@dataclass
class Cast:
    """Models by name."""

    models: dict[str, Model]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.models)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """The same."""
        return self.names

    def get(self, name: str) -> Model:
        """One of them."""
        return self.models[name]


@dataclass
class Shelf:
    """Evidence in a list."""

    kept: list[Evidence] = field(default_factory=list)

    async def put(self, evidence: Evidence) -> None:
        """Keep it."""
        self.kept.append(evidence)

    async def get(self, flow: str, id: str) -> Evidence | None:
        """By id."""
        return next((item for item in self.kept if item.id == id), None)

    async def all(self, flow: str) -> tuple[Evidence, ...]:
        """Everything."""
        return tuple(self.kept)

    async def purge(self, before: datetime) -> int:
        """Nothing ages here."""
        return 0


@tool(role="range", need="any")
async def look(desk: Desk, query: str, minutes: int = 5) -> Found:
    """Look at something."""
    if query == "down":
        raise SourceDown("the source did not answer")
    if query == "typo":
        raise BadArguments("unknown function: rat; did you mean rate?")
    return Found(f"{query} is 42\x00 with password=hunter22", "prom", query, facts={"series": [{"now": float("nan")}]})


def called(*queries: str, text: str = "", **more: Any) -> Turn:
    """A turn that calls `look` once per query."""
    calls = tuple(ToolCall(f"c{q}", "look", {"query": q, **more}) for q in queries)
    return Turn(Message("assistant", text, calls=calls), "tools", Usage(100, 10, cost_usd=0.01))


def said(text: str, stop: Any = "end") -> Turn:
    """A turn that ends."""
    return Turn(Message("assistant", text), stop, Usage(100, 10, cost_usd=0.01))


async def nobody() -> tuple[str, ...]:
    """No steering."""
    return ()


def mask(text: str) -> str:
    """A redactor."""
    return text.replace("hunter22", "[masked]")


async def play(
    models: dict[str, Model],
    *,
    budget: Budget | None = None,
    limit: int = 24,
    join: Callable[[], Awaitable[tuple[str, ...]]] = nobody,
    shown: list[Event] | None = None,
    shelf: Shelf | None = None,
    at: datetime | None = None,
) -> Worked:
    """Run the loop to its end; `at` is what a clock says that may be a wrong one."""
    now = at or datetime.now(UTC)
    desk = Desk(Sources(), last(timedelta(hours=1), now), now)
    box = Toolbox((look,), desk, shelf or Shelf(), "flow", mask, limit)
    names = tuple(name for name in models if name != "playbook")
    asked = (Message("user", "why?"),)
    case = Case("be brief", asked, names, now.timestamp(), join, budget or Budget(), now=going_on(now))
    show = shown.append if shown is not None else lambda _: None
    return await Investigation(PlainSteps(), Cast(models), box, Ledger(), case, show).run()
