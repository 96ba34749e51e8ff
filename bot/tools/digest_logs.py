"""The tool that reads any amount of logs for a question: patterns first, and what is left by a model for big things."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from bot.analysis.digest import tokens_in
from bot.analysis.novelty import novelties
from bot.domain.evidence import Found
from bot.domain.logs import ERROR, LogQuery, Template
from bot.domain.messages import Usage
from bot.domain.tools import Desk, tool
from bot.domain.window import Window
from bot.tools._logs import Book, Heard, Reading, clean, hear
from bot.tools._scope import ask, logs_of, scope

BUDGET = 20_000
"""Tokens in front of the model that asked."""
SMALL = 6_000
"""Patterns of no more tokens are shown as they are."""
READING = Reading(1 << 30, 45.0)
LONGEST = 400


@tool(role="digest", need="logs", timeout=150, max_chars=60_000)
async def digest_logs(
    desk: Desk,
    question: Annotated[str, "what the logs are read for, in a sentence"],
    service: Annotated[str, "only this service's logs; leave out for all"] = "",
    selector: Annotated[str, 'in the source\'s own language, such as {app="cart"}; leave out else'] = "",
    minutes: Annotated[int, "only the last so many minutes of the window"] = 0,
) -> Found:
    """Read very many log lines for one question: every line counts, at most 20,000 tokens come back, each cited.

    Slower than log_patterns (up to two minutes): for what that leaves out.
    """
    start = desk.window.end - timedelta(minutes=minutes) if minutes > 0 else desk.window.start
    window = Window(max(start, desk.window.start), desk.window.end)
    query = LogQuery((service,) if service else (), "", selector)
    told = await ask(
        scope(desk, "logs"), lambda i: hear(i, logs_of(i), query, (window.before(), window), READING), 30.0
    )
    rows = [row for _, heard in told.answers for row in _rows(heard, desk)]
    rows.sort(key=lambda row: row[0], reverse=True)
    lines = [line for _, line, _ in rows]
    seen = sum(len(book.times) for _, heard in told.answers for book in heard.books.values())
    missing = (*told.missing, *(gap for _, heard in told.answers for gap in heard.gaps))
    text, by, usage = await _condensed(desk, question, lines)
    when = f"{window.shown(desk.zone)} and the stretch before ({told.env})"
    head = f"{seen:,} lines read over {when}, {len(lines):,} kinds; {by}"
    return Found(
        text="\n".join([head, text, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"digest of the logs{f' of {service}' if service else ''}: {question}",
        env=told.env,
        facts={"digest": text, "lines": seen, "kinds": len(lines)},
        raw={"patterns": lines[:2_000], "samples": [sample for *_, sample in rows[:500]]},
        summary=head,
        missing=missing,
        usage=usage,
    )


def _rows(heard: Heard, desk: Desk) -> list[tuple[float, str, str]]:
    """How telling each kind is, its line with its mark, and a line of it."""
    found = []
    for service, book in heard.books.items():
        patterns, counts = book.miner.parts()
        patterns = clean(patterns, desk.redact)
        before, now = (counts[0].tolist(), counts[-1].tolist())
        known = {one.template.id: one for one in novelties(patterns.templates, before, now)} if len(counts) > 1 else {}
        for template, count in zip(patterns.templates, now, strict=True):
            novelty = known.get(template.id)
            if not count and novelty is None:
                continue
            score = (novelty.score if novelty else 0.0) + (5.0 if template.severity >= ERROR else 0.0)
            kind = f"{novelty.kind}, usual {novelty.expected:.0f}, " if novelty else ""
            mark = f"[{service or 'log'}:{template.examples[0]}]"
            line = f"{mark} {kind}{count} times {template.level} {_times(book, template)} {template.text[:LONGEST]}"
            found.append((score, " ".join(line.split()), f"{mark} {template.sample}"))
    return found


def _times(book: Book, template: Template) -> str:
    first, last = book.at(template.first), book.at(template.last)
    return f"{first:%H:%M:%S}–{last:%H:%M:%S} UTC" if first and last else ""


async def _condensed(desk: Desk, question: str, lines: Sequence[str]) -> tuple[str, str, Usage]:
    """What comes back, by whom, and what it cost."""
    whole = "\n".join(lines)
    if tokens_in(whole) <= SMALL:
        return whole, "all kinds shown", Usage()
    if desk.digester is not None:
        done = await desk.digester.digest(desk.redact(question), lines, BUDGET - 1_000)
        if done is not None:
            return done.text, f"condensed by {done.model}", done.usage
    room, kept = BUDGET - 1_000, list[str]()
    for line in lines:
        room -= tokens_in(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept), f"the {len(kept):,} most telling kinds shown, {len(lines) - len(kept):,} left out", Usage()


TOOL = digest_logs
