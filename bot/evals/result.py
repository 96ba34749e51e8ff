"""One run of a case by a model: what was asked for, what is kept of it, and what came of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.agent.route import FALLBACK
from bot.domain.answers import Answer
from bot.domain.messages import ToolCall
from bot.domain.outcomes import Fault, FaultCause, ModelOutcome, Turn
from bot.evals.case import Case
from bot.evals.grade import misses
from bot.evals.shelf import Kept, Origin

State = Literal["passed", "failed", "throttled", "error"]
THROTTLES: frozenset[FaultCause] = frozenset({"overloaded", "rate_limited", "spend_limit"})


@dataclass(frozen=True)
class Line:
    """One entry of a transcript: by whom (code, model, tool, fault), under which title."""

    by: Literal["code", "model", "tool", "fault"]
    title: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a judge said; `usd` is what that cost."""

    passed: bool
    reason: str
    model: str = ""
    usd: float = 0.0


@dataclass(frozen=True)
class Taken:
    """A run as it is recorded: each model's turns, the tools' results in order, the sources, how long it took."""

    turns: dict[str, list[ModelOutcome]] = field(default_factory=dict)
    calls: tuple[Kept, ...] = ()
    origins: tuple[Origin, ...] = ()
    seconds: float = 0.0
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Result:
    """What came of one run; `missed` says in words why it did not pass."""

    case: str
    model: str
    repeat: int
    mark: str
    state: State
    missed: tuple[str, ...] = ()
    cost_usd: float = 0.0
    judge_usd: float = 0.0
    seconds: float = 0.0
    answer: Answer | None = None
    transcript: tuple[Line, ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """Which run it is of."""
        return self.case, self.model, self.repeat


def slug(model: str) -> str:
    """A model's name as a file's."""
    return re.sub(r"[^\w.-]+", "-", model)


def graded(case: Case, model: str, answer: Answer, taken: Taken) -> tuple[State, tuple[str, ...]]:
    """Whether it passed; a run that another than the model finished says of the model only why it did not."""
    if answer.model == FALLBACK and not model.startswith(FALLBACK):
        return _unanswered(model, taken)
    found = misses(case, answer)
    return ("failed" if found else "passed"), found


def _unanswered(model: str, taken: Taken) -> tuple[State, tuple[str, ...]]:
    own = [outcome for name, turns in taken.turns.items() if name != FALLBACK for outcome in turns]
    faults = [outcome for outcome in own if isinstance(outcome, Fault)]
    last = own[-1] if own else None
    if any(fault.cause in THROTTLES for fault in faults) and isinstance(last, Fault):
        return "throttled", tuple(f"{fault.cause}: {fault.detail[:200]}" for fault in faults)
    if isinstance(last, Fault):
        return "error", tuple(f"{fault.cause}: {fault.detail[:200]}" for fault in faults)
    if isinstance(last, Turn) and last.stop == "refusal":
        return "failed", (f"{model} would not answer",)
    return "failed", (f"{model} gave no answer within its limits",)


def transcript(case: Case, taken: Taken) -> tuple[Line, ...]:
    """Everything that happened, in order: what code gathered, then turn by turn."""
    left = list(taken.calls)
    turns: list[Line] = []
    for name, outcomes in taken.turns.items():
        for outcome in outcomes:
            turns += _turn(name, outcome, left)
    return (Line("code", "asked", case.question), *(_result(call, "code") for call in left), *turns)


def _turn(name: str, outcome: Turn | Fault, left: list[Kept]) -> Iterator[Line]:
    if isinstance(outcome, Fault):
        yield Line("fault", f"{name}: {outcome.cause}", outcome.detail)
        return
    if outcome.message.text:
        yield Line("model", name, outcome.message.text)
    for call in outcome.message.calls:
        found = _claim(call, left)
        yield _result(found, "tool") if found else Line("tool", _titled(call.name, call.arguments), "refused")


def _claim(call: ToolCall, left: list[Kept]) -> Kept | None:
    """The kept result of a call; those of a turn stand in its order."""
    at = next((i for i, kept in enumerate(left) if (kept.name, kept.arguments) == (call.name, call.arguments)), None)
    return None if at is None else left.pop(at)


def _result(kept: Kept, by: Literal["code", "tool"]) -> Line:
    return Line(by, _titled(kept.name, kept.arguments), kept.found.text if kept.found else f"failed: {kept.error}")


def _titled(name: str, arguments: Mapping[str, object]) -> str:
    given = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({given})"


def usd(results: Sequence[Result]) -> float:
    """What they cost together, judges included."""
    return sum(result.cost_usd + result.judge_usd for result in results)
