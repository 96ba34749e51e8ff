"""Ask, run the tools, ask again: the only loop there is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bot import telemetry
from bot.agent.budget import Budget, Spent
from bot.agent.context import fit
from bot.agent.route import FALLBACK
from bot.agent.steps import AFTER_FAULT, LEAST, MOST_WAITED, NEXT, PATIENCE, REFUSED, SAID, SHARE, handed, shown
from bot.agent.toolbox import Ledger, Toolbox
from bot.domain.events import Draft, Event, Planned, Status, Task
from bot.domain.messages import Ask, Effort, Message, ToolCall, ToolResult, Usage
from bot.domain.outcomes import Fault, ModelOutcome, ToolFault, Turn
from bot.domain.ports import Models, Steps

Show = Callable[[Event], None]
_SOON = 5.0  # seconds: what took longer to fail, or asks for a longer wait, is not tried again
_LONGEST_ANSWER = 16_000  # tokens; thinking counts, and a runaway turn must not cost more than the question may
NO_ANSWER = "Cause not known: no model gave an answer.\nThe evidence gathered stands below.\nNext: ask again."
_LAST_WORD = "{why}. Answer now from the evidence above, and say what was not looked at."


@dataclass(frozen=True)
class Case:
    """What is investigated: the stable prompt, the transcript so far, the models in order, the limits.

    `join` gives messages that people wrote meanwhile to steer; `started` in UTC seconds, by the clock that `now` goes
    on with; `gone` are models that are not asked at all, and why.
    """

    system: str
    history: tuple[Message, ...]
    models: tuple[str, ...]
    started: float
    join: Callable[[], Awaitable[tuple[str, ...]]]
    budget: Budget = field(default_factory=Budget)
    effort: Effort = "medium"
    gone: tuple[str, ...] = ()
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Worked:
    """What came of it: the text, the new messages, who wrote it, what it cost, what was left out and why; `told` are
    faults that it may quote, met before the first turn; `handed` says which models failed and who took over."""

    text: str
    messages: tuple[Message, ...]
    model: str
    usage: Usage
    tool_calls: int
    left_out: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    handed: str = ""


@dataclass
class Investigation:
    """One run of the loop; every decision depends on recorded outcomes only, so that replay decides alike."""

    steps: Steps
    models: Models
    toolbox: Toolbox
    ledger: Ledger
    case: Case
    show: Show
    new: list[Message] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    at: int = 0
    retried: bool = False
    waited: float | None = None
    squeeze: float = 1.0
    closing: int = 0

    def __post_init__(self) -> None:
        self.spent = Spent(self.case.started, ended=self.case.started)
        self.gone = list(self.case.gone)

    @property
    def model(self) -> str:
        """The model whose turn it is; after the last of the route, the one that needs no model."""
        return self.case.models[self.at] if self.at < len(self.case.models) else FALLBACK

    @property
    def _silence(self) -> dict[str, Any]:
        """How long the model may say nothing: a stand-in its part of what is left, else what its own settings allow,
        with what long thought adds to it as far as the models behind it keep theirs."""
        behind = sum(name != FALLBACK for name in self.case.models[self.at + 1 :])
        if self.at and self.waited is not None:
            return {"silence_seconds": max(LEAST, (PATIENCE - self.waited) / (behind + 1))}
        return {"thinking_seconds": max(LEAST, PATIENCE - SHARE * behind)}

    async def run(self) -> Worked:
        """Until there is an answer: at the latest when every limit is reached and the playbook writes one."""
        while True:
            outcome = await self._turn()
            done = await (self._after_fault(outcome) if isinstance(outcome, Fault) else self._after_turn(outcome))
            if done is not None:
                return done

    async def _turn(self) -> Turn | Fault:
        name, wait, silence = self.model, 1.0 if self.retried else 0.0, self._silence
        number = self.spent.turns

        async def attempt() -> Turn | Fault:
            await asyncio.sleep(wait)
            joined = await self.case.join() if number and not self.closing else ()
            model = self.models.get(name)
            said = (Message("user", "\n".join(joined)),) if joined else ()
            window = int(model.facts.context_tokens * self.squeeze)
            messages = fit((*self.case.history, *self.new, *said), window)
            seconds = max(5.0, self.case.budget.seconds - (self.spent.ended - self.case.started))
            longest = min(_LONGEST_ANSWER, model.facts.max_output_tokens)
            ask = Ask(self.case.system, messages, self.case.effort, longest, seconds, **silence)
            outcome = await model.turn(ask, self.toolbox.tools, lambda text: self.show(Draft(text)))
            telemetry.count_turn(name, outcome)
            return replace(outcome, ended=self.case.now(), joined=joined)

        outcome: Turn | Fault = await self.steps.once(f"model:{name}", attempt, ModelOutcome)
        self.spent.add(outcome.usage, outcome.ended)
        if outcome.joined:
            self.new.append(Message("user", "\n".join(outcome.joined)))
            self.show(Planned("Joined: " + " · ".join(text[:80] for text in outcome.joined)))
        return outcome

    async def _after_fault(self, fault: Fault) -> Worked | None:
        after = AFTER_FAULT[fault.cause]
        self.waited = (self.waited or 0.0) + min(fault.seconds, MOST_WAITED)
        if self.at >= len(self.case.models):
            return self._worked(Message("assistant", NO_ANSWER))
        if after == "compact" and self.squeeze > 0.3:
            self.squeeze /= 2
        elif after == "retry" and not self.retried and max(fault.retry_after, fault.seconds) <= _SOON:
            self.retried = True
        else:
            self._next_model(SAID[fault.cause])
        return None

    def _next_model(self, why: str) -> None:
        said = f"{shown(self.model)} {why}"
        self.gone.append(said)
        self.at, self.retried = min(self.at + 1, len(self.case.models)), False
        self.show(Status(f"{said}; {shown(self.model)} takes over"))

    async def _after_turn(self, turn: Turn) -> Worked | None:
        self.retried, self.waited = False, None
        match NEXT[turn.stop]:
            case "finish":
                return self._worked(turn.message)
            case "cut":
                self.left_out.append("the answer was cut at the model's output limit")
                return self._worked(turn.message)
            case "call" if self.closing > 2:
                return self._worked(Message("assistant", turn.message.text or NO_ANSWER))
            case "call":
                await self._call(turn)
            case "again":
                self.new.append(turn.message)
            case "compact" if self.squeeze > 0.3:
                self.squeeze /= 2
            case _:
                self._next_model(REFUSED)
        return None

    async def _call(self, turn: Turn) -> None:
        self.new.append(turn.message)
        calls = turn.message.calls
        for call in calls:
            self.show(Task(call.id, title(call)))
        by_id = {call.id: call for call in calls}
        box = replace(self.toolbox, seen=lambda outcome: self.show(ticked(by_id[outcome.call_id], outcome)))
        results = await box.run(self.steps, calls, self.ledger)
        for call, result in zip(calls, results, strict=True):
            self.show(ticked(call, result))
            if isinstance(result, ToolResult):
                self.spent.usage += result.usage
        why = self.spent.over(self.case.budget) or self._calls_over()
        self.new.append(Message("user", results=tuple(as_result(result) for result in results)))
        if not why:
            return
        self.closing += 1
        if self.closing > 1:
            self.at = len(self.case.models)
        else:
            self.left_out.append(why)
            self.new.append(Message("user", _LAST_WORD.format(why=why[0].upper() + why[1:])))

    def _calls_over(self) -> str:
        limit = self.toolbox.limit
        return f"the limit of {limit} tool calls was reached" if self.ledger.calls >= limit else ""

    def _worked(self, message: Message) -> Worked:
        self.new.append(message)
        return Worked(
            text=message.text,
            messages=tuple(self.new),
            model=message.model or self.model,
            usage=self.spent.usage,
            tool_calls=self.ledger.calls,
            left_out=tuple(dict.fromkeys(self.left_out)),
            handed=handed(self.gone, self.model),
        )


def as_result(outcome: ToolResult | ToolFault) -> ToolResult:
    """The transcript form of either outcome."""
    if isinstance(outcome, ToolResult):
        return outcome
    return ToolResult(outcome.call_id, outcome.name, outcome.text, failed=True)


def title(call: ToolCall) -> str:
    """A call in a few words, for the plan: `query metrics: rate(http_requests_total[5m])`."""
    given = ", ".join(str(value) for value in call.arguments.values() if value not in ("", None))
    return f"{call.name.replace('_', ' ')}{': ' + given if given else ''}"[:120]


def ticked(call: ToolCall, outcome: ToolResult | ToolFault) -> Task:
    """A finished call as the plan shows it."""
    line = outcome.text.partition("\n")[0][:150]
    if isinstance(outcome, ToolFault):
        return Task(call.id, title(call), "error", line)
    return Task(call.id, title(call), "complete", f"{outcome.evidence_id}: {line}")
