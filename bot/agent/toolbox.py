"""Runs the calls of one turn side by side, each a durable step, and keeps their order and their evidence ids."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bot import telemetry
from bot.agent import guards
from bot.agent.looks import look
from bot.domain.errors import BadArguments, ToolError
from bot.domain.evidence import Evidence, Found
from bot.domain.messages import ToolCall, ToolResult
from bot.domain.outcomes import ToolFault, ToolOutcome
from bot.domain.ports import EvidenceStore, Steps
from bot.domain.tools import Desk, Role, Tool

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": (list, tuple),
}


@dataclass
class Ledger:
    """What an investigation has asked so far: the next evidence number, the calls already made, those that failed."""

    next_id: int = 1
    made: set[str] = field(default_factory=set)
    failed: dict[str, ToolFault] = field(default_factory=dict)
    calls: int = 0

    def reserve(self) -> str:
        """The next evidence id, in call order."""
        self.next_id += 1
        return f"E{self.next_id - 1}"


@dataclass(frozen=True)
class Toolbox:
    """The tools on offer for one investigation, over its desk; `seen` hears each outcome as it comes, live only."""

    tools: tuple[Tool, ...]
    desk: Desk
    evidence: EvidenceStore
    flow: str
    redact: guards.Redact = str
    limit: int = 24
    seen: Callable[[ToolResult | ToolFault], None] | None = None

    def with_role(self, role: Role) -> Tool | None:
        """The tool that plays a role, if one is on offer."""
        return next((tool for tool in self.tools if tool.role == role), None)

    async def run(self, steps: Steps, calls: Sequence[ToolCall], ledger: Ledger) -> tuple[ToolResult | ToolFault, ...]:
        """Results in call order; what is refused takes no step and no evidence id."""
        planned = [self._plan(call, ledger) for call in calls]
        ready = [plan for plan in planned if not isinstance(plan, ToolFault)]
        name = "+".join(call.name for call in calls)[:80]
        done = iter(await steps.together(f"tools:{name}", ready, ToolOutcome) if ready else ())
        outcomes = tuple(plan if isinstance(plan, ToolFault) else next(done) for plan in planned)
        for call, plan, outcome in zip(calls, planned, outcomes, strict=True):
            if isinstance(outcome, ToolFault) and plan is not outcome:
                ledger.failed[guards.fingerprint(call)] = outcome
        return outcomes

    def _plan(self, call: ToolCall, ledger: Ledger) -> ToolFault | Callable[[], Awaitable[ToolResult | ToolFault]]:
        ledger.calls += 1
        if ledger.calls > self.limit:
            return ToolFault(
                call.id, call.name, f"refused: the limit of {self.limit} tool calls is reached; answer now"
            )
        if (mark := guards.fingerprint(call)) in ledger.made:
            if mark in ledger.failed:
                return replace(ledger.failed[mark], call_id=call.id)
            return ToolFault(
                call.id, call.name, "refused: this very call was made before; its result stands above", True
            )
        ledger.made.add(mark)
        try:
            tool = self._find(call)
        except BadArguments as error:
            return ToolFault(call.id, call.name, str(error), correct=True)
        return partial(self._call, tool, call, ledger.reserve())

    def _find(self, call: ToolCall) -> Tool:
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        if tool is None:
            raise BadArguments(f"no tool is called {call.name!r}; there are: {', '.join(t.name for t in self.tools)}")
        fields = tool.schema["properties"]
        if unknown := call.arguments.keys() - fields.keys():
            raise BadArguments(f"{call.name} takes no {', '.join(sorted(unknown))}; it takes {', '.join(fields)}")
        if lacking := set(tool.schema["required"]) - call.arguments.keys():
            raise BadArguments(f"{call.name} needs {', '.join(sorted(lacking))}")
        for key, value in call.arguments.items():
            _check_type(call.name, key, value, fields[key])
        return tool

    async def _call(self, tool: Tool, call: ToolCall, id: str) -> ToolResult | ToolFault:
        began = time.monotonic()
        outcome = await self._tried(tool, call, id)
        telemetry.observe("tool_seconds", time.monotonic() - began, tool=tool.name)
        telemetry.count("tool_calls", tool=tool.name, outcome=outcome.kind)
        telemetry.mark(tool=tool.name, outcome=outcome.kind)
        if self.seen is not None:
            self.seen(outcome)
        return outcome

    async def _tried(self, tool: Tool, call: ToolCall, id: str) -> ToolResult | ToolFault:
        try:
            async with asyncio.timeout(tool.timeout):
                found = await look(tool, self.desk, call.arguments)
        except TimeoutError:
            return ToolFault(call.id, call.name, f"{call.name} did not finish within {tool.timeout:g} s; go on without")
        except ToolError as error:
            text = guards.cut(self.redact(guards.clean_text(str(error))), 2_000)
            return ToolFault(call.id, call.name, text, correct=isinstance(error, BadArguments))
        return await self._keep(tool, call, id, found)

    async def _keep(self, tool: Tool, call: ToolCall, id: str, found: Found) -> ToolResult:
        text = self.redact(guards.clean_text(found.text))
        facts = guards.clean(found.facts, self.redact)
        summary = self.redact(guards.clean_text(found.summary or text.partition("\n")[0]))
        await self.evidence.put(
            Evidence(
                id=id,
                flow=self.flow,
                tool=tool.name,
                source=found.source,
                env=found.env,
                query=self.redact(guards.clean_text(found.query)),
                window=self.desk.window,
                summary=guards.cut(summary, 300),
                text=text,
                facts=facts,
                raw=guards.clean(found.raw, self.redact),
                chart=found.chart,
                missing=tuple(self.redact(guards.clean_text(item)) for item in found.missing),
                arguments=guards.clean(call.arguments, self.redact),
            )
        )
        return ToolResult(call.id, call.name, guards.cut(text, tool.max_chars), id, facts, usage=found.usage)


def _check_type(tool: str, key: str, value: object, schema: dict[str, object]) -> None:
    wanted = str(schema["type"])
    fits = isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    if not fits:
        raise BadArguments(f"{tool}: {key} must be a {wanted}, got {value!r}")
    if "enum" in schema and value not in schema["enum"]:  # type: ignore[operator]
        raise BadArguments(f"{tool}: {key} must be one of {schema['enum']}, got {value!r}")
