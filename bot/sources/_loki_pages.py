"""Log lines page by page: every entry once, however many share an instant, and never more than a page held."""

import asyncio
import re
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.errors import SourceRefused
from bot.domain.logs import LogPiece
from bot.domain.window import Window
from bot.sources._loki_http import Busy, LokiHttp, PageTooBig, WindowTooLong, streams
from bot.sources._loki_query import LogQL, quoted

LONG_QUERY = 1_500
SECOND = 1_000_000_000
LEAST = SECOND  # a window (ns) that is not cut any further
MOST_SPLITS = 48
FEWEST = 2  # lines a page: of one, nobody could say whether it is all there is
SAMPLE = 200  # entries that are looked at to find a text which tells them apart
GRAMS = 6  # of them, those whose parts of words are tried as well, as where each line has an id of its own
WORD = re.compile("[^\\s\ufffd]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Stream = tuple[dict[str, str], list[int], list[str]]


@dataclass
class Limits:
    """What the server takes at once, as far as is known: lines a page; learned from what it refuses."""

    lines: int
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)  # seconds, after each refusal of a busy server


async def asked(http: LokiHttp, limits: Limits, path: str, form: Sequence[tuple[str, str]]) -> Any:
    """An answer's JSON; a busy server is asked again after a pause."""
    long = sum(len(value) for _, value in form) > LONG_QUERY
    for pause in (*limits.pauses, None):
        try:
            return await (http.post(path, form) if long else http.get(path, form))
        except Busy:
            if pause is None:
                raise
            await asyncio.sleep(pause)
    raise AssertionError


class Pages:
    """One reading of a window, from its start to its end (ns, not included)."""

    def __init__(self, http: LokiHttp, limits: Limits) -> None:
        self._http, self._known = http, limits
        self._lines = limits.lines
        self._span = 0  # ns asked for at once; 0: all of the window

    async def between(self, query: LogQL, start: int, end: int) -> AsyncIterator[LogPiece]:
        """All entries, oldest page first.

        A full page may have cut an instant in two, so its last instant is left to the next page. Where a whole page is
        of one instant, that instant is read by itself, split by what the lines say.
        """
        while start < end:
            page, until, full = await self._page(query, start, end)
            if not full:
                for piece in pieces(page):
                    yield piece
                start = until
                continue
            last = max(times[-1] for _, times, _ in page if times)
            early = [_until(stream, last) for stream in page]
            for piece in pieces(early):
                yield piece
            start = last
            if not any(times for _, times, _ in early):
                async for piece in self._instant(query, last, 0):
                    yield piece
                start = last + 1

    async def _instant(self, query: LogQL, at: int, depth: int) -> AsyncIterator[LogPiece]:
        """The entries of one nanosecond, however many."""
        page, _, full = await self._page(query, at, at + 1)
        if not full:
            for piece in pieces(page):
                yield piece
            return
        apart = told_apart(page) if depth < MOST_SPLITS else ()
        if not apart:
            raise SourceRefused(
                f"{self._http.name} has more than {self._lines} lines at the same nanosecond ({at}) that nothing tells "
                "apart; narrow the selector"
            )
        for extra in apart:
            async for piece in self._instant(query.having(filters=[extra]), at, depth + 1):
                yield piece

    async def _page(self, query: LogQL, start: int, end: int) -> tuple[list[Stream], int, bool]:
        """A page, where the window ends that was really asked for, and whether there may be more in it."""
        while True:
            until = min(end, start + self._span) if self._span else end
            lines = self._lines
            form = [
                ("query", str(query)),
                ("start", str(start)),
                ("end", str(until)),
                ("limit", str(lines)),
                ("direction", "forward"),
            ]
            try:
                body = await asked(self._http, self._known, "/loki/api/v1/query_range", form)
            except PageTooBig as error:
                self._fewer(lines, error)
            except WindowTooLong as error:
                self._span = shorter(until - start, error)
            else:
                page = list(streams(self._http.name, body))
                return page, until, sum(len(times) for _, times, _ in page) >= lines

    def _fewer(self, lines: int, error: PageTooBig) -> None:
        fewer = error.most if 0 < error.most < lines else lines // 2
        if fewer < FEWEST:
            raise error
        self._lines = fewer
        if error.most:
            self._known.lines = fewer


def shorter(length: int, error: WindowTooLong) -> int:
    """A length (ns) to try after one was refused; the error itself where that is short enough."""
    if length <= LEAST:
        raise error
    told = int(error.most * SECOND)
    return told if LEAST <= told < length else max(LEAST, length // 2)


def told_apart(page: Sequence[Stream]) -> tuple[str, ...]:
    """Two filters that share the entries of a page between them, as evenly as may be; none where they are all alike."""
    texts = [text for _, _, texts in page for text in texts]
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    words = dict.fromkeys(word for text in sample for word in (*WORD.findall(text)[:40], text))
    words |= dict.fromkeys(
        gram
        for text in sample[:GRAMS]
        for word in WORD.findall(text)[:40]
        for length in (1, 2, 3)
        for gram in (word[at : at + length] for at in range(min(len(word), 80)))
    )
    counted = [(abs(2 * (n := sum(word in text for text in sample)) - len(sample)), n, word) for word in words if word]
    counted = [one for one in counted if 0 < one[1] < len(sample)]
    if counted:
        word = quoted(min(counted)[2])
        return f"|= {word}", f"!= {word}"
    if word := next((text for text in texts if text != texts[0] and text), ""):  # one that the sample has not
        longer = max(word, texts[0], key=len)
        return f"|= {quoted(longer)}", f"!= {quoted(longer)}"
    return _labels_apart([labels for labels, _, _ in page])


def _labels_apart(sets: Sequence[dict[str, str]]) -> tuple[str, ...]:
    for name in sets[0] if sets else ():
        values = list(dict.fromkeys(labels.get(name, "") for labels in sets))
        if len(values) > 1:
            some = "|".join(re.escape(value) for value in values[: len(values) // 2])
            return f"| {name}=~{quoted(some)}", f"| {name}!~{quoted(some)}"
    return ()


def _until(stream: Stream, end: int) -> Stream:
    labels, times, texts = stream
    cut = bisect_left(times, end)
    return labels, times[:cut], texts[:cut]


def pieces(page: Sequence[Stream]) -> list[LogPiece]:
    """A page's streams as pieces, the one that begins first foremost."""
    held = [stream for stream in page if stream[1]]
    held.sort(key=lambda stream: stream[1][0])
    return [_piece(*stream) for stream in held]


def _piece(labels: dict[str, str], times: list[int], texts: list[str]) -> LogPiece:
    joined = "\n".join(texts)
    seconds = [time / SECOND for time in times]
    if joined.count("\n") != len(texts) - 1 or "\r" in joined or "\0" in joined:
        split = [_lines(text) for text in texts]
        joined = "\n".join(line for lines in split for line in lines)
        seconds = [time for time, lines in zip(seconds, split, strict=True) for _ in lines]
    return LogPiece(f"{joined}\n".encode("utf-8", "replace"), seconds, labels)


def _lines(text: str) -> list[str]:
    """An entry's lines; a lone carriage return is a blank, and NUL is nothing."""
    plain = text.replace("\0", "").replace("\r\n", "\n").replace("\r", " ")
    return plain.removesuffix("\n").split("\n")


def nanoseconds(window: Window) -> tuple[int, int]:
    """Start and end; by whole microseconds, as a float of seconds is not exact."""
    return _since(window.start), _since(window.end)


def bounds(window: Window) -> list[tuple[str, str]]:
    """The same as parameters of a request."""
    start, end = nanoseconds(window)
    return [("start", str(start)), ("end", str(end))]


def _since(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * (SECOND // 1_000_000)
