"""Stop what runs: a flow of its own, outside the lane."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from bot import telemetry
from bot.domain.answers import Failure
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows import answer, context
from bot.flows.deps import Deps

NAME = "stop"
NOTICED_SECONDS = 2.5  # by then a run that works in another process has been cut off


@dataclass(frozen=True)
class Stopping:
    """Who stops what: a flow by its key, and the question it answers, where that is known."""

    key: str
    by: str
    question: Question | None = None


async def request(engine: Engine, lane: str, key: str, by: str) -> bool:
    """Accept a stop: of `key`, or of whatever runs in the lane. False when nothing runs or it was stopped before."""
    runs = await engine.lane(lane)
    found = next((run for run in runs if (run.key == key if key else run.running)), None)
    key = found.key if found else key
    if not key:
        return False
    question = decode(Question, found.payload) if found and found.flow == answer.NAME else None
    stopping = Stopping(key, by, question)
    return await engine.start(NAME, f"stop:{key}", f"stop:{key}", encode(Stopping, stopping))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Cancel, then finish the reply from what is stored."""
    stopping: Stopping = decode(Stopping, payload)
    stopped = await steps.once("stop", partial(_stop, deps, stopping), bool)
    if stopped:
        await steps.once("say so again", partial(_say_so_again, deps, stopping), bool)
    return {"state": "stopped" if stopped else "over"}


async def _stop(deps: Deps, stopping: Stopping) -> bool:
    record = await deps.audit.get(stopping.key)
    if record is not None and record.state in ("answered", "failed", "stopped"):
        return False
    await deps.engine.cancel(stopping.key)
    telemetry.count("answers", state="stopped")
    if record is None or record.posted is None:
        record = await _found(deps, stopping)
    if record is None:
        return True
    await _say_so(deps, stopping, record)
    await deps.audit.put(replace(record, state="stopped", finished=deps.clock.now(), detail={"by": stopping.by}))
    return True


async def _found(deps: Deps, stopping: Stopping) -> Record | None:
    """The record of a run that was cut off while it posted its placeholder, which may stand there all the same."""
    question = stopping.question
    if question is None:
        return None
    await asyncio.sleep(NOTICED_SECONDS)
    posted = await deps.replies.begin(question.place, stopping.key, "Stopping", again=True)
    return Record(stopping.key, context.masked(deps, question), "running", deps.clock.now(), posted)


async def _say_so(deps: Deps, stopping: Stopping, record: Record) -> None:
    if record.posted is None:
        return
    seen = await deps.evidence.all(stopping.key)
    listed = "".join(f"\n• [{item.id}] {item.summary}" for item in seen[:3])
    text = f"Stopped by <@{stopping.by}>." + (f" Seen so far:{listed}" if listed else "")
    place = record.question.place
    place = place if place.thread else replace(place, thread=record.posted.ts)
    reply = deps.replies.open(place, stopping.key, record.posted, record.question.asker)
    await reply.fail(Failure(text, telemetry.trace_of(stopping.key), stopped_by=stopping.by))


async def _say_so_again(deps: Deps, stopping: Stopping) -> bool:
    """Another process may still have shown progress until the cancel reached it."""
    if (await deps.engine.load()).workers < 2:
        return False
    await asyncio.sleep(NOTICED_SECONDS)
    record = await deps.audit.get(stopping.key)
    if record is not None and record.state == "stopped":
        await _say_so(deps, stopping, record)
    return True


FLOW = Flow(NAME, run)
