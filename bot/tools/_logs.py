"""Reads the logs of a window service by service into templates, within bounds of bytes and of time, holding no line."""

import asyncio
import math
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.analysis.templates import Miner
from bot.domain.logs import LogPatterns, LogPiece, LogQuery, Template
from bot.domain.ports import LogStore
from bot.domain.series import service_of
from bot.domain.sources import Instance
from bot.domain.window import Window
from bot.tools._words import number

SLICES = 12
MOST_SERVICES = 60
"""Services told apart; the lines of further ones are read together."""
OTHERS = "other services"


@dataclass(frozen=True)
class Reading:
    """How many bytes one call reads (of more, a part of each slice of the window), and for how many seconds."""

    most: int = 96 << 20
    seconds: float = 16.0


USUAL = Reading()


@dataclass
class Book:
    """One service's entries: its templates, and each line's time (UTC seconds, NaN where the source knows none)."""

    miner: Miner = field(default_factory=Miner)
    times: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, piece: LogPiece) -> None:
        """Take in a piece; blocks for some milliseconds a megabyte."""
        count = piece.data.count(b"\n")
        known = array("d", piece.times) if len(piece.times) == count else array("d", [math.nan]) * count
        self.times.extend(known)
        self.miner.feed(piece.data)

    def moments(self, template: int) -> list[float]:
        """When the lines of a template were written, as far as that is known."""
        _, templates = self.miner.assigned()
        pairs = zip(self.times, templates.tolist(), strict=True)
        return [at for at, written in pairs if written == template and math.isfinite(at)]

    def at(self, line: int) -> datetime | None:
        """When a line (id from 1) was written."""
        seconds = self.times[line - 1] if 0 < line <= len(self.times) else math.nan
        return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None


@dataclass
class Heard:
    """What was read of one source: a book for each service, the windows that are done, bytes, what was left out."""

    instance: Instance
    books: dict[str, Book] = field(default_factory=dict)
    done: int = 0
    size: int = 0
    gaps: tuple[str, ...] = ()

    def book(self, piece: LogPiece) -> Book:
        """The book that a piece belongs to."""
        name = service_of(piece.labels)
        if name not in self.books:
            name = name if len(self.books) < MOST_SERVICES else OTHERS
        if name not in self.books:
            self.books[name] = Book()
            for _ in range(self.done):  # it said nothing in the windows before
                self.books[name].miner.mark()
        return self.books[name]

    def next(self) -> None:
        """Another window begins."""
        self.done += 1
        for book in self.books.values():
            book.miner.mark()


@dataclass(frozen=True)
class _Bounds:
    """How many bytes, and until when by the monotonic clock."""

    most: float
    end: float


async def hear(
    instance: Instance, store: LogStore, query: LogQuery, windows: Sequence[Window], reading: Reading | None = None
) -> Heard:
    """Read each window in turn; `Miner.parts` then tells them apart. SourceError as the store raises it."""
    reading = reading or USUAL
    volumes = [await store.volume(query, window) for window in windows]
    total = sum(volume.size for volume in volumes)
    whole, unknown = total <= reading.most, any(volume.lines is None and not volume.size for volume in volumes)
    heard, late = Heard(instance), False
    for at, window in enumerate(windows):
        most = reading.most / len(windows) if unknown else math.inf
        if not whole:
            most = max(1.0, reading.most / total * volumes[at].size / SLICES)
        bounds = _Bounds(most, time.monotonic() + reading.seconds / len(windows))
        for stretch in (window,) if whole else _slices(window):
            late = not await _read(heard, store, query, stretch, bounds) or late
        if at < len(windows) - 1:
            heard.next()
    read, there = number(heard.size, "bytes"), number(max(total, heard.size), "bytes")
    if late or not whole:
        why = f"within {reading.seconds:g} s" if late else "evenly over the window"
        heard.gaps = (f"{instance.name}: {read} of about {there} read, {why}",)
    elif unknown and heard.size >= reading.most / len(windows):
        heard.gaps = (f"{instance.name}: the first {read} of each stretch read, how much there is it does not say",)
    return heard


def _slices(window: Window) -> tuple[Window, ...]:
    length = (window.end - window.start) / SLICES
    return tuple(Window(window.start + n * length, window.start + (n + 1) * length) for n in range(SLICES))


async def _read(heard: Heard, store: LogStore, query: LogQuery, window: Window, bounds: _Bounds) -> bool:
    """What the bounds allow; False when time ran out."""
    taken = 0
    async with aclosing(store.read(query, window)) as pieces:
        async for piece in pieces:
            await asyncio.to_thread(heard.book(piece).add, piece)
            taken += len(piece.data)
            heard.size += len(piece.data)
            if taken >= bounds.most:
                break
            if time.monotonic() >= bounds.end:
                return False
    return time.monotonic() < bounds.end


def clean(patterns: LogPatterns, redact: Callable[[str], str]) -> LogPatterns:
    """The same without secrets, so that what follows may cut its texts anywhere."""
    return replace(patterns, templates=tuple(clean_template(template, redact) for template in patterns.templates))


def clean_template(template: Template, redact: Callable[[str], str]) -> Template:
    """The same without secrets; the values of its parameters are left out."""
    text, sample, trace = map(redact, (template.text, template.sample, template.trace))
    return replace(template, text=text, sample=sample, trace=trace, parameters=())


def before(window: Window, since: datetime) -> tuple[Window, Window]:
    """What is usual, and what is asked about: the stretch up to a moment, and from then to the window's end."""
    least = max(window.end - since, timedelta(minutes=10))
    begin = max(min(window.start, since - least), since - 3 * least)
    return Window(begin, since), Window(since, window.end)
