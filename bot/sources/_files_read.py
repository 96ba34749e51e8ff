"""The lines of one file that lie in a window, in pieces of whole lines."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from itertools import accumulate
from operator import le

from bot.domain.logs import LogPiece
from bot.domain.series import Labels
from bot.sources._files_packed import unpacked
from bot.sources._files_times import UNREAD, Times
from bot.sources._files_window import BLOCK, Stretch, form_of, is_binary, plain, written

PIECE = 1_048_576


class Cut:
    """Turns whole lines into a piece that holds what is asked for: a window in UTC seconds, a text (any case)."""

    def __init__(self, times: Times | None, start: float, end: float, contains: str, labels: Labels) -> None:
        self._times, self._start, self._end = times, start, end
        self._needles = needles(contains)
        self._labels = labels
        self._last = UNREAD
        self.past = False  # whether everything from here on is later than the window

    def piece(self, data: bytes) -> LogPiece | None:
        """What of some whole lines is wanted; None where nothing is."""
        data = plain(data)
        low = data.lower() if self._needles else b""
        if not data or (self._needles and not any(needle in low for needle in self._needles)):
            self._pass(data)
            return None
        lines = data.split(b"\n")
        lines.pop()
        times = self._times.each(lines, self._last) if self._times else [UNREAD]
        kept: Sequence[int] | None = None
        if times[0] == UNREAD:  # no time so far in the whole file
            times = []
        else:
            self._last = times[-1]
            self.past = min(times) >= self._end
            if self.past or min(times) < self._start or max(times) >= self._end:
                kept = [i for i, at in enumerate(times) if self._start <= at < self._end]
        if self._needles:
            lowered = low.split(b"\n")
            kept = [i for i in (range(len(lines)) if kept is None else kept) if self._has(lowered[i])]
        return self._joined(data, lines, kept, times)

    def covers(self, newest: float) -> bool:
        """Whether a file without readable times, last changed then, is within the window."""
        return written(newest, self._start, self._end)

    def _joined(
        self, data: bytes, lines: Sequence[bytes], kept: Sequence[int] | None, times: Sequence[float]
    ) -> LogPiece | None:
        if kept is not None:
            if not kept:
                return None
            data = b"\n".join([lines[i] for i in kept]) + b"\n"
            times = [times[i] for i in kept] if times else ()
        if times and not all(map(le, times, times[1:])):
            times = list(accumulate(times, max))
        return LogPiece(data, times, self._labels)

    def _has(self, line: bytes) -> bool:
        return any(needle in line for needle in self._needles)

    def _pass(self, data: bytes) -> None:
        """Remember the time of lines that are left out."""
        if self._times is None or not data:
            return
        for line in reversed(data[-BLOCK:].split(b"\n")[1 if len(data) > BLOCK else 0 :]):
            if (at := self._times.of(line)) != UNREAD:
                self._last = at
                break
        first = self._times.of(data[: data.index(b"\n")])
        self.past = first != UNREAD and first >= self._end and self._last >= self._end


def needles(text: str) -> tuple[bytes, ...]:
    """What a text looks like in lines whose ASCII letters were made small."""
    return tuple(
        dict.fromkeys(form.encode("utf-8", "replace").lower() for form in (text.lower(), text.upper()) if form)
    )


def whole_lines(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes cut behind line ends; a line longer than `size` bytes is cut in several."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
            rest = data[end:]
        else:
            rest = data
        if len(rest) >= size:  # as a file's hole is, which is nothing
            rest = rest.replace(b"\0", b"")
        while len(rest) >= size:
            yield rest[:size] + b"\n"
            rest = rest[size:]
    if rest.strip(b"\0"):
        yield rest + b"\n"


def plain_chunks(descriptor: int, stretch: Stretch, size: int) -> Iterator[bytes]:
    """A stretch of a plain file from the first line that begins in it; less where it was cut meanwhile."""
    at, skipping = stretch.start, stretch.start > 0
    while at < stretch.end:
        chunk = os.pread(descriptor, min(size, stretch.end - at), at)
        if not chunk:
            return
        at += len(chunk)
        if skipping:
            end = chunk.find(b"\n") + 1
            skipping = not end
            chunk = chunk[end:] if end else b""
        if chunk:
            yield chunk


def read_plain(descriptor: int, stretch: Stretch, cut: Cut, size: int) -> Iterator[LogPiece | None]:
    """The pieces of a plain file, of at most `size` bytes; None after as many bytes that hold nothing wanted."""
    for lines in whole_lines(plain_chunks(descriptor, stretch, size // 2), size // 2):
        yield cut.piece(lines)


def read_packed(
    descriptor: int, magic: bytes, newest: float, zone: tzinfo, *, make: Callable[[Times | None], Cut], size: int
) -> Iterator[LogPiece | None]:
    """The same of a packed file, which is read from its start; Damaged where it breaks off."""
    cut: Cut | None = None
    with io.BufferedReader(io.FileIO(os.dup(descriptor))) as file:
        file.seek(0)
        for lines in whole_lines(unpacked(file, magic, size // 2), size // 2):
            if cut is None:
                times = form_of(lines[:BLOCK], zone, newest)
                cut = make(times)
                if times is None and (is_binary(lines[:BLOCK]) or not cut.covers(newest)):
                    return
            yield cut.piece(lines)
            if cut.past:
                return
