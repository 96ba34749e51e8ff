"""An answer that stands already is written anew: it was disputed, or it is told who wrote it."""

from dataclasses import replace

from bot.domain.answers import Answer
from bot.domain.investigations import Record
from bot.flows.deps import Deps

LATE_SECONDS = 900.0  # an answer that was in time then is not late for being written anew


async def show(deps: Deps, record: Record, answer: Answer) -> bool:
    """Edit its message; False where none is known."""
    if record.posted is None:
        return False
    place = record.question.place
    place = place if place.thread else replace(place, thread=record.posted.ts)
    in_time = answer.written - answer.asked < LATE_SECONDS
    reply = deps.replies.open(place, record.flow, record.posted)
    await reply.finish(replace(answer, asked=0.0) if in_time else answer)
    return True
