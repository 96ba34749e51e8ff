"""The tool that says what is new in the logs since something began."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from bot.analysis.bars import counted
from bot.analysis.novelty import novelties
from bot.domain.errors import BadArguments
from bot.domain.evidence import Chart, Found
from bot.domain.facts import LogFact
from bot.domain.logs import ERROR, LEVELS, LogQuery, Novelty
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.domain.window import Window
from bot.tools import _words
from bot.tools._logs import Book, Heard, before, clean_template, hear
from bot.tools._scope import ENV, ask, logs_of, scope

SHOWN = 15
KEPT = 60
LONGEST = 300
"""Characters of a template or a line that the model is shown."""
DRAWN = 4
FURTHEST = timedelta(hours=6)
"""How far before the window's end a beginning is followed."""


@tool(role="logs", need="logs", timeout=25)
async def new_log_patterns(
    desk: Desk,
    service: Annotated[str, "only this service's logs; leave out for all"] = "",
    since: Annotated[str, "when it began, ISO 8601; default: the window's start, against an equal stretch before"] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """What is new in the logs since a moment: kinds of entries never seen before, bursts, and what fell silent.

    Reads every line (or an even sample, which it says), masks what varies, and compares with the time before.
    """
    usual, window = before(desk.window, _moment(desk, since))
    query = LogQuery((service,) if service else ())
    told = await ask(
        scope(desk, "logs", env), lambda instance: hear(instance, logs_of(instance), query, (usual, window)), 8.0
    )
    rows = sorted((row for _, heard in told.answers for row in _rows(heard, desk)), key=lambda row: -row.score)
    found = [(row.instance, row.fact) for row in rows]
    gaps = tuple(gap for _, heard in told.answers for gap in heard.gaps)
    missing = (*told.missing, *gaps)
    lines = [_head(desk, window, [heard for _, heard in told.answers], len(found), told.env)]
    lines += [line(desk, fact, placed=told.many) for _, fact in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"{len(found) - SHOWN} weaker changes are left out.")
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"new log patterns{f' of {service}' if service else ''} since {window.start:%Y-%m-%dT%H:%M:%SZ}",
        env=told.env,
        facts={"logs": [fact for _, fact in found[:SHOWN]]},
        raw={"logs": [fact for _, fact in found[:KEPT]]},
        summary=_summary([fact for _, fact in found]),
        chart=_chart(rows, usual, window),
        missing=missing,
    )


def _moment(desk: Desk, since: str) -> datetime:
    if not since:
        return desk.window.start
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as error:
        raise BadArguments(f"since: {since!r} is no ISO 8601 time, such as 2026-11-23T14:05") from error
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(desk.zone))).astimezone(UTC)
    if moment >= desk.window.end:
        raise BadArguments(f"since: {since} is not before the window's end, {desk.window.end.isoformat()}")
    reach = max(FURTHEST, desk.window.end - desk.window.start)
    return max(moment - timedelta(seconds=1), desk.window.end - reach)


@dataclass(frozen=True)
class _Row:
    """A change, how telling it is, and the book it stands in."""

    score: float
    instance: Instance
    fact: LogFact
    book: Book
    template: int


def _rows(heard: Heard, desk: Desk) -> list[_Row]:
    found = []
    for service, book in heard.books.items():
        patterns, counts = book.miner.parts()
        if len(counts) < 2:
            continue
        for one in novelties(patterns.templates, counts[0].tolist(), counts[1].tolist()):
            seen = book.at(one.template.first), book.at(one.template.last)
            shown = replace(one, template=clean_template(one.template, desk.redact))
            fact = _fact(shown, service, heard.instance, seen)
            found.append(_Row(one.score, heard.instance, fact, book, one.template.id))
    return found


def _chart(rows: Sequence[_Row], usual: Window, window: Window) -> Chart | None:
    """Counts over time of what is new or bursts, before and since."""
    telling = [row for row in rows if row.fact["kind"] in ("new", "burst")][:DRAWN]
    timed = [(row, moments) for row in telling if (moments := row.book.moments(row.template))]
    kinds = [(f"{row.fact['service']} {row.fact['text'][:LONGEST]}".strip(), moments) for row, moments in timed]
    whole = Window(usual.start, window.end)
    return counted("New in the logs", kinds, whole, window.start) if kinds else None


def _fact(one: Novelty, service: str, instance: Instance, seen: tuple[datetime | None, datetime | None]) -> LogFact:
    template, last = one.template, seen[1]
    known = seen[0] if one.kind == "new" else None  # of the others the first stands in the time before
    return LogFact(
        service=service,
        kind=one.kind,
        level=template.level,
        text=template.text,
        count=one.count,
        expected=round(one.expected, 1),
        first=known.isoformat(timespec="seconds") if known else "",
        last=last.isoformat(timespec="seconds") if last else "",
        sample=f"{template.sample}\n{template.trace}".strip(),
        line=template.examples[0],
        source=instance.name,
        env=instance.shown,
    )


def _head(desk: Desk, window: Window, heard: Sequence[Heard], count: int, env: str) -> str:
    lines = sum(len(book.times) for one in heard for book in one.books.values())
    services = {name for one in heard for name in one.books}
    read = f"{lines:,} lines of {len(services)} services read"
    what = f"{count} changes" if count else "nothing new, no burst, nothing silent"
    return f"Logs since {_words.clock(window.start, desk)} against the time before ({env}): {what}; {read}."


def line(desk: Desk, fact: LogFact, *, placed: bool = False) -> str:
    """A kind of entry on one line."""
    counted = {
        "new": f"NEW, {fact['count']} times",
        "burst": f"burst, {fact['count']} times, usual {fact['expected']:g}",
        "drop": f"fewer, {fact['count']} times, usual {fact['expected']:g}",
        "gone": f"silent, usual {fact['expected']:g}",
    }[fact["kind"]]
    since = f" first {_words.clock(datetime.fromisoformat(fact['first']), desk)}" if fact["first"] else ""
    where = f" ({fact['env']})" if placed else ""
    level = f" {fact['level']}" if fact["level"] else ""
    said = " ".join(fact["sample"].split())[:LONGEST] if fact["kind"] == "new" else fact["text"][:LONGEST]
    return f"- {fact['service'] or 'no service'}{where}: {counted}{level}{since}: {said} [line {fact['line']}]"


def _summary(found: Sequence[LogFact]) -> str:
    new = [fact for fact in found if fact["kind"] == "new"]
    if not found:
        return "nothing new in the logs"
    bad = sum(1 for fact in new if LEVELS.index(fact["level"]) >= ERROR)
    top = found[0]
    return f"{len(new)} new patterns ({bad} errors); {top['service'] or 'logs'}: {top['text'][:120]}"


TOOL = new_log_patterns
