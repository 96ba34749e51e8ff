"""The store in memory: the same values come back as from a database."""

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.domain import plain
from bot.domain.evidence import Evidence
from bot.domain.investigations import Record
from bot.domain.messages import Message
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place, Said
from bot.store.repositories import Store, by_number, cost_of, place_of, without_words

K = TypeVar("K", bound=Hashable)


def open_memory() -> Store:
    """A store that lasts as long as the process."""
    return Store(MemoryConversations(), MemoryEvidence(), MemoryAudit(), MemoryVotes(), MemoryNotes(), MemoryHistory())


def _kept(kind: Any, value: Any) -> Any:
    """The value after a way through JSON, as a database gives it back."""
    return decode(kind, plain.cleaned(encode(kind, value)))


class _Rows(dict[K, Any]):
    """Rows by key, each with the time when it was written last."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[K, datetime] = {}

    def __setitem__(self, key: K, value: Any) -> None:
        super().__setitem__(key, value)
        self._written[key] = datetime.now(UTC)

    def purge(self, before: datetime, keys: Sequence[K] | None = None) -> int:
        """Drop what was written before then, of these or of all; how much it was."""
        return self.drop([key for key in (self if keys is None else keys) if self._written[key] < before])

    def drop(self, keys: Sequence[K]) -> int:
        """Drop these; how many they are."""
        for key in keys:
            del self[key]
        return len(keys)


def _within(here: Place, place: Place) -> bool:
    same_channel = (here.team, here.channel) == (place.team, place.channel)
    return same_channel and place.thread in ("", here.thread)


class MemoryConversations:
    """The `Conversations` port."""

    def __init__(self) -> None:
        self._said: _Rows[tuple[Place, str, int]] = _Rows()

    async def load(self, place: Place) -> tuple[Message, ...]:
        """What was said in this thread, oldest first; outside any thread only what was said outside."""
        return tuple(message for (here, *_), message in self._said.items() if here == place)

    async def append(self, place: Place, flow: str, messages: Sequence[Message]) -> None:
        """Keep what a flow adds; the same flow again replaces its own."""
        for position, message in enumerate(messages):
            self._said[place, flow, position] = _kept(Message, message)

    async def forget(self, place: Place, ts: str = "") -> None:
        """Delete what the message `ts` led to, in whichever thread; without one, the thread or the whole channel."""
        within = Place(place.team, place.channel) if ts else place
        self._said.drop([key for key in self._said if _within(key[0], within) and (not ts or f":{ts}" in key[1])])

    async def purge(self, before: datetime) -> int:
        """Delete what was written before then; how much it was."""
        return self._said.purge(before)


class MemoryEvidence:
    """The `EvidenceStore` port."""

    def __init__(self) -> None:
        self._evidence: _Rows[tuple[str, str]] = _Rows()

    async def put(self, evidence: Evidence) -> None:
        """Keep it; the same flow and id again replaces it."""
        self._evidence[evidence.flow, evidence.id] = _kept(Evidence, evidence)

    async def get(self, flow: str, id: str) -> Evidence | None:
        """One piece, or None."""
        return self._evidence.get((flow, id))

    async def all(self, flow: str) -> tuple[Evidence, ...]:
        """All of an investigation, by number."""
        return tuple(sorted((item for item in self._evidence.values() if item.flow == flow), key=by_number))

    async def purge(self, before: datetime) -> int:
        """Delete what was written before then; how much it was."""
        return self._evidence.purge(before)


class MemoryAudit:
    """The `Audit` port."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    async def put(self, record: Record) -> None:
        """Keep it; the same flow again replaces it."""
        self._records[record.flow] = _kept(Record, record)

    async def get(self, flow: str) -> Record | None:
        """One record, or None."""
        return self._records.get(flow)

    async def recent(self, place: Place | None = None, limit: int = 20, kind: str = "") -> tuple[Record, ...]:
        """The latest, newest first: of a thread, of a channel, or of all; of one kind, or of every."""
        there = [record for record in self._records.values() if place is None or _within(place_of(record), place)]
        found = [record for record in there if not kind or record.flow.startswith(f"{kind}:")]
        return tuple(sorted(found, key=lambda record: (record.started, record.flow), reverse=True)[:limit])

    async def forget(self, place: Place, ts: str) -> bool:
        """Blank the words of what the message `ts` of the channel asked, and of the answers; whether there were any."""
        within = Place(place.team, place.channel)
        found = [r for r in self._records.values() if _within(place_of(r), within) and f":{ts}" in r.flow]
        self._records.update({record.flow: without_words(record) for record in found})
        return bool(found)

    async def spent(self, since: datetime) -> float:
        """US dollars of the investigations begun since then."""
        return sum(cost_of(record) for record in self._records.values() if record.started >= since)

    async def purge(self, before: datetime) -> int:
        """Delete what was begun before then; how much it was."""
        gone = [flow for flow, record in self._records.items() if record.started < before]
        for flow in gone:
            del self._records[flow]
        return len(gone)


class MemoryVotes:
    """The `Votes` port."""

    def __init__(self) -> None:
        self._votes: _Rows[tuple[str, str]] = _Rows()

    async def put(self, flow: str, person: str, vote: str, reason: str = "") -> None:
        """One vote a person; the last counts."""
        self._votes[flow, person] = (plain.text(vote), plain.text(reason))

    async def all(self, flow: str) -> tuple[tuple[str, str, str], ...]:
        """Person, vote and reason, by person."""
        return tuple(sorted((person, *vote) for (of, person), vote in self._votes.items() if of == flow))

    async def purge(self, before: datetime) -> int:
        """Delete what was written before then; how much it was."""
        return self._votes.purge(before)


class MemoryNotes:
    """The `Notes` port."""

    def __init__(self) -> None:
        self._notes: _Rows[str] = _Rows()

    async def put(self, key: str, value: str, *, replace: bool = False) -> bool:
        """Whether the key is new; the value of a known one changes only with `replace`."""
        new = key not in self._notes
        if new or replace:
            self._notes[key] = plain.text(value)
        return new

    async def get(self, key: str) -> str | None:
        """The value, or None."""
        return self._notes.get(key)

    async def purge(self, before: datetime, kept: Sequence[str] = ()) -> int:
        """Delete what was written before then, but for keys that begin with one of `kept`; how much it was."""
        served = [key for key in self._notes if not key.startswith(tuple(kept))]
        return self._notes.purge(before, served)


class MemoryHistory:
    """The `History` port."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], tuple[str, Said, datetime]] = {}

    async def keep(self, place: Place, said: Said, until: datetime) -> None:
        """Keep a message, or what became of it, until then."""
        kept = _kept(Said, Said(said.ts, said.author, said.text, said.bot))
        self._kept[place.team, place.channel, said.ts] = (place.thread, kept, until)

    async def forget(self, place: Place, ts: str) -> None:
        """Delete a message of the channel."""
        self._kept.pop((place.team, place.channel, ts), None)

    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]:
        """The newest of a thread, or of the channel's top level, oldest first."""
        here = (place.team, place.channel)
        found = [said for (*at, _), (thread, said, _) in self._kept.items() if (*at, thread) == (*here, place.thread)]
        return tuple(sorted(found, key=lambda said: said.ts)[-limit:])

    async def purge(self, before: datetime) -> int:
        """Delete, in every channel, what was to be kept until then or less long; how much it was."""
        gone = [key for key, (*_, until) in self._kept.items() if until <= before]
        for key in gone:
            del self._kept[key]
        return len(gone)
