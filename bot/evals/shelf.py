"""What tools gave, kept so that they can give it again without the world they looked at."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.domain.errors import BadArguments, ToolError
from bot.domain.evidence import Evidence, Found
from bot.domain.sources import Health, Instance, Sources
from bot.domain.tools import Desk, Tool

_WORD = re.compile(r"\w+")
_PORTS = ("alerts", "series", "rules", "changes", "logs")


@dataclass(frozen=True)
class Kept:
    """One call with what came of it: something found, or why not (`correct`: the arguments were wrong)."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    found: Found | None = None
    error: str = ""
    correct: bool = False

    def give(self, said: str = "") -> Found:
        """The same again, `said` before its text. Raises ToolError where the call failed."""
        if self.found is None:
            raise (BadArguments if self.correct else ToolError)(self.error)
        return replace(self.found, text=f"{said}{self.found.text}")


@dataclass(frozen=True)
class Origin:
    """A source as far as answers depend on it: its name, its environment, what it serves."""

    name: str
    env: str
    cluster: str = ""
    serves: tuple[str, ...] = _PORTS


def origins(sources: Sources) -> tuple[Origin, ...]:
    """What can be kept of sources."""
    return tuple(
        Origin(i.name, i.env, i.cluster, tuple(port for port in _PORTS if getattr(i, port) is not None))
        for i in sources.instances
    )


def stand_ins(kept: Sequence[Origin]) -> Sources:
    """Sources that only say what they serve; whoever asks them for data finds nobody there."""

    async def health() -> Health:
        return Health(True, "recorded")

    nobody = cast("Any", object())
    return Sources(
        tuple(Instance(o.name, "recorded", o.env, health, o.cluster, **dict.fromkeys(o.serves, nobody)) for o in kept)
    )


def of_evidence(evidence: Sequence[Evidence]) -> tuple[Kept, ...]:
    """Recorded evidence as calls that can be answered again."""
    return tuple(
        Kept(
            item.tool,
            item.arguments,
            Found(
                item.text,
                item.source,
                item.query,
                item.env,
                item.facts,
                item.raw,
                item.summary,
                item.chart,
                item.missing,
            ),
        )
        for item in evidence
    )


def sources_of(evidence: Sequence[Evidence]) -> tuple[Origin, ...]:
    """The sources that recorded evidence is from."""
    pairs = ((name, item.env) for item in evidence for name in item.source.split(", "))
    return tuple(Origin(name, env) for name, env in dict.fromkeys(pairs))


def keeping(tools: Sequence[Tool], calls: list[Kept]) -> tuple[Tool, ...]:
    """The same tools; each call is added to `calls`, in the order in which they begin."""
    return tuple(replace(tool, run=_kept(tool, calls)) for tool in tools)


def _kept(tool: Tool, calls: list[Kept]) -> Callable[..., Awaitable[Found]]:
    async def run(desk: Desk, **arguments: Any) -> Found:
        at = len(calls)
        calls.append(Kept(tool.name, arguments, error=f"{tool.name} did not finish"))
        try:
            found = await tool.run(desk, **arguments)
        except ToolError as error:
            calls[at] = Kept(tool.name, arguments, error=str(error), correct=isinstance(error, BadArguments))
            raise
        calls[at] = Kept(tool.name, arguments, found)
        return found

    return run


def answering(tools: Sequence[Tool], calls: Sequence[Kept], *, near: bool) -> tuple[Tool, ...]:
    """The tools that were called, answering from what is kept.

    What was never asked is a ToolError; with `near` the nearest call of that tool answers instead, and says so.
    """
    named = {call.name for call in calls}
    return tuple(replace(tool, run=_answer(tool.name, calls, near)) for tool in tools if tool.name in named)


def _answer(name: str, calls: Sequence[Kept], near: bool) -> Callable[..., Awaitable[Found]]:
    own = [call for call in calls if call.name == name]

    async def run(desk: Desk, **arguments: Any) -> Found:
        exact = next((call for call in own if call.arguments == arguments), None)
        if exact is not None:
            return exact.give()
        if not near:
            raise ToolError(f"{name} was not called like this when the run was recorded")
        best = max(own, key=lambda call: _alike(call, arguments))
        shown = best.found.query if best.found else best.arguments
        return best.give(f"Recorded evidence; nothing was recorded for this very call, the nearest one is {shown}:\n")

    return run


def _alike(call: Kept, arguments: Mapping[str, Any]) -> float:
    """How many words the arguments share with the call's own and its query, 0 to 1."""
    asked = _words(arguments)
    known = _words(call.arguments) | set(_WORD.findall((call.found.query if call.found else "").lower()))
    return len(asked & known) / (len(asked | known) or 1)


def _words(arguments: Mapping[str, Any]) -> set[str]:
    return {word for value in arguments.values() for word in _WORD.findall(str(value).lower())}
