"""The tool that says what is in the logs: any amount of lines in a few, each kind with its count."""

from typing import Annotated

from bot.analysis.digest import digest
from bot.domain.evidence import Found
from bot.domain.logs import LogPatterns, LogQuery
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools._logs import Book, Heard, clean, hear
from bot.tools._scope import ENV, ask, logs_of, scope

BUDGET = 2_000
"""Tokens of all digests together."""
LEAST = 200
SHOWN = 8
"""Services with a digest of their own, the one with the most errors first."""
KEPT = 200


@tool(role="patterns", need="logs", timeout=25, max_chars=9_000)
async def log_patterns(
    desk: Desk,
    service: Annotated[str, "only this service's logs; leave out for all"] = "",
    contains: Annotated[str, "only lines with this text in them (case ignored)"] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """What the logs of the window say: kinds of entries with counts, levels and example lines, errors first.

    Any amount of lines becomes at most 2,000 tokens. For what is new since an incident began, new_log_patterns.
    """
    query = LogQuery((service,) if service else (), contains)
    told = await ask(
        scope(desk, "logs", env), lambda instance: hear(instance, logs_of(instance), query, (desk.window,)), 8.0
    )
    read = [part for _, heard in told.answers for part in _parts(heard, desk)]
    read.sort(key=lambda part: (-_errors(part[2]), -part[2].entries, part[1]))
    missing = (*told.missing, *(gap for _, heard in told.answers for gap in heard.gaps))
    each = max(LEAST, BUDGET // max(1, min(len(read), SHOWN)))
    asked = f"{f' of {service}' if service else ''}{f' with {contains!r}' if contains else ''}"
    lines = [f"Logs{asked} over {desk.window.shown(desk.zone)} ({told.env}): {sum(p.lines for *_, p in read):,} lines"]
    for instance, name, patterns in read[:SHOWN]:
        where = f" ({instance.shown})" if told.many else ""
        lines += [f"## {name or 'no service named'}{where}", digest(patterns, budget=each).text]
    if len(read) > SHOWN:
        lines.append("Further services: " + ", ".join(f"{n} {p.lines:,} lines" for _, n, p in read[SHOWN:]))
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"log patterns{asked}",
        env=told.env,
        facts={"patterns": [_fact(name, p) for _, name, p in read]},
        raw={"patterns": [_raw(instance, name, p) for instance, name, p in read]},
        summary=_summary(read),
        missing=missing,
    )


def _parts(heard: Heard, desk: Desk) -> list[tuple[Instance, str, LogPatterns]]:
    return [(heard.instance, name, _clean(book, desk)) for name, book in heard.books.items() if book.times]


def _clean(book: Book, desk: Desk) -> LogPatterns:
    return clean(book.miner.patterns(), desk.redact)


def _errors(patterns: LogPatterns) -> int:
    return sum(t.count for t in patterns.templates if t.level in ("ERROR", "FATAL"))


def _fact(service: str, patterns: LogPatterns) -> dict[str, object]:
    kinds, errors = len(patterns.templates), _errors(patterns)
    return {"service": service, "lines": patterns.lines, "kinds": kinds, "errors": errors}


def _raw(instance: Instance, service: str, patterns: LogPatterns) -> dict[str, object]:
    rows = [
        {"text": t.text, "level": t.level, "count": t.count, "lines": list(t.examples), "sample": t.sample}
        for t in patterns.templates[:KEPT]
    ]
    return {
        "service": service,
        "source": instance.name,
        "templates": rows,
        "left_out": len(patterns.templates) - len(rows),
    }


def _summary(read: list[tuple[Instance, str, LogPatterns]]) -> str:
    lines, errors = sum(p.lines for *_, p in read), sum(_errors(p) for *_, p in read)
    if not lines:
        return "no log lines"
    return f"{lines:,} log lines of {len(read)} services, {errors:,} errors"


TOOL = log_patterns
