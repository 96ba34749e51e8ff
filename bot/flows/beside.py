"""Commands that never queue: what fires, a service's signals, how the investigation stands."""

import time
from dataclasses import replace
from functools import partial
from typing import Any

from bot.agent.toolbox import Ledger, Toolbox
from bot.domain.answers import Answer, Citation
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON, ToolCall, ToolResult
from bot.domain.outcomes import ToolFault, decode, encode
from bot.domain.place import Place
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.domain.tools import Desk, Role
from bot.flows import context, scope
from bot.flows.context import Context
from bot.flows.deps import Deps
from bot.flows.opening import Begun, may_stand_there

NAME = "beside"
_ROLE: dict[str, Role] = {"alerts": "alerts", "metrics": "signals"}


async def request(engine: Engine, question: Question) -> bool:
    """Accept a command: one write, in a lane of its own, so that it waits for nothing."""
    key = f"cmd:{question.place.team}:{question.place.channel}:{question.ts}"
    stamped = replace(question, accepted=question.accepted or time.time())
    return await engine.start(NAME, key, key, encode(Question, stamped))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Placeholder, one look, answer."""
    question = context.masked(deps, decode(Question, payload))
    begun: Begun = await steps.once("begin", partial(_begin, steps, deps, question), Begun)
    if begun.posted is None:
        return {"state": begun.state}
    known: Context = await steps.once("context", partial(context.read, deps, question, begun.place, steps.key), Context)
    scoped = scope.resolve(question, known, begun.started, deps)
    if question.command == "status":
        answer = await steps.once("status", partial(_status, deps, question), Answer)
    elif scoped.choices and not question.env:
        answer = scope.ask_which(scoped, steps.key)
    else:
        desk = Desk(scoped.sources, scoped.window, begun.started, known.person.zone, scoped.services, deps.redact)
        answer = replace(await _look(steps, deps, desk, question), zone=known.person.zone, envs=scoped.sources.envs)
    seconds = (await steps.now() - begun.started).total_seconds()
    asked, written = question.accepted, begun.started.timestamp()
    answer = replace(
        answer, seconds=round(seconds, 2), trace=steps.key, window=scoped.window, asked=asked, written=written
    )
    await steps.once("finish", partial(_finish, deps, question, begun, answer, steps.key), bool)
    return {"state": "answered"}


async def _begin(steps: Steps, deps: Deps, question: Question) -> Begun:
    key, now = steps.key, deps.clock.now()
    again = may_stand_there(question) or await steps.resumed()
    posted = await deps.replies.begin(question.place, key, f"Looking: {question.command} {question.text}", again=again)
    place = question.place if question.place.thread else replace(question.place, thread=posted.ts)
    return Begun(now, place, state="answered before") if posted.final else Begun(now, place, posted)


async def _look(steps: Steps, deps: Deps, desk: Desk, question: Question) -> Answer:
    box = Toolbox(deps.tools, desk, deps.evidence, steps.key, deps.redact)
    tool = box.with_role(_ROLE[question.command])
    if tool is None or not desk.sources.of(tool.need):
        return Answer(head=f"No source serves {question.command} here. `nightjar doctor` says what is plugged in.")
    arguments: dict[str, Any] = {"service": question.text} if question.text and tool.role == "signals" else {}
    (outcome,) = await box.run(steps, (ToolCall("command", tool.name, arguments),), Ledger())
    return await steps.once("cite", partial(_answer, deps, steps.key, outcome), Answer)


async def _answer(deps: Deps, key: str, outcome: ToolResult | ToolFault) -> Answer:
    """The evidence's own summary first: the first line of its text may say no more than when it was read."""
    if isinstance(outcome, ToolFault):
        first, _, rest = outcome.text.partition("\n")
        return Answer(head=f"Not known: {first}"[:400], body=rest)
    kept = await deps.evidence.all(key)
    cited = tuple(Citation(item.id, item.source, item.env, item.query, item.summary, item.tool) for item in kept)
    missing = tuple(gap for item in kept for gap in item.missing)
    head = "\n".join(item.summary for item in kept)[:400]
    return Answer(head, outcome.text, evidence=cited, missing=missing, tool_calls=1, model="no model")


async def _status(deps: Deps, question: Question) -> Answer:
    """What runs and waits in this thread, and what was answered last in this channel."""
    runs = await deps.engine.lane(question.place.lane)
    recent = await deps.audit.recent(Place(question.place.team, question.place.channel), limit=5)
    running = [record for record in recent if record.state == "running"]
    head = "Nothing is running here." if not (runs or running) else f"{len(runs) or len(running)} under way here."
    return Answer(head=head, body="\n".join(_line(record) for record in recent), model="no model")


def _line(record: Record) -> str:
    said = (record.answer.head.partition("\n")[0] if record.answer else "") or record.state
    asked = f"“{record.question.text[:80]}”" if record.question.text else "a question that was deleted"
    return f"- {record.started:%H:%M} UTC {asked}: {said}"


async def _finish(deps: Deps, question: Question, begun: Begun, answer: Answer, key: str) -> bool:
    assert begun.posted is not None  # noqa: S101  a command always gets its placeholder
    now = deps.clock.now()
    await deps.audit.put(Record(key, question, "answered", begun.started, begun.posted, answer, now))
    await deps.replies.open(begun.place, key, begun.posted, question.asker, fresh=True).finish(answer)
    return True


FLOW = Flow(NAME, run)
