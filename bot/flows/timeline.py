"""What happened when, from what is kept of a thread: facts and records, never a model's words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.answers import Answer
from bot.domain.evidence import Evidence
from bot.domain.investigations import Record
from bot.domain.place import Said

MOST_SAID, MOST_CHARACTERS, MOST_NAMED = 15, 140, 4
SAME = timedelta(minutes=2)


@dataclass(frozen=True)
class Moment:
    """What happened at a time (UTC), in a line."""

    at: datetime
    text: str


def timeline(records: Sequence[Record], evidence: Sequence[Evidence], thread: Sequence[Said]) -> tuple[Moment, ...]:
    """All that is known to have happened, in its order: alerts, changes, causes, what people and Nightjar said."""
    asked = {record.question.ts for record in records}
    found = [*_changes(evidence), *_causes(records, evidence), *_alerts(evidence), *_answers(records)]
    found += _said([said for said in thread if not said.own and said.ts not in asked])
    return tuple(sorted(dict.fromkeys(found), key=lambda moment: moment.at))


def written(moments: Sequence[Moment], zone: str) -> str:
    """As a Markdown list in a time zone, with the day where there are several."""
    local = [(moment.at.astimezone(ZoneInfo(zone)), moment.text) for moment in moments]
    form = "%H:%M" if len({at.date() for at, _ in local}) < 2 else "%a %d %b %H:%M"
    return "\n".join(f"- {at:{form}} {text}" for at, text in local)


def clock(when: datetime, zone: str) -> str:
    """A time of day in a time zone."""
    return f"{when.astimezone(ZoneInfo(zone)):%H:%M %Z}"


def at(stamp: str) -> datetime | None:
    """The time (UTC) of an ISO 8601 stamp, None for any other text."""
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return None


def _alerts(evidence: Sequence[Evidence]) -> Iterator[Moment]:
    """Those that began in the same minute share a line."""
    first: dict[tuple[str, str], tuple[datetime, str]] = {}
    for item, row in _rows(evidence, "alerts"):
        since = at(str(row.get("since") or ""))
        if since and row.get("state") != "pending":
            name = f"{row.get('name', '')} {row.get('service', '')}".strip()
            one = name, str(row.get("env") or "")
            first[one] = min(first.get(one, (since, item.id)), (since, item.id))
    ordered = sorted((since, cited, name) for (name, _), (since, cited) in first.items())
    for _, group in groupby(ordered, key=lambda one: one[0].replace(second=0, microsecond=0)):
        fired = list(group)
        names = ", ".join(name for _, _, name in fired[:MOST_NAMED])
        more = f" and {len(fired) - MOST_NAMED} more" if len(fired) > MOST_NAMED else ""
        verb = "begins" if len(fired) == 1 else "begin"
        cited = "".join(f" [{one}]" for one in dict.fromkeys(cited for _, cited, _ in fired))
        yield Moment(fired[0][0], f"{names}{more} {verb} to fire{cited}")


def _changes(evidence: Sequence[Evidence]) -> Iterator[Moment]:
    """The same one, read by two tools, may differ by a scrape."""
    known: dict[tuple[str, str], datetime] = {}
    for item, row in _rows(evidence, "changes"):
        one = service, what = str(row.get("service") or ""), str(row.get("what") or "")
        when = at(str(row.get("at") or ""))
        if when is None or (one in known and abs(when - known[one]) < SAME):
            continue
        known[one] = when
        yield Moment(when, f"Change: {what if what.startswith(service) else f'{service} {what}'} [{item.id}]")


def _causes(records: Sequence[Record], evidence: Sequence[Evidence]) -> Iterator[Moment]:
    """Each that an answer named, once, at its earliest time; and its end where that was seen."""
    named: dict[tuple[str, str], datetime] = {}
    for record in records:
        cause = record.answer.cause if record.answer else None
        if cause and (since := at(cause.since)):
            one = cause.service, cause.signal
            named[one] = min(named.get(one, since), since)
    for (service, signal), since in named.items():
        fact, cited = fact_of(service, evidence)
        yield Moment(since, f"{service}: {fact.get('headline') or signal}{cited}")
        if over := at(str(fact.get("until") or "")):
            yield Moment(over, f"{service} is well again{cited}")


def fact_of(service: str, evidence: Sequence[Evidence]) -> tuple[Mapping[str, Any], str]:
    """What code last found out about a cause, and its citation; nothing where only a model named it."""
    found = [(item, row) for item, row in _rows(evidence, "causes", "cause") if row.get("service") == service]
    return (found[-1][1], f" [{found[-1][0].id}]") if found else ({}, "")


def _answers(records: Sequence[Record]) -> Iterator[Moment]:
    for record in records:
        if text := record.question.text:
            yield Moment(record.started, f"Asked: “{_short(text)}”")
        if record.finished and record.answer and record.answer.head:
            yield Moment(record.finished, f"Answered: {_first(record.answer)}")
        elif record.finished:
            yield Moment(record.finished, f"The question was {record.state}")


def _first(answer: Answer) -> str:
    doubt = " (disputed)" if answer.disputes else ""
    return _short(answer.head.partition("\n")[0]) + doubt


def _said(thread: Sequence[Said]) -> Iterator[Moment]:
    """The root and the latest of what people and other bots said."""
    kept = [*thread[:1], *thread[1:][-(MOST_SAID - 1) :]]
    for said in kept:
        if text := _short(said.text):
            yield Moment(datetime.fromtimestamp(float(said.ts), UTC), f"{said.bot or 'In the thread'}: {text}")
    if left := len(thread) - len(kept):
        when = datetime.fromtimestamp(float(thread[1].ts), UTC)
        yield Moment(when, f"{left} more message{'' if left == 1 else 's'} in the thread")


def _rows(evidence: Sequence[Evidence], *names: str) -> Iterator[tuple[Evidence, Mapping[str, Any]]]:
    for item in evidence:
        for name in names:
            rows = item.facts.get(name) or ()
            yield from ((item, row) for row in ([rows] if isinstance(rows, dict) else rows))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
