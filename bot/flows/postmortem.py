"""The draft of a post-mortem from what is kept of a thread: its questions, answers and evidence; nothing is asked anew.

Code writes the head, the timeline, what is disputed and what was not looked at; a model writes the rest, and without
one the last answer stands in its place.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from zoneinfo import ZoneInfo

from bot import telemetry
from bot.agent.context import tokens
from bot.agent.frozen import answer_from
from bot.agent.prompt import POSTMORTEM, Report, report_message
from bot.agent.route import FALLBACK
from bot.agent.steps import SAID, handed, shown
from bot.check.claims import parse_answer
from bot.check.numbers import check_numbers, mark
from bot.domain.answers import Answer, Cause
from bot.domain.events import Status
from bot.domain.evidence import Evidence
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON, Usage
from bot.domain.outcomes import Fault, ModelOutcome, Turn, encode
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.domain.window import Window
from bot.flows import answer, scope, timeline, verdict
from bot.flows.deps import Deps

NAME = "postmortem"
SUBJECT = "the post-mortem of this thread"
MOST_RECORDS = 50
NOTHING = "Nothing was answered in this thread yet, so there is nothing to write of.\nNext: ask me here first."
_SHARE = 0.6  # of a window; the rest is for instructions and the answer
_CUTS = (4_000, 2_000, 1_000, 500, 200)  # characters of each piece of evidence


@dataclass(frozen=True)
class Kept:
    """What the store has of the thread, oldest first, and which of its answers says best what broke."""

    records: tuple[Record, ...]
    evidence: tuple[Evidence, ...]
    best: Answer


@dataclass(frozen=True)
class Draft:
    """What a model wrote, empty where none did; who failed before it and why, and what all of them cost."""

    text: str
    model: str
    gone: tuple[str, ...]
    usage: Usage


async def request(engine: Engine, question: Question) -> bool:
    """Accept it: one write, in a lane of its own. False when it was accepted before."""
    key = f"pm:{question.place.team}:{question.place.channel}:{question.ts}"
    stamped = replace(question, text=SUBJECT, command=NAME, accepted=question.accepted or time.time())
    return await engine.start(NAME, key, key, encode(Question, stamped))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Placeholder, one turn of a model, the draft."""
    return await answer.investigate(steps, deps, payload, answer.Job, _draft)


async def _draft(job: answer.Job) -> str:
    steps = job.steps
    flows = await steps.once("records", partial(_told, job.deps, job.question), tuple[str, ...])
    kept = await _kept(job.deps, flows)
    if kept is None:
        await steps.once("finish", partial(job.finish, Answer(head=NOTHING, trace=steps.key)), bool)
    else:
        draft = await _write(job, kept)
        await steps.once("finish", partial(_conclude, job, kept, draft), bool)
    return "post-mortem"


async def _told(deps: Deps, question: Question) -> tuple[str, ...]:
    """The thread's investigations that ended, oldest first."""
    newest = await deps.audit.recent(question.place, MOST_RECORDS)
    told = [record for record in newest if not record.question.command and record.state != "running"]
    return tuple(record.flow for record in reversed(told))


async def _kept(deps: Deps, flows: Sequence[str]) -> Kept | None:
    """Read beside the steps, so that evidence is not copied into the engine's database; None without an answer."""
    found = [record for flow in flows if (record := await deps.audit.get(flow))]
    answers = [record.answer for record in reversed(found) if record.answer and record.answer.head]
    if not answers:
        return None
    best = min(answers, key=lambda one: (one.cause is None, bool(one.disputes)))  # of equals the newest
    evidence = [item for record in found for item in await deps.evidence.all(record.flow)]
    return Kept(tuple(found), tuple(evidence), best)


async def _write(job: answer.Job, kept: Kept) -> Draft:
    """By the first model of the route that answers."""
    deps, usage, gone = job.deps, Usage(), list[str]()
    if job.known.spent_usd >= deps.policy.usd_per_day:
        return Draft("", FALLBACK, (f"the ${deps.policy.usd_per_day:g} a day for models are spent",), usage)
    for choice in scope.models_for("post-mortem", deps.policy.scope(job.known.channel), deps):
        if choice.name == FALLBACK:
            break
        job.show(Status(f"{shown(choice.name)} writes the draft"))
        outcome = await job.steps.once(f"model:{choice.name}", partial(_ask, job, kept, choice.name), ModelOutcome)
        usage += outcome.usage
        if isinstance(outcome, Turn):
            return Draft(outcome.message.text, outcome.message.model or choice.name, tuple(gone), usage)
        gone.append(f"{shown(choice.name)} {SAID[outcome.cause]}")
    return Draft("", FALLBACK, tuple(gone), usage)


async def _ask(job: answer.Job, kept: Kept, name: str) -> Turn | Fault:
    model = job.deps.models.get(name)
    asked = [report_message(_report(job, kept), kept.evidence, most) for most in _CUTS]
    room = int(_SHARE * model.facts.context_tokens)
    message = next((one for one in asked if tokens((one,)) <= room), asked[-1])
    outcome = await answer_from(model, (message,), job.budget, "medium", system=POSTMORTEM)
    telemetry.count_turn(name, outcome)
    return outcome


def _report(job: answer.Job, kept: Kept) -> Report:
    moments = timeline.timeline(kept.records, kept.evidence, job.known.thread)
    zone = job.known.person.zone
    return Report(
        zone=zone,
        timeline=timeline.written(moments, zone),
        answers=tuple((one.head, one.body) for record in kept.records if (one := record.answer)),
        disputed=_disputed(kept),
    )


async def _conclude(job: answer.Job, kept: Kept, draft: Draft) -> bool:
    """Every figure looked up in the thread's evidence, then the draft leaves."""
    deps, zone = job.deps, job.known.person.zone
    text = deps.redact(draft.text) or f"## Summary\n{kept.best.head}"
    numbers = check_numbers(text, kept.evidence, zone, () if draft.text else (kept.best.head,))
    moments = timeline.timeline(kept.records, kept.evidence, job.known.thread)
    parts = [mark(text.strip(), numbers), f"## Timeline ({_zone(job)})\n{timeline.written(moments, zone)}"]
    if doubts := _disputed(kept):
        parts.append("## Disputed\n" + "\n".join(f"- “{head}”: {why}" for head, why in doubts))
    body = "\n\n".join(parts)
    cited = parse_answer(body).cited
    unknown = sorted(set(cited) - {item.id for item in kept.evidence})
    missing = [gap for record in kept.records if record.answer for gap in record.answer.missing]
    missing += [f"cited but unknown: {', '.join(unknown)}"] if unknown else []
    said = Answer(
        head=_head(kept, moments, zone),
        body=body,
        open=True,
        cause=kept.best.cause,
        evidence=tuple(verdict.citation(item) for item in kept.evidence if item.id in cited),
        numbers=numbers,
        missing=tuple(dict.fromkeys(missing)),
        model=draft.model,
        handed=handed(draft.gone, draft.model),
        usage=draft.usage,
        seconds=round((deps.clock.now() - job.begun.started).total_seconds(), 2),
        window=Window(moments[0].at, moments[-1].at) if moments else None,
        zone=zone,
        envs=kept.best.envs,
        trace=telemetry.trace_of(job.steps.key),
    )
    return await job.finish(said)


def _zone(job: answer.Job) -> str:
    return f"{job.begun.started.astimezone(ZoneInfo(job.known.person.zone)):%Z}"


def _disputed(kept: Kept) -> tuple[tuple[str, str], ...]:
    """Answers that somebody holds for wrong, by their first line, and why."""
    answers = [record.answer for record in kept.records if record.answer]
    return tuple((one.head.partition("\n")[0], dispute.why) for one in answers for dispute in one.disputes)


def _head(kept: Kept, moments: Sequence[timeline.Moment], zone: str) -> str:
    """What broke, from when to when, and how much of it is certain: by code."""
    cause = kept.best.cause
    counted = f"From {len(kept.records)} question{'s' if len(kept.records) > 1 else ''}"
    counted += f", {len(doubts)} disputed" if (doubts := _disputed(kept)) else ""
    closing = f"{counted}. Next: read it, correct it, and decide on the follow-ups."
    if cause is None:
        return f"Draft of a post-mortem: no cause was found.\n{closing}"
    how = "disputed" if kept.best.disputes else cause.confidence
    fact, cited = timeline.fact_of(cause.service, kept.evidence)
    first = f"Draft of a post-mortem: {cause.service}, {fact.get('headline') or cause.signal}{cited} ({how})."
    return f"{first}\n{_span(cause, str(fact.get('until') or ''), zone)}\n{closing}"


def _span(cause: Cause, until: str, zone: str) -> str:
    begin, end = timeline.at(cause.since), timeline.at(until)
    since = f"Since {timeline.clock(begin, zone)}" if begin else "Since an unknown time"
    if begin and end:
        minutes = round((end - begin).total_seconds() / 60)
        return f"From {timeline.clock(begin, zone)} to {timeline.clock(end, zone)}, {minutes} min."
    return f"{since}; no answer saw it end."


FLOW = Flow(NAME, run)
