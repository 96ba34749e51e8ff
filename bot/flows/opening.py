"""How every investigation begins: its placeholder and the audit's first word, once, or why there is nothing to do."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from bot import telemetry
from bot.domain.investigations import Posted, Question, Record
from bot.domain.place import Place
from bot.domain.ports import Steps
from bot.flows import steer
from bot.flows.deps import Deps

FRESH_SECONDS = 10.0  # from the message to its acceptance, when nothing is wrong, clocks included
_NUMBER = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Begun:
    """Where the placeholder stands and when work began; without one, `state` says why nothing is answered. `anew` is
    the version that began it again."""

    started: datetime
    place: Place
    posted: Posted | None = None
    state: str = ""
    anew: str = ""


def anew_note(key: str) -> str:
    """The note that says by which version an investigation was begun again."""
    return f"anew:{key}"


async def begin(steps: Steps, deps: Deps, question: Question) -> Begun:
    """The placeholder, and the audit's first word; or why there is nothing to do."""
    key, now = steps.key, deps.clock.now()
    if await deps.notes.get(steer.joined_note(key)):
        return Begun(now, question.place, state="joined")
    if question.way == "follow_up" and not await _may_follow_up(deps, question):
        return Begun(now, question.place, state="not_asked")
    anew = await deps.notes.get(anew_note(key)) or ""
    queued = await deps.notes.get(steer.queued_note(key))
    again = bool(anew or queued) or may_stand_there(question) or await steps.resumed()
    text = f"Looking into it: “{_short(question.text)}”" if question.text else "Looking into it"
    telemetry.observe("queue_seconds", now.timestamp() - question.accepted)
    posted = await deps.replies.begin(question.place, key, text, again=again)
    telemetry.observe("status_seconds", deps.clock.now().timestamp() - question.accepted)
    place = question.place if question.place.thread else replace(question.place, thread=posted.ts)
    if posted.final:  # the databases are older than the thread: they were restored from a backup
        await deps.audit.put(Record(key, question, "answered", now, posted, None, now))
        return Begun(now, place, state="answered before")
    await deps.audit.put(Record(key, question, "running", now, posted))
    return Begun(now, place, posted, anew=anew)


async def _may_follow_up(deps: Deps, question: Question) -> bool:
    channel = await deps.chat.channel(question.place.channel)
    return channel.direct or deps.policy.is_incident(channel)


def may_stand_there(question: Question) -> bool:
    """Whether the placeholder may have been posted before its acceptance: the databases were restored from a backup."""
    number = _NUMBER.fullmatch(question.ts)
    return number is not None and abs(question.accepted - float(question.ts)) > FRESH_SECONDS


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 140 else line[:139] + "…"
