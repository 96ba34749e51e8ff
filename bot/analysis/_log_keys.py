"""The byte pass over a log: each line's key, which is the line without digits and hex letters, counted."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from bot.analysis._log_entries import CONTINUES, EXCEPTION, SEVERE, kind_of

BLOCK = 1 << 20
"""Bytes worked on at a time; blocks lie at fixed places of the stream, however it comes in."""
LONGEST = 1 << 15
"""Bytes of one line that are kept; the rest of it is dropped."""
MOST_KEYS = 50_000
"""Distinct keys held; later ones share coarser keys, so that memory stays bounded."""
MOST_COARSE, CHUNK = 5_000, 1 << 14
KEY_BYTES = 16 << 20
"""Bytes of keys and of their first lines after which no more keys are held, and first lines are cut to `BRIEF`."""
BRIEF = 200
SAMPLES, SAMPLE_LENGTH = 6, 4_000
"""Lines kept of one key, and bytes of each."""
SAMPLE_BYTES = 24 << 20
"""Bytes of further sample lines kept in all; the first line of a key is always kept."""
MOST_TRACES, TRACE_BYTES = 5_000, 2_000
"""How many stack traces are kept, and how much of one."""
_DROPPED = b"0123456789abcdefABCDEF\r\0"
_NO_SIGNS = bytes(c for c in range(256) if not 32 <= c < 127 or chr(c).isalnum())
Codes = np.ndarray[tuple[int], np.dtype[np.int64]]


class KeyTable:
    """Counts the keys of a stream of lines.

    Numbers of keys are in order of first sight. `counts`, `first` and `last` (line numbers from 0) tell of the
    entries a key heads; lines that go on with an entry (stack frames) belong to its head. `trail()` is the key of
    every line's entry, 4 bytes a line, held only with `keep`.
    """

    def __init__(self, *, keep: bool = True, fold: bool = True) -> None:
        """An empty table; without `fold` every line is an entry of its own."""
        self.traces: dict[int, bytes] = {}
        self._folds = fold
        self.lines = self.size = self.dropped = self.entries = 0
        self.samples: list[list[tuple[int, bytes]]] = []
        self.counts = np.zeros(0, np.int64)
        self.first = np.zeros(0, np.int64)
        self.last = np.zeros(0, np.int64)
        self._kinds = np.zeros(0, np.uint8)
        self._open = np.zeros(0, bool)
        self._keep = keep
        self._trail: list[np.ndarray[tuple[int], np.dtype[np.int32]]] = []
        self._ids: defaultdict[bytes, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__
        self._coarse: dict[bytes, int] = {}
        self._full = False
        self._held = self._weight = 0
        self._pending = bytearray()
        self._rest = b""
        self._owner = -1

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the log, cut anywhere."""
        at = 0
        view = memoryview(data)
        while at < len(data):
            taken = view[at : at + BLOCK - len(self._pending)]
            self._pending += taken
            at += len(taken)
            if len(self._pending) == BLOCK:
                self._block()

    def end(self) -> None:
        """Nothing more comes for now: a last line without its newline is a line, too."""
        self._block()
        if self._rest:
            rest, self._rest = self._rest, b""
            self._count(rest + b"\n")

    def trail(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """The key of each line's entry, in order."""
        return np.concatenate(self._trail) if self._trail else np.zeros(0, np.int32)

    def _block(self) -> None:
        data = self._rest + bytes(self._pending)
        self.size += len(self._pending)
        self._pending.clear()
        cut = data.rfind(b"\n") + 1
        self._rest = data[cut:]
        if len(self._rest) > LONGEST:
            self.dropped += len(self._rest) - LONGEST
            self._rest = self._rest[:LONGEST]
        if cut:
            self._count(data[:cut] if self._rest or cut < len(data) else data)

    def _count(self, data: bytes) -> None:
        """Count the lines of `data`, which ends with a newline."""
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        if int(np.diff(ends, prepend=-1).max()) > LONGEST + 1:
            lines = data[:-1].split(b"\n")
            self.dropped += sum(len(line) - LONGEST for line in lines if len(line) > LONGEST)
            data = b"\n".join([line[:LONGEST] for line in lines]) + b"\n"
            ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
        keys = data.translate(None, _DROPPED).split(b"\n")
        keys.pop()
        known = len(self.samples)
        codes = self._codes(keys)
        total = len(self._ids) + len(self._coarse)
        starts = np.concatenate([[0], ends[:-1] + 1])
        self._grow(total, known)
        firsts = np.zeros(total, np.int64)
        firsts[codes[::-1]] = np.arange(len(codes))[::-1]
        for code in range(known, total):
            i = int(firsts[code])
            most = SAMPLE_LENGTH if self._weight < KEY_BYTES else BRIEF
            line = data[starts[i] : min(ends[i], starts[i] + most)]
            self._weight += len(keys[i]) + len(line)
            self.samples.append([(self.lines + i, line)])
            self._kinds[code] = kind_of(line) if self._folds else 0
        self._full |= self._weight > KEY_BYTES
        self._tally(codes, data, starts, ends)
        self.lines += len(codes)

    def _codes(self, keys: Sequence[bytes]) -> Codes:
        """The number of each key; whether more may be held is asked anew every `CHUNK` keys."""
        codes = np.empty(len(keys), np.int64)
        for at in range(0, len(keys), CHUNK):
            some = keys[at : at + CHUNK]
            number = self._code if self._full else self._ids.__getitem__
            codes[at : at + CHUNK] = np.fromiter(map(number, some), np.int64, len(some))
            self._full |= len(self._ids) > MOST_KEYS
        return codes

    def _code(self, key: bytes) -> int:
        """The number of a key when no more can be held: a known key's own, or that of all with the same signs."""
        found = self._ids.get(key)
        if found is None:
            signs = key[:200].translate(None, _NO_SIGNS)
            fresh = len(self._ids) + len(self._coarse)
            if signs not in self._coarse and len(self._coarse) >= MOST_COARSE:
                signs = next(iter(self._coarse))
            found = self._coarse.setdefault(signs, fresh)
        return found

    def _grow(self, total: int, known: int) -> None:
        if total > known:
            more = total - known
            self.counts = np.concatenate([self.counts, np.zeros(more, np.int64)])
            self.first = np.concatenate([self.first, np.full(more, -1, np.int64)])
            self.last = np.concatenate([self.last, np.full(more, -1, np.int64)])
            self._open = np.concatenate([self._open, np.ones(more, bool)])
            self._kinds = np.concatenate([self._kinds, np.zeros(more, np.uint8)])

    def _tally(self, codes: Codes, data: bytes, starts: Codes, ends: Codes) -> None:
        heads, owners = self._fold(codes)
        self.entries += len(heads)
        if len(heads) < len(codes):
            self._trace(codes, heads, data, starts, ends)
        of = codes[heads]
        self.counts += np.bincount(of, minlength=len(self.counts))
        self.last[of] = heads + self.lines
        firsts = np.full(len(self.first), -1, np.int64)
        firsts[of[::-1]] = (heads + self.lines)[::-1]
        self.first = np.where(self.first < 0, firsts, self.first)
        if self._keep:
            self._trail.append(owners.astype(np.int32))
        here = np.flatnonzero(firsts >= 0)
        self._sample(here, firsts[here] - self.lines, data, starts, ends)
        self._sample(here, self.last[here] - self.lines, data, starts, ends)
        self._owner = int(owners[-1])

    def _sample(self, keys: Codes, places: Codes, data: bytes, starts: Codes, ends: Codes) -> None:
        """Keep the lines at these places as further samples of their keys."""
        wanted = self._open[keys] & (self._held < SAMPLE_BYTES)
        for key, i in zip(keys[wanted].tolist(), places[wanted].tolist(), strict=True):
            held = self.samples[key]
            if held[-1][0] < self.lines + i:
                line = data[starts[i] : min(ends[i], starts[i] + SAMPLE_LENGTH)]
                self._held += len(line)
                held.append((self.lines + i, line))
                self._open[key] = len(held) < SAMPLES

    def _trace(self, codes: Codes, heads: Codes, data: bytes, starts: Codes, ends: Codes) -> None:
        """Keep what follows the first entry of each key that has lines folded into it."""
        until = np.append(heads[1:], len(codes))
        folded = np.flatnonzero(until - heads > 1)
        keys, places = np.unique(codes[heads[folded]], return_index=True)
        for key, n in zip(keys.tolist(), folded[places].tolist(), strict=True):
            if key not in self.traces and len(self.traces) < MOST_TRACES:
                begin, end = int(starts[heads[n] + 1]), int(ends[until[n] - 1])
                self.traces[key] = data[begin : min(end, begin + TRACE_BYTES)]

    def _fold(self, codes: Codes) -> tuple[Codes, Codes]:
        """Where entries begin, and the key that heads each line's entry."""
        kinds = self._kinds[codes]
        places = np.arange(len(codes))
        goes_on = (kinds & (CONTINUES | EXCEPTION)) > 0
        if not goes_on.any():
            return places, codes
        head = np.maximum.accumulate(np.where(goes_on, -1, places))
        owner = np.where(head >= 0, codes[head], self._owner)
        severe = np.where(owner >= 0, self._kinds[owner] & SEVERE, 0) > 0
        alone = ((kinds & EXCEPTION) > 0) & ~severe
        alone[0] |= bool(goes_on[0]) and self._owner < 0
        head = np.maximum.accumulate(np.where(goes_on & ~alone, -1, places))
        owners = np.where(head >= 0, codes[head], self._owner)
        return np.flatnonzero(~goes_on | alone), owners
