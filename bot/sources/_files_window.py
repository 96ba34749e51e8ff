"""Where a window lies in a file whose lines are in order of time: found by halving, read by a few lines per block."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from statistics import median_low

from bot.sources._files_packed import packing
from bot.sources._files_times import UNREAD, Times, recognised

BLOCK = 65_536
FEW = 7  # times that are read of a block; the middle one counts, so that a stray date leads nobody astray
MOST_UNREAD = 16  # blocks without a time that are passed before giving up
BYTE_ORDER = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Stretch:
    """What of a file may lie in the window: bytes from `start` to `end`, and about how many really do (`size`).

    `times` is None where the file's times cannot be read; `first` is a time (UTC seconds) before which it has none.
    """

    start: int
    end: int
    size: int
    times: Times | None
    first: float


def plain(data: bytes) -> bytes:
    """Without NUL, which is nothing (and half of UTF-16), and with line feeds alone as line ends."""
    if b"\0" in data:
        data = data.replace(b"\0", b"")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return data


def form_of(head: bytes, zone: tzinfo, newest: float) -> Times | None:
    """How the lines that a file begins with write the time."""
    return recognised([line for line in plain(head).split(b"\n")[:200] if line], zone, newest)


def is_binary(head: bytes) -> bool:
    """Whether a file without readable times is no text at all."""
    return b"\0" in head and not head.startswith(BYTE_ORDER)


def located(descriptor: int, found: os.stat_result, zone: tzinfo, start: float, end: float) -> Stretch | None:
    """The stretch of a plain file for a window in UTC seconds; None where it has nothing there."""
    size, newest = found.st_size, found.st_mtime
    head = os.pread(descriptor, BLOCK, 0)
    times = form_of(head, zone, newest) or form_of(os.pread(descriptor, BLOCK, size // 2), zone, newest)
    if times is None:
        return None if is_binary(head) or not written(newest, start, end) else Stretch(0, size, size, None, newest)
    blocks = _Blocks(descriptor, size, times)
    if blocks.time(0, least=True) >= end or blocks.last() < start:
        return None
    low = blocks.first(lambda at: at == UNREAD or at >= start)
    high = blocks.first(lambda at: at != UNREAD and at >= end)
    begin, stop = max(0, low - 2) * BLOCK, min(size, (high + 1) * BLOCK)
    inside = max(1, min(size, high * BLOCK) - max(0, low - 1) * BLOCK)
    return Stretch(begin, stop, inside, times, max(start, blocks.time(begin // BLOCK, least=True)))


def written(newest: float, start: float, end: float) -> bool:
    """Whether a file that was last changed then belongs to a window; one that is being written does, if it ends now."""
    return start <= newest <= end + 60.0


class _Blocks:
    """A file as blocks, each with a time: that of the first lines which begin in it."""

    def __init__(self, descriptor: int, size: int, times: Times) -> None:
        self._descriptor, self._size, self._times = descriptor, size, times
        self._count = -(-size // BLOCK)

    def first(self, fits: Callable[[float], bool]) -> int:
        """The first block whose time fits, if those that fit stand at the end; the count of blocks where none does."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if fits(self._time_from(middle)):
                high = middle
            else:
                low = middle + 1
        return low

    def time(self, block: int, *, least: bool = False) -> float:
        """The middle one, or the earliest, of the first times in a block; UNREAD where it has none."""
        data = os.pread(self._descriptor, BLOCK, block * BLOCK)
        lines = plain(data).split(b"\n", 200)[: 200 if len(data) else 0]
        found = []
        for line in lines[1 if block else 0 :]:
            if (at := self._times.of(line)) != UNREAD:
                found.append(at)
                if len(found) == FEW:
                    break
        if not found:
            return UNREAD
        return min(found) if least else median_low(found)

    def last(self) -> float:
        """The latest of the last times in the file; where none is near its end, it is when it was changed."""
        data = os.pread(self._descriptor, 2 * BLOCK, max(0, self._size - 2 * BLOCK))
        lines = plain(data).rsplit(b"\n", 200)[-200:]
        found = [at for line in lines if (at := self._times.of(line)) != UNREAD]
        return max(found, default=float("inf"))

    def _time_from(self, block: int) -> float:
        """The time of a block, or of the next that has one."""
        for one in range(block, min(block + MOST_UNREAD, self._count)):
            if (at := self.time(one)) != UNREAD:
                return at
        return UNREAD


def packed_as(descriptor: int) -> bytes:
    """How a file is packed; empty where it is not."""
    return packing(os.pread(descriptor, 8, 0))
