"""Answer one question in one place: the main job, step by step."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from bot import telemetry
from bot.agent.budget import Budget, going_on
from bot.agent.digesting import Digester
from bot.agent.loop import Case, Investigation, Worked
from bot.agent.prompt import SYSTEM, Brief, first_message
from bot.agent.route import FALLBACK
from bot.agent.toolbox import Ledger, Toolbox
from bot.domain.answers import Answer, Failure
from bot.domain.events import Event, Facts
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON, Effort, ToolCall, ToolResult
from bot.domain.outcomes import ToolFault, decode, encode
from bot.domain.place import Said
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Reply, Steps
from bot.domain.tools import Desk, Role
from bot.flows import context, facts, opening, pictures, scope, steer, verdict
from bot.flows.context import Context
from bot.flows.deps import Deps
from bot.flows.opening import Begun
from bot.flows.scope import Scoped

NAME = "answer"
J = TypeVar("J", bound="Job")
_GIVEN: tuple[Role, ...] = ("alerts", "movers")
EFFORT: dict[str, Effort] = {"fast": "low", "normal": "medium", "deep": "high"}


def key_of(question: Question) -> str:
    """The flow's key: once per asking message, in any process, for ever."""
    part = ":deep" if question.depth == "deep" else ""
    chosen = f":env={question.env}" if question.env else ""
    return f"ans:{question.place.team}:{question.place.channel}:{question.ts}{part}{chosen}"


def lane_of(question: Question) -> str:
    """Questions of one thread are answered in order; a command outside any thread is a lane of its own."""
    return question.place.lane if question.place.thread else f"{question.place.lane}{question.ts}"


async def request(engine: Engine, question: Question) -> bool:
    """Accept a question: one write. False when it was accepted before."""
    stamped = replace(question, accepted=question.accepted or time.time())
    return await engine.start(NAME, key_of(question), lane_of(question), encode(Question, stamped))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """The whole way from the placeholder to the answer."""
    return await investigate(steps, deps, payload, Job, _answer)


async def investigate(
    steps: Steps, deps: Deps, payload: JSON, kind: type[J], work: Callable[[J], Awaitable[str]]
) -> JSON:
    """What every investigation begins and ends with; `work` says in a word, for the metrics, what it came to."""
    question = context.masked(deps, decode(Question, payload))
    begun: Begun = await steps.once("begin", partial(opening.begin, steps, deps, question), Begun)
    if begun.posted is None:
        telemetry.count("answers", state=begun.state)
        return {"state": begun.state}
    fresh = not (steps.replaying or begun.anew)
    reply = deps.replies.open(begun.place, steps.key, begun.posted, question.asker, fresh=fresh)
    known: Context = await steps.once("context", partial(context.read, deps, question, begun.place, steps.key), Context)
    job = kind(steps, deps, question, begun, reply, known, scope.resolve(question, known, begun.started, deps))
    try:
        state = await work(job)
    finally:
        reply.leave()
    telemetry.count("answers", state=state)
    return {"state": "answered"}


@dataclass(frozen=True)
class Job:
    """One question under work, with all that is known of it."""

    steps: Steps
    deps: Deps
    question: Question
    begun: Begun
    reply: Reply
    known: Context
    scoped: Scoped

    def show(self, event: Event) -> None:
        """Tell those who watch; nothing is told again on replay."""
        if not self.steps.replaying:
            self.reply.show(event)

    async def join(self) -> tuple[str, ...]:
        """What people wrote meanwhile to steer it."""
        return await steer.take(self.deps, lane_of(self.question), self.steps.key)

    async def work(self) -> Worked:
        """Gather what code can, then let a model work it out."""
        box, ledger = await self._toolbox()
        look = self._look
        for call in look.calls:
            self.show(look.task(call.id))
        calls = tuple(ToolCall(f"given-{role}", tool.name, {}) for role in _GIVEN if (tool := box.with_role(role)))
        calls += look.calls
        reading = asyncio.create_task(context.before(self.deps, self.question, self.known.channel))
        try:
            tools = (*box.tools, look.tool(self.deps.files, self.deps.models))
            outcomes = await replace(box, tools=tools, seen=self._first_seen).run(self.steps, calls, ledger)
            measured = [outcome for outcome in outcomes if outcome.name != pictures.NAME]
            if line := facts.first_line(measured, self.known.person.zone):
                self.show(Facts(line))
            case = self._case(box, outcomes, await reading)
        finally:
            reading.cancel()
        worked = await Investigation(self.steps, self.deps.models, box, ledger, case, self.show).run()
        return replace(
            worked,
            told=tuple(outcome.text for outcome in outcomes if isinstance(outcome, ToolFault)),
            left_out=(*look.missing, *pictures.not_read(outcomes), *worked.left_out),
            usage=sum((outcome.usage for outcome in outcomes if isinstance(outcome, ToolResult)), worked.usage),
        )

    def _first_seen(self, outcome: ToolResult | ToolFault) -> None:
        """The first useful line waits for no other source; a picture is a task of its own."""
        if outcome.name == pictures.NAME:
            self.show(self._look.task(outcome.call_id, outcome))
        elif line := facts.first_line((outcome,), self.known.person.zone):
            self.show(Facts(line))

    async def _toolbox(self) -> tuple[Toolbox, Ledger]:
        deps, scoped, ledger = self.deps, self.scoped, Ledger(next_id=self.known.next_id)
        zone = self.known.person.zone
        digester = Digester(deps.models, scoped.digesters) if scoped.digesters else None
        desk = Desk(scoped.sources, scoped.window, self.begun.started, zone, scoped.services, deps.redact, digester)
        offered = tuple(tool for tool in deps.tools if scoped.sources.of(tool.need))
        limit = self.budget.tool_calls
        box = Toolbox(offered, desk, deps.evidence, self.steps.key, deps.redact, limit)
        return replace(box, desk=await scope.anchored(scoped, desk, box, self.steps, ledger)), ledger

    @property
    def _broke(self) -> bool:
        """Whether the day's money is spent, so that no model is asked."""
        return self.known.spent_usd >= self.deps.policy.usd_per_day

    @property
    def _look(self) -> pictures.Look:
        """At the pictures that were posted with the question, by models that may see them."""
        in_house = self.deps.policy.scope(self.known.channel).in_house
        why = "today's money for models is spent" if self._broke else pictures.unseen(in_house=in_house)
        return pictures.Look(self.question.files, () if self._broke else self.scoped.seers, why)

    @property
    def budget(self) -> Budget:
        """How far it may go, by the depth asked for."""
        budget = self.deps.policy.budget
        if self.question.depth == "fast":
            return replace(budget, turns=2)
        if self.question.depth == "deep":
            return replace(budget, turns=budget.turns * 2, seconds=budget.seconds * 2, tokens=budget.tokens * 2)
        return budget

    def _case(self, box: Toolbox, outcomes: Sequence[ToolResult | ToolFault], before: Sequence[Said]) -> Case:
        known, question = self.known, self.question
        given = tuple(outcome for outcome in outcomes if isinstance(outcome, ToolResult))
        brief = Brief(
            question=question.text,
            now=self.begun.started,
            window=box.desk.window,
            zone=known.person.zone,
            envs=self.scoped.sources.envs,
            services=self.scoped.services,
            thread=tuple((said.author or said.bot, said.text) for said in known.thread if not said.own),
            before=tuple((_time(said.ts), said.author or said.bot, said.text) for said in before),
            subject=question.subject or known.subject,
            earlier=known.earlier,
            disputed=known.disputed,
            health=(*(o.text for o in outcomes if not isinstance(o, ToolResult)), *self._look.missing),
        )
        return Case(
            system=SYSTEM,
            history=(*known.history, first_message(brief, given)),
            models=(FALLBACK,) if self._broke else self.scoped.models,
            started=self.begun.started.timestamp(),
            join=self.join,
            budget=self.budget,
            effort=EFFORT[question.depth],
            gone=(f"the ${self.deps.policy.usd_per_day:g} a day for models are spent",) if self._broke else (),
            now=going_on(self.deps.clock.now()),
        )

    async def conclude(self, worked: Worked) -> bool:
        """Check what was written against the evidence, then let it leave."""
        deps, key = self.deps, self.steps.key
        evidence = await deps.evidence.all(key)
        earlier = [item for flow in self.known.earlier_flows for item in await deps.evidence.all(flow)]
        answer = verdict.build(worked, evidence, earlier, known=self.known, scoped=self.scoped, redact=deps.redact)
        seconds = round((deps.clock.now() - self.begun.started).total_seconds(), 2)
        anew = (f"begun again by version {self.begun.anew}",) if self.begun.anew else ()
        answer = replace(
            answer,
            seconds=seconds,
            trace=telemetry.trace_of(key),
            missing=(*answer.missing, *anew),
        )
        await context.remember(deps, self.begun.place, key, self.question, answer)
        return await self.finish(answer)

    async def finish(self, answer: Answer) -> bool:
        """Audit, then the reply; both may be repeated."""
        begun, now = self.begun, self.deps.clock.now()
        answer = replace(answer, asked=self.question.accepted, written=now.timestamp())
        record = Record(self.steps.key, self.question, "answered", begun.started, begun.posted, answer, now)
        await self.deps.audit.put(record)
        await context.forget_if_gone(self.deps, self.question)
        await self.reply.finish(answer)
        telemetry.observe("answer_seconds", now.timestamp() - self.question.accepted)
        await context.warn_of_money(self.deps)
        return True


def _time(ts: str) -> str:
    return f"{datetime.fromtimestamp(float(ts), UTC):%H:%M:%S}"


async def _answer(job: Job) -> str:
    if job.scoped.choices:
        await job.steps.once("finish", partial(job.finish, scope.ask_which(job.scoped, job.steps.key)), bool)
    else:
        worked = await job.work()
        await job.steps.once("finish", partial(job.conclude, worked), bool)
    return "answered"


async def failed(deps: Deps, key: str, payload: JSON, error: BaseException) -> None:
    """Tell the thread, in one sentence, that its question could not be answered."""
    telemetry.count("answers", state="failed")
    question: Question = decode(Question, payload)
    record = await deps.audit.get(key)
    posted = record.posted if record else None
    if posted is None:
        posted = await deps.replies.begin(question.place, key, "Looking into it", again=True)
    text = f"I could not finish this: {type(error).__name__}. Nothing was changed; please ask again."
    place = question.place if question.place.thread else replace(question.place, thread=posted.ts)
    await deps.replies.open(place, key, posted, question.asker).fail(Failure(text, telemetry.trace_of(key)))
    started = record.started if record else datetime.now(UTC)
    await deps.audit.put(Record(key, question, "failed", started, posted, None, deps.clock.now()))
    await context.forget_if_gone(deps, question)


FLOW = Flow(NAME, run)
