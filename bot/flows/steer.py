"""A message while an investigation runs: it steers, it is answered beside, or it waits; decided by code."""

import re

from bot.domain.investigations import Question
from bot.domain.outcomes import decode
from bot.flows.deps import Deps

_QUESTION = re.compile(
    r"(\?\s*$)|^\s*(and\s+|also\s+|then\s+)?(why|what|which|who|whose|when|where|how|is|are|was|were|do|does|did|can|"
    r"could|should|has|have|any)\b",
    re.IGNORECASE,
)


def is_instruction(text: str) -> bool:
    """Whether a message tells the running investigation something, rather than asking something new."""
    return _QUESTION.search(text) is None


def joins(question: Question) -> bool:
    """Whether the message is taken by what runs; one with files is worked on by itself."""
    return is_instruction(question.text) and not question.files


def joined_note(key: str) -> str:
    """The note that says into which flow a message was taken."""
    return f"joined:{key}"


def queued_note(key: str) -> str:
    """The note that says that a waiting question has its placeholder already."""
    return f"queued:{key}"


async def take(deps: Deps, lane: str, flow: str) -> tuple[str, ...]:
    """The texts of waiting instructions of this lane, each taken by one flow only; the same again when repeated."""
    taken = []
    for run in await deps.engine.lane(lane):
        if run.running or run.key == flow:
            continue
        question: Question = decode(Question, run.payload)
        if joins(question):
            note = joined_note(run.key)
            if await deps.notes.put(note, flow) or await deps.notes.get(note) == flow:
                taken.append(deps.redact(question.text))
    return tuple(taken)


async def acknowledge(deps: Deps, lane: str, key: str, question: Question) -> None:
    """Tell whoever wrote into a busy thread, at once, what becomes of the message; nothing when the lane is free."""
    ahead = [run for run in await deps.engine.lane(lane) if run.key != key]
    if not any(run.running for run in ahead):
        return
    if joins(question):
        await deps.chat.note(question.place, "Noted: this joins the running investigation before its next turn.", key)
        return
    if await deps.notes.put(queued_note(key), "1"):
        waiting = sum(1 for run in ahead if run.running or not joins(decode(Question, run.payload)))
        await deps.replies.begin(question.place, key, f"Queued: {waiting} ahead of this one.", again=False)
