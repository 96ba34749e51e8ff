"""All that is kept, as ports, and what every way of keeping it agrees on."""

from dataclasses import dataclass

from bot.domain.evidence import Evidence
from bot.domain.investigations import Record
from bot.domain.place import Place
from bot.domain.ports import Audit, Conversations, EvidenceStore, Notes, Votes


@dataclass(frozen=True)
class Store:
    """One of each; how it is kept, only the file that opened it knows."""

    conversations: Conversations
    evidence: EvidenceStore
    audit: Audit
    votes: Votes
    notes: Notes


def place_of(record: Record) -> Place:
    """Where follow-ups come from: the thread asked in, else the one under the reply."""
    place = record.question.place
    under = record.posted.ts if record.posted else record.question.ts
    return place if place.thread else Place(place.team, place.channel, under)


def cost_of(record: Record) -> float:
    """US dollars."""
    return record.answer.usage.cost_usd if record.answer else 0.0


def by_number(evidence: Evidence) -> tuple[int, str]:
    """E2 stands before E10."""
    return int("".join(filter(str.isdigit, evidence.id)) or 0), evidence.id
