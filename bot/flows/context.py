"""What is around a question: the channel, the asker, the thread, what was said and found before, what it cost."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.answers import Answer
from bot.domain.investigations import Question, Record
from bot.domain.messages import Message
from bot.domain.place import Channel, Person, Place, Said
from bot.domain.window import Window
from bot.flows.deps import Deps

_ID = re.compile(r"\bE(\d+)\b")
_DISPUTES = 4
_BESIDE = ("cmp", "pm")  # what was asked by a message and has a lane of its own
_BEFORE_MESSAGES, _BEFORE_SECONDS, _BEFORE_CHARACTERS = 15, 7_200.0, 500


@dataclass(frozen=True)
class Context:
    """Read once, in one step; `next_id` goes on numbering the thread's evidence where it stands."""

    flow: str
    channel: Channel
    person: Person
    thread: tuple[Said, ...] = ()
    history: tuple[Message, ...] = ()
    earlier: tuple[str, ...] = ()
    earlier_flows: tuple[str, ...] = ()
    previous: Window | None = None
    subject: str = ""
    env: str = ""
    next_id: int = 1
    spent_usd: float = 0.0
    disputed: tuple[tuple[str, str], ...] = ()


def masked(deps: Deps, question: Question) -> Question:
    """The question as it may be stored, and shown to a model: people paste secrets."""
    files = tuple(replace(file, name=deps.redact(file.name)) for file in question.files)
    return replace(question, text=deps.redact(question.text), subject=deps.redact(question.subject), files=files)


async def read(deps: Deps, question: Question, place: Place, flow: str) -> Context:
    """Ask the chat service and the store, side by side."""
    in_thread = _in_thread(question)
    whole = Place(place.team, place.channel)
    (channel, person, thread), (history, mine, around, spent, env) = await asyncio.gather(
        asyncio.gather(
            deps.chat.channel(place.channel),
            deps.chat.person(question.asker),
            deps.chat.thread(place) if in_thread else _nothing(),
        ),
        asyncio.gather(
            deps.conversations.load(place),
            deps.audit.recent(place),
            deps.audit.recent(whole),
            deps.audit.spent(_midnight(deps.clock.now())),
            deps.notes.get(f"env:{place.lane}"),
        ),
    )
    said = tuple(replace(item, text=deps.redact(item.text)) for item in thread if item.ts != question.ts)
    answered = [record for record in mine if record.answer]
    if deps.policy.is_incident(channel) or channel.direct or in_thread:
        await _note_who_talks(deps, place, question, said)
    return Context(
        flow=flow,
        channel=channel,
        person=person,
        thread=said,
        history=history,
        earlier=_heads(around, place) if deps.policy.is_incident(channel) else (),
        earlier_flows=tuple(record.flow for record in answered),
        previous=answered[0].answer.window if answered and answered[0].answer else None,
        subject=_subject(said),
        env=question.env or env or "",
        next_id=1 + max((int(n) for message in history for n in _ID.findall(message.text)), default=0),
        spent_usd=spent,
        disputed=_disputed(answered),
    )


def _in_thread(question: Question) -> bool:
    return question.place.thread not in ("", question.ts)


async def before(deps: Deps, question: Question, channel: Channel) -> tuple[Said, ...]:
    """What was said in the incident's channel before a question outside any thread, masked and cut; oldest first.

    Never read inside a step: its outcome would be a copy of the channel.
    """
    if _in_thread(question) or not deps.policy.is_incident(channel):
        return ()
    place = Place(question.place.team, question.place.channel)
    kept = await deps.history.recent(place) if deps.policy.scope(channel).keep_days else ()
    since = deps.clock.now().timestamp() - _BEFORE_SECONDS
    found = [
        replace(said, text=deps.redact(said.text)[:_BEFORE_CHARACTERS], alerts=())
        for said in kept or await deps.chat.recent(place)
        if not said.own and said.ts != question.ts and float(said.ts) >= since
    ]
    return tuple(found[-_BEFORE_MESSAGES:])


async def _nothing() -> tuple[Said, ...]:
    return ()


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


async def _note_who_talks(deps: Deps, place: Place, question: Question, thread: Sequence[Said]) -> None:
    """One human alone with the bot may go on without a mention; with a second one a mention is needed again."""
    humans = {said.author for said in thread if said.author and not said.bot and not said.own} | {question.asker}
    await deps.notes.put(f"solo:{place.lane}", question.asker if len(humans) == 1 else "many", replace=True)


def _subject(thread: Sequence[Said]) -> str:
    """The alert that another bot posted at the thread's root, or last."""
    return next((said.text for said in (*thread[:1], *reversed(thread[1:])) if said.bot and not said.own), "")


def _heads(records: Sequence[Record], place: Place) -> tuple[str, ...]:
    """What was answered in other threads of the same incident, newest last; ids of evidence do not cross threads."""
    heads = [
        f"{record.started:%H:%M} UTC “{record.question.text[:80]}”: {_said(record.answer)}"
        for record in reversed(records)
        if record.answer
        and record.answer.head
        and not record.answer.sides
        and record.question.place.thread != place.thread
    ]
    return tuple(heads[-5:])


def _said(answer: Answer) -> str:
    """An answer's head, and behind it that it is disputed, and why."""
    doubt = "; ".join(dispute.why for dispute in answer.disputes)[:300]
    return _ID.sub("", answer.head)[:300] + (f" (disputed: {doubt})" if doubt else "")


def _disputed(records: Sequence[Record]) -> tuple[tuple[str, str], ...]:
    """Answers of this thread that somebody holds for wrong, with the reason, newest first."""
    answers = [record.answer for record in records if record.answer]
    return tuple((answer.head, dispute.why) for answer in answers for dispute in answer.disputes)[:_DISPUTES]


async def remember(deps: Deps, place: Place, key: str, question: Question, answer: Answer) -> None:
    """Keep question and answer for follow-ups: what was said, and the evidence's ids with one line each."""
    kept = "\n".join(f"[{item.id}] {item.source} {item.query}: {item.summary}" for item in answer.evidence)
    asked = Message("user", question.text)
    said = Message("assistant", f"{answer.head}\n\n{answer.body}\n\n{kept}".strip())
    await deps.conversations.append(place, key, (asked, said))


async def forget(deps: Deps, place: Place, ts: str, *, deleted: bool) -> None:
    """Forget what a message led to; an investigation that still works on a deleted one forgets it at its end."""
    beside = [f"{kind}:{place.team}:{place.channel}:{ts}" for kind in _BESIDE]
    runs = [run for lane in (place.lane, *beside) for run in await deps.engine.lane(lane)] if deleted else []
    if any(f":{ts}" in run.key for run in runs):
        await deps.notes.put(_gone(place, ts), "1")
    await deps.conversations.forget(place, ts)
    await deps.audit.forget(place, ts)


async def forget_if_gone(deps: Deps, question: Question) -> None:
    """The same at the end of an investigation, for a message that was deleted meanwhile."""
    if await deps.notes.get(_gone(question.place, question.ts)):
        await forget(deps, question.place, question.ts, deleted=False)


def _gone(place: Place, ts: str) -> str:
    return f"gone:{place.team}:{place.channel}:{ts}"


async def warn_of_money(deps: Deps) -> None:
    """Tell the configured channel, once a day, that 80 % of the day's money is spent."""
    day = _midnight(deps.clock.now())
    if not deps.policy.money_channel or await deps.audit.spent(day) < 0.8 * deps.policy.usd_per_day:
        return
    key = f"money:{day:%Y-%m-%d}"
    if await deps.notes.put(key, "1"):
        text = (
            f"80 % of today's ${deps.policy.usd_per_day:g} for models is spent. "
            "Beyond the limit the playbook answers, without a model."
        )
        await deps.chat.note(Place("", deps.policy.money_channel), text, key)
