"""All that is kept, as ports, and what every way of keeping it agrees on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.answers import Answer
from bot.domain.evidence import Evidence
from bot.domain.investigations import Record
from bot.domain.place import Place
from bot.domain.ports import Audit, Conversations, EvidenceStore, History, Notes, Votes


@dataclass(frozen=True)
class Store:
    """One of each; how it is kept, only the file that opened it knows. `trouble()` is empty while all is well, else
    like "the database cannot be reached since 10:02 UTC: connection refused"."""

    conversations: Conversations
    evidence: EvidenceStore
    audit: Audit
    votes: Votes
    notes: Notes
    history: History
    trouble: Callable[[], str] = str


def place_of(record: Record) -> Place:
    """Where follow-ups come from: the thread asked in, else the one under the reply."""
    place = record.question.place
    under = record.posted.ts if record.posted else record.question.ts
    return place if place.thread else Place(place.team, place.channel, under)


def cost_of(record: Record) -> float:
    """US dollars."""
    return record.answer.usage.cost_usd if record.answer else 0.0


def without_words(record: Record) -> Record:
    """What may stay once the asking message is gone: when, where, how long, with which model and for how much."""
    question = replace(record.question, text="", subject="", command="", files=())
    said = record.answer
    figures = said and Answer(
        head="",
        model=said.model,
        tool_calls=said.tool_calls,
        seconds=said.seconds,
        usage=said.usage,
        window=said.window and replace(said.window, said=""),
        zone=said.zone,
        envs=said.envs,
        trace=said.trace,
        sides=tuple(replace(side, head="", body="") for side in said.sides),
        revealed=bool(said.sides),
    )
    return replace(record, question=question, answer=figures)


def by_number(evidence: Evidence) -> tuple[int, str]:
    """E2 stands before E10."""
    return int("".join(filter(str.isdigit, evidence.id)) or 0), evidence.id
