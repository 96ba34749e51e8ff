"""The tool that finds log lines by their text."""

import time
from collections import Counter, deque
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from bot.domain.errors import BadArguments
from bot.domain.evidence import Found
from bot.domain.logs import LogPiece, LogQuery
from bot.domain.series import service_of
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, ask, logs_of, scope

HALF = 12
"""Lines shown of the first, and of the latest."""
LONGEST = 400
"""Characters of a line that are shown."""
BYTES = 64 << 20
SECONDS = 12.0
Line = tuple[float, str, str]
"""UTC seconds (NaN where unknown), service, text."""


@dataclass
class Hits:
    """The first and the last lines of one source, and how many there are of each service."""

    first: list[Line] = field(default_factory=list)
    last: deque[Line] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)
    size: int = 0
    gap: str = ""

    def add(self, piece: LogPiece) -> None:
        """Count a piece, and keep of it what may be shown."""
        lines, service = piece.data.split(b"\n")[:-1], service_of(piece.labels)
        self.counts[service] += len(lines)
        self.size += len(piece.data)
        timed = len(piece.times) == len(lines)

        def read(at: int) -> Line:
            return piece.times[at] if timed else float("nan"), service, lines[at].decode("utf-8", "replace")

        taken = min(len(lines), HALF - len(self.first))
        self.first += [read(at) for at in range(taken)]
        self.last.extend(read(at) for at in range(max(taken, len(lines) - HALF), len(lines)))
        while len(self.last) > HALF:
            self.last.popleft()


@tool(role="lines", need="logs", timeout=25, max_chars=9_000)
async def search_logs(
    desk: Desk,
    contains: Annotated[str, "text that the line holds (case ignored), such as an error, an id, a host"] = "",
    service: Annotated[str, "only this service's logs; leave out for all"] = "",
    selector: Annotated[str, 'in the source\'s own language, such as {app="cart"} |= "timeout"; leave out else'] = "",
    env: Annotated[str, ENV] = "",
) -> Found:
    """Log lines of the window that hold a text: how many of each service, the first ones and the latest.

    For what the logs say in general use log_patterns, for what is new new_log_patterns: they read everything.
    """
    if not (contains or service or selector):
        raise BadArguments("give contains, service or selector; for an overview of all lines use log_patterns")
    query = LogQuery((service,) if service else (), contains, selector)
    told = await ask(scope(desk, "logs", env), lambda instance: _search(instance, desk, query), 8.0)
    rows = [(instance, hits) for instance, hits in told.answers]
    total = sum(hits.counts.total() for _, hits in rows)
    missing = (*told.missing, *(hits.gap for _, hits in rows if hits.gap))
    asked = " ".join(part for part in (repr(contains) if contains else "", service, selector) if part)
    lines = [f"{total:,} lines match {asked} over {desk.window.shown(desk.zone)} ({told.env})"]
    if counted := _counted(rows):
        lines.append(f"By service: {counted}")
    shown = []
    for instance, hits in rows:
        where = f" ({instance.shown})" if told.many else ""
        left = hits.counts.total() - len(hits.first) - len(hits.last)
        lines += [f"{_line(desk, hit)}{where}" for hit in hits.first]
        lines += [f"… {left:,} lines between"] if left > 0 else []
        lines += [f"{_line(desk, hit)}{where}" for hit in hits.last]
        shown += [_fact(desk, instance, hit) for hit in (*hits.first, *hits.last)]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"logs {asked}",
        env=told.env,
        facts={"count": total},
        raw={"count": total, "lines": shown},
        summary=f"{total:,} lines match {asked}" if total else f"no line matches {asked}",
        missing=missing,
    )


async def _search(instance: Instance, desk: Desk, query: LogQuery) -> Hits:
    hits, end = Hits(), time.monotonic() + SECONDS
    async with aclosing(logs_of(instance).read(query, desk.window)) as pieces:
        async for piece in pieces:
            hits.add(piece)
            if hits.size > BYTES or time.monotonic() > end:
                hits.gap = f"{instance.name}: stopped after {_words.number(hits.size, 'bytes')} of matching lines"
                break
    return hits


def _counted(rows: list[tuple[Instance, Hits]]) -> str:
    counts: Counter[str] = Counter()
    for _, hits in rows:
        counts.update(hits.counts)
    return ", ".join(f"{name or 'no service'} {count:,}" for name, count in counts.most_common(12))


def _at(hit: Line) -> datetime | None:
    return datetime.fromtimestamp(hit[0], UTC) if hit[0] == hit[0] else None


def _line(desk: Desk, hit: Line) -> str:
    at = _at(hit)
    when = f"{_words.clock(at, desk)} " if at else ""
    text = desk.redact(hit[2])
    return f"{when}{hit[1] or '-'}: {text if len(text) <= LONGEST else text[:LONGEST] + ' …'}"


def _fact(desk: Desk, instance: Instance, hit: Line) -> dict[str, str]:
    at = _at(hit)
    stamp = at.isoformat(timespec="milliseconds") if at else ""
    return {"at": stamp, "service": hit[1], "text": desk.redact(hit[2]), "source": instance.name}


TOOL = search_logs
