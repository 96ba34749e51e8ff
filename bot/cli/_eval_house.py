"""One run of one case: a house in memory, asked the case's question; everything is kept, then graded."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import settings, wiring
from bot.agent.route import FALLBACK
from bot.cli._eval_stage import Stage, staged
from bot.cli.terminal import Terminal
from bot.domain import plain
from bot.domain.answers import Answer
from bot.domain.errors import SetupError
from bot.domain.investigations import Question
from bot.domain.messages import Ask, ModelFacts
from bot.domain.outcomes import Fault, ModelOutcome, Turn, decode, encode
from bot.domain.place import Place
from bot.domain.ports import Model, Models
from bot.engine.inline import InlineSteps
from bot.evals import judge, shelf
from bot.evals.case import Case
from bot.evals.result import Result, State, Taken, Verdict, graded, slug, transcript
from bot.evals.run import Job, broken
from bot.flows import answer
from bot.flows.deps import Deps, Scope
from bot.llm.recorded import Recorded, Recording

FREE = 0.01  # a budget of nothing would end before the first turn


@dataclass(frozen=True)
class Still:
    """A clock that stands at the moment of the question."""

    at: datetime

    def now(self) -> datetime:
        """That moment."""
        return self.at


@dataclass
class Watched:
    """The `Models` port: keeps every turn of the investigation (its turns have tools) by the model's name.

    No turn lasts beyond `until`, in seconds of the monotonic clock.
    """

    models: Models
    until: float
    kept: dict[str, Recording] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the models."""
        return self.models.names

    @property
    def everywhere(self) -> tuple[str, ...]:
        """The same."""
        return self.models.names

    def get(self, name: str) -> Model:
        """The model, watched."""
        if name not in self.kept:
            self.kept[name] = Recording(self.models.get(name))
        return _Watching(self.kept[name], self.until)

    @property
    def turns(self) -> dict[str, list[ModelOutcome]]:
        """What was kept of each that was asked."""
        return {name: list(recording.outcomes) for name, recording in self.kept.items() if recording.outcomes}


@dataclass(frozen=True)
class _Watching:
    recording: Recording
    until: float

    @property
    def facts(self) -> ModelFacts:
        return self.recording.facts

    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault:
        left = max(1.0, min(ask.deadline_seconds, self.until - time.monotonic()))
        asked = replace(ask, deadline_seconds=left)
        return await (self.recording if tools else self.recording.model).turn(asked, tools, show)


@dataclass(frozen=True)
class Played:
    """The `Models` port over recorded turns."""

    turns: dict[str, list[ModelOutcome]]

    @property
    def names(self) -> tuple[str, ...]:
        """Those that took turns."""
        return tuple(self.turns)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """The same."""
        return tuple(self.turns)

    def get(self, name: str) -> Model:
        """A model that says again what it said."""
        return Recorded(self.turns.get(name, []))


async def work(job: Job) -> Result:
    """Ask, keep, grade. SetupError for a case or a recording that cannot be used."""
    played = _recording(job) if job.replay else None
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged(job.case, played))
        here = Terminal(quiet=True)
        house = await stack.enter_async_context(wiring.open_in_memory(_settings(job, stage, played), here, here))
        calls: list[shelf.Kept] = []
        began = time.monotonic()
        models = Watched(
            Played(played.turns) if played else house.deps.models, began + house.deps.policy.budget.seconds
        )
        deps = _deps(house.deps, job, stage, models, calls)
        late = False
        try:
            async with asyncio.timeout(job.seconds):
                await answer.run(InlineSteps(answer.key_of(_question(job.case)), {}), deps, _asked(job.case))
        except TimeoutError:
            late = True
        seconds = played.seconds if played else round(time.monotonic() - began, 2)
        verdict = played.verdict if played else None
        taken = Taken(models.turns, tuple(calls), shelf.origins(deps.sources), seconds, verdict)
        if late or not here.answers:
            return _without_answer(job, taken, f"no answer within {job.seconds:g} s" if late else "no answer")
        return await _with_answer(job, here.answers[0], taken, house.deps.models)


def _without_answer(job: Job, taken: Taken, why: str) -> Result:
    cost = sum(outcome.usage.cost_usd for turns in taken.turns.values() for outcome in turns)
    told = transcript(job.case, taken)
    return replace(broken(job, why), cost_usd=cost, seconds=taken.seconds, transcript=told)


async def _with_answer(job: Job, given: Answer, taken: Taken, models: Models) -> Result:
    state, missed = graded(job.case, job.model, given, taken)
    if job.case.judge and state == "passed":
        taken = await _judged(job, given, taken, models)
        state, missed = _decided(taken.verdict)
    if job.record:
        _save(job, taken)
    return Result(
        case=job.case.id,
        model=job.model,
        repeat=job.repeat,
        mark=job.case.mark,
        state=state,
        missed=missed,
        cost_usd=given.usage.cost_usd,
        judge_usd=taken.verdict.usd if taken.verdict else 0.0,
        seconds=taken.seconds,
        answer=replace(given, charts=()),
        transcript=transcript(job.case, taken),
    )


async def _judged(job: Job, given: Answer, taken: Taken, models: Models) -> Taken:
    """With a verdict: the recorded one, else the judge's."""
    if taken.verdict is not None or not job.judge:
        return taken
    return replace(taken, verdict=await judge.verdict(job.case, given, models.get(_full(job.judge, models))))


def _full(name: str, models: Models) -> str:
    """`claude` as the registry calls it, with the family's usual model."""
    return next((full for full in models.names if full == name or full.startswith(f"{name}:")), FALLBACK)


def _decided(verdict: Verdict | None) -> tuple[State, tuple[str, ...]]:
    if verdict is None:
        return "error", ("no judge decided",)
    return ("passed", ()) if verdict.passed else ("failed", (f"the judge: {verdict.reason}",))


def _settings(job: Job, stage: Stage, played: Taken | None) -> settings.Settings:
    """The models are the machine's own; sources, channels and routes are the case's."""
    asked = (FALLBACK,) if played else (job.model,)
    judges = (job.judge,) if job.judge and job.case.judge and not (played and played.verdict) else ()
    changed = {
        "nightjar_models": tuple(dict.fromkeys((*asked, *judges))),
        "nightjar_env": "shop",
        "prometheus_url": "",
        "alertmanager_url": "",
        "sources": stage.tables,
        "channels": {},
        "route": {},
    }
    return settings.read().model_copy(update=changed)


def _deps(deps: Deps, job: Job, stage: Stage, models: Watched, calls: list[shelf.Kept]) -> Deps:
    asked = job.case.asked
    tools = shelf.answering(deps.tools, stage.calls, near=stage.near) if stage.sources is not None else deps.tools
    sources = deps.sources if stage.sources is None else stage.sources
    budget = deps.policy.budget
    budget = replace(budget, usd=max(FREE, budget.usd if job.usd is None else min(budget.usd, job.usd)))
    first = next(iter(models.names), FALLBACK) if job.replay else _full(job.model, models)
    route = tuple(dict.fromkeys((first, FALLBACK)))
    return replace(
        deps,
        clock=Still(asked),
        models=models,
        tools=shelf.keeping(tools, calls),
        sources=sources,
        policy=replace(deps.policy, models=route, budget=budget, scopes={"evals": Scope(envs=sources.envs)}),
    )


def _question(case: Case) -> Question:
    at = case.asked.timestamp()
    return Question(Place("evals", "evals", "1"), case.question, "you", f"{at:.6f}", way="terminal", accepted=at)


def _asked(case: Case) -> Any:
    return encode(Question, _question(case))


def _path(folder: Path, job: Job) -> Path:
    return folder / job.case.id / f"{slug(job.model)}.{job.repeat}.json"


def _save(job: Job, taken: Taken) -> None:
    path = _path(job.record or Path(), job)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plain.dumps(encode(Taken, taken)), encoding="utf-8")


def _recording(job: Job) -> Taken:
    path = _path(job.replay or Path(), job)
    try:
        taken: Taken = decode(Taken, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(f"nothing is recorded of this run: {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SetupError(f"{path} is no recording: {str(error).partition(chr(10))[0]}") from error
    return taken
