"""Two models answer one question from the same evidence, side by side and blind.

The evidence is gathered once, by the rules of the playbook, and lies frozen in the store under this flow's key; each
model is asked once, without tools. Which one is A is drawn by the key.
"""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot import telemetry
from bot.agent.context import tokens
from bot.agent.frozen import answer_from
from bot.agent.loop import Worked
from bot.agent.prompt import Brief, first_message
from bot.agent.route import FALLBACK
from bot.agent.steps import SAID
from bot.check.selves import ids_of, nameless
from bot.domain.answers import Answer, Side
from bot.domain.events import Draft, Event
from bot.domain.evidence import Evidence
from bot.domain.investigations import Question
from bot.domain.messages import JSON, Message, ToolResult, Usage
from bot.domain.outcomes import Fault, ModelOutcome, Turn, encode
from bot.domain.place import Channel
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows import answer, context, scope, verdict
from bot.flows.context import Context
from bot.flows.deps import Deps

NAME = "compare"
LETTERS = ("A", "B")
_SHARE = 0.6  # of a window; the rest is for instructions and the answer
_CUTS = (20_000, 4_000, 2_000, 1_000, 500)
_TELLS = re.compile(r"\n*No model was used\.\s*$")  # the playbook's last line


def key_of(question: Question) -> str:
    """The flow's key: once per asking message and environment, for ever."""
    chosen = f":env={question.env}" if question.env else ""
    return f"cmp:{question.place.team}:{question.place.channel}:{question.ts}{chosen}"


async def request(engine: Engine, question: Question) -> bool:
    """Accept a comparison: one write, in a lane of its own. False when it was accepted before."""
    stamped, key = replace(question, command=NAME, accepted=question.accepted or time.time()), key_of(question)
    return await engine.start(NAME, key, key, encode(Question, stamped))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Placeholder, evidence, both answers at once, one message."""
    return await answer.investigate(steps, deps, payload, Gathering, _compare)


@dataclass(frozen=True)
class Gathering(answer.Job):
    """A job that only gathers: nobody steers it, and what the playbook would answer is shown to nobody."""

    def show(self, event: Event) -> None:
        """All but the draft."""
        if not isinstance(event, Draft):
            super().show(event)

    async def join(self) -> tuple[str, ...]:
        """Nothing: what waits in the thread is for another."""
        return ()


async def _compare(found: Gathering) -> str:
    job = replace(found, scoped=replace(found.scoped, models=(FALLBACK,), digesters=()))
    steps, deps, known = job.steps, job.deps, job.known
    names = await steps.once("models", partial(_pair, deps, known), tuple[str, ...])
    if job.scoped.choices:
        await steps.once("finish", partial(job.finish, scope.ask_which(job.scoped, steps.key)), bool)
    elif len(names) < len(LETTERS):
        said = Answer(head=_lacking(deps, known), trace=steps.key)
        await steps.once("finish", partial(job.finish, said), bool)
    else:
        worked = await job.work()
        calls = [partial(_ask, job, name, worked, _room(deps, names)) for name in names]
        outcomes = await steps.together("sides", calls, ModelOutcome)
        await steps.once("finish", partial(_conclude, job, worked, names, outcomes), bool)
    return "compared"


async def _pair(deps: Deps, known: Context) -> tuple[str, ...]:
    """Two models, fewer where there are none: as set, else the first two of different families of the route."""
    if known.spent_usd >= deps.policy.usd_per_day:
        return ()
    return pair(deps, known.channel)


def pair(deps: Deps, channel: Channel) -> tuple[str, ...]:
    """The models that may be compared in a channel, in order; hosted ones never where all must stay in-house."""
    here = deps.policy.scope(channel)
    facts = {name: deps.models.get(name).facts for name in (FALLBACK, *deps.policy.compare)}
    if deps.policy.compare and not here.models:
        return tuple(name for name in deps.policy.compare if not (here.in_house and facts[name].hosted))
    families: dict[str, str] = {}
    for choice in scope.models_for("question", here, deps):
        families.setdefault(choice.name.partition(":")[0], choice.name)
    return tuple(families.values())[: len(LETTERS)]


def _lacking(deps: Deps, known: Context) -> str:
    """Why nothing is compared, and what to set."""
    if known.spent_usd >= deps.policy.usd_per_day:
        return f"Today's ${deps.policy.usd_per_day:g} for models is spent, so nothing is compared before midnight UTC."
    found, here = pair(deps, known.channel), deps.policy.scope(known.channel)
    there = f"there is only {found[0]}" if found else "there is none"
    kept = ", as nothing of this channel may leave the house" if here.in_house else ""
    return (
        f"Comparing needs two models, and here {there}{kept}.\n"
        'Name two in the settings, such as `compare = ["claude:claude-opus-5-5", "playbook"]`, '
        "or list models of two families in NIGHTJAR_MODELS."
    )


def _room(deps: Deps, names: Sequence[str]) -> int:
    """Tokens that the smaller of the models has for all that is read: what one cannot hold the other does not get."""
    return int(_SHARE * min(deps.models.get(name).facts.context_tokens for name in names))


async def _ask(job: Gathering, name: str, worked: Worked, room: int) -> Turn | Fault:
    evidence, history = await job.deps.evidence.all(job.steps.key), job.known.history
    asked = (_frozen(job, worked, evidence, most) for most in _CUTS)
    messages = next((told for one in asked if tokens(told := (*history, one)) <= room), None)
    messages = messages or (_frozen(job, worked, evidence, _CUTS[-1]),)
    model = job.deps.models.get(name)
    outcome = await answer_from(model, messages, job.budget, answer.EFFORT[job.question.depth])
    telemetry.count_turn(name, outcome)
    return outcome


def _frozen(job: Gathering, worked: Worked, evidence: Sequence[Evidence], most: int) -> Message:
    """The question with all the evidence there is, at most so many characters each; the same for both to the letter."""
    known, question, scoped = job.known, job.question, job.scoped
    longest = {tool.name: min(most, tool.max_chars) for tool in job.deps.tools}
    failed = (result.text for message in worked.messages for result in message.results if result.failed)
    brief = Brief(
        question=question.text,
        now=job.begun.started,
        window=evidence[-1].window if evidence else scoped.window,
        zone=known.person.zone,
        envs=scoped.sources.envs,
        services=scoped.services,
        thread=tuple((said.author or said.bot, said.text) for said in known.thread if not said.own),
        subject=question.subject or known.subject,
        earlier=known.earlier,
        disputed=known.disputed,
        health=tuple(dict.fromkeys((*worked.told, *failed))),
    )
    cut = [(item, item.text[: longest.get(item.tool, most)]) for item in evidence]
    return first_message(brief, [ToolResult("", item.tool, text, item.id, item.facts) for item, text in cut])


async def _conclude(job: Gathering, worked: Worked, names: Sequence[str], outcomes: Sequence[Turn | Fault]) -> bool:
    """Both checked against the same evidence, in the order that the key draws."""
    deps, key = job.deps, job.steps.key
    evidence = await deps.evidence.all(key)
    earlier = [item for flow in job.known.earlier_flows for item in await deps.evidence.all(flow)]
    checked = [
        verdict.build(
            _as_worked(name, outcome, worked), evidence, earlier, known=job.known, scoped=job.scoped, redact=deps.redact
        )
        for name, outcome in zip(names, outcomes, strict=True)
    ]
    sides = [_side(*one) for one in zip(names, outcomes, checked, strict=True)]
    sides = sides[::-1] if swapped(key) else sides
    hidden = _hidden(job, names, evidence)
    said = replace(
        checked[0],
        head="\n".join(f"{letter}: {_first(side, hidden)}" for letter, side in zip(LETTERS, sides, strict=True)),
        body="\n\n".join(
            f"# {letter}\n{nameless(side.head, hidden)}\n\n{nameless(side.body, hidden)}"
            for letter, side in zip(LETTERS, sides, strict=True)
        ),
        cause=None,
        charts=(),
        missing=tuple(dict.fromkeys(gap for one in checked for gap in one.missing)),
        tool_calls=worked.tool_calls,
        usage=sum((side.usage for side in sides), Usage()),
        seconds=round((deps.clock.now() - job.begun.started).total_seconds(), 2),
        trace=telemetry.trace_of(key),
        model="two models",
        why="",
        numbers=replace(checked[0].numbers, total=0, backed=0, unbacked=()),
        sides=tuple(sides),
        revealed=any(side.fault for side in sides),
        hidden=hidden,
    )
    await context.remember(deps, job.begun.place, key, job.question, said)
    return await job.finish(said)


def swapped(key: str) -> bool:
    """Whether the second model is A: drawn by the key, and so the same in any process."""
    return bool(hashlib.sha256(key.encode()).digest()[0] & 1)


def _as_worked(name: str, outcome: Turn | Fault, gathered: Worked) -> Worked:
    text = outcome.message.text if isinstance(outcome, Turn) else ""
    messages = gathered.messages if name == FALLBACK else ()  # it quotes faults as they are
    return Worked(text, messages, name, outcome.usage, 0, told=gathered.told)


def _side(name: str, outcome: Turn | Fault, checked: Answer) -> Side:
    fault = SAID[outcome.cause] if isinstance(outcome, Fault) else ""
    if fault:
        return Side(name, usage=outcome.usage, seconds=outcome.seconds, fault=fault)
    body = _TELLS.sub("", checked.body) if name == FALLBACK else checked.body
    return Side(name, checked.head, body, checked.numbers, outcome.usage, outcome.seconds)


def _hidden(job: Gathering, names: Sequence[str], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """The ids of both models; none that stands in what both read, as there it may be what the question is about."""
    known, models = job.known, job.deps.models
    thread = (said.text for said in known.thread if not said.own)
    read = "\n".join((job.question.text, *thread, *(item.text for item in evidence))).casefold()
    ids = {one for name in names for one in ids_of(name, models.get(name).facts.name)}
    return tuple(sorted(one for one in ids if one.casefold() not in read))


def _first(side: Side, hidden: Sequence[str]) -> str:
    return nameless(side.head, hidden).partition("\n")[0] or "no answer"


FLOW = Flow(NAME, run)
