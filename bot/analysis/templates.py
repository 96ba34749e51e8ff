"""Log templates: raw lines of any format in, kinds of entries with their counts out.

Each line is reduced to a key by one byte translation (`_log_keys`); everything else looks at the few thousand
distinct keys only, so that the time is linear in the bytes and the memory bounded.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bot.analysis._log_grouping import group
from bot.analysis._log_header import Parsed, level_of, parse
from bot.analysis._log_keys import KeyTable
from bot.analysis._log_records import record_of
from bot.analysis._log_tokens import WILD, Tokens, tokens_of
from bot.domain.logs import LEVELS, LogPatterns, Parameter, Template

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TIGHT = re.compile(r" ?([=,;:)\]}]) ?| ?([(\[{]) ")
_EXAMPLES = 3
_FEWEST_TOKENS, _MOST_TOKENS = 24, 1_500_000
"""Tokens of a line that are looked at when there are very many keys, and tokens of all keys together."""
Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


def text_of(line: bytes) -> str:
    """A line as text: UTF-8 with the rest replaced, without terminal colours and control characters."""
    return _CONTROL.sub("", _ANSI.sub("", line.decode("utf-8", "replace"))) if line else ""


@dataclass(frozen=True)
class _Read:
    """The first sample of a key, read: its tokens, level, and time."""

    tokens: Tokens
    level: str
    time: str


class Miner:
    """Takes a log piece by piece and tells its templates; the pieces may be cut anywhere.

    >>> miner = Miner()
    >>> miner.feed(b"12:00:01 INFO took 5 ms\\n12:00:02 INFO took 9 ms\\n")
    >>> [(t.text, t.count) for t in miner.patterns().templates]
    [('took <*>', 2)]
    """

    def __init__(self, *, keep: bool = True, fold: bool = True) -> None:
        """With `keep` the template of every line can be asked for (4 bytes a line are held).

        Without `fold` every line is an entry: for sources that give whole messages.
        """
        self._table = KeyTable(keep=keep, fold=fold)
        self._marks: list[Numbers] = []
        self._mined: tuple[LogPatterns, Numbers] | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes of the log."""
        self._mined = None
        self._table.feed(data)

    def mark(self) -> None:
        """End one part of the log here (a baseline, say); `parts` counts each part on its own."""
        self._table.end()
        self._marks.append(self._table.counts.copy())

    def patterns(self) -> LogPatterns:
        """The templates so far, most frequent first; a line without its newline ends here."""
        return self._mine()[0]

    def assigned(self) -> tuple[LogPatterns, Numbers]:
        """The templates, and for each line (from 0) the id of its template; needs `keep`."""
        patterns, of_key = self._mine()
        return patterns, of_key[self._table.trail()]

    def parts(self) -> tuple[LogPatterns, Numbers]:
        """The templates, and their counts (parts x templates); the last part runs from the last mark to the end."""
        patterns, of_key = self._mine()
        whole = len(patterns.templates)
        ends = [np.bincount(of_key[: len(m)][m > 0], m[m > 0], whole) for m in (*self._marks, self._table.counts)]
        return patterns, np.diff(np.array(ends), axis=0, prepend=0).astype(np.int64)

    def _mine(self) -> tuple[LogPatterns, Numbers]:
        if self._mined is None:
            self._mined = self._grouped()
        return self._mined

    def _grouped(self) -> tuple[LogPatterns, Numbers]:
        self._table.end()
        table = self._table
        heads = np.flatnonzero(table.counts > 0).tolist()
        reads = _read([text_of(table.samples[key][0][1]) for key in heads])
        forms = group([r.tokens for r in reads])
        members: defaultdict[Tokens, list[int]] = defaultdict(list)
        for n, form in enumerate(forms):
            members[form].append(n)
        order = sorted(members.items(), key=lambda m: (-sum(int(table.counts[heads[n]]) for n in m[1]), m[1][0]))
        of_key = np.zeros(len(table.counts), np.int64)
        templates = []
        for number, (form, rows) in enumerate(order):
            keys = [heads[n] for n in rows]
            of_key[keys] = number
            templates.append(_template(number, form, keys, [reads[n] for n in rows], table))
        return LogPatterns(tuple(templates), table.lines, table.entries, table.size, table.dropped), of_key


def mine(pieces: Iterable[bytes]) -> LogPatterns:
    """The templates of a log that comes in pieces."""
    miner = Miner(keep=False)
    for piece in pieces:
        miner.feed(piece)
    return miner.patterns()


def _read(lines: Sequence[str]) -> list[_Read]:
    records = [record_of(line) for line in lines]
    plain = [n for n, r in enumerate(records) if r is None]
    parsed = dict(zip(plain, parse([lines[n] for n in plain]), strict=True))
    most = max(_FEWEST_TOKENS, _MOST_TOKENS // max(1, len(lines)))
    out = []
    for n, record in enumerate(records):
        if record is None:
            at: Parsed = parsed[n]
            out.append(_Read(tokens_of(lines[n][at.start :], most), at.level, at.time))
        else:
            inner = parse([record[0]])[0]
            out.append(_Read(tokens_of(record[0][inner.start :], most), level_of(record[1]) or inner.level, record[2]))
    return out


def _template(number: int, form: Tokens, keys: Sequence[int], reads: Sequence[_Read], table: KeyTable) -> Template:
    count = int(table.counts[keys].sum())
    first, last = int(table.first[keys].min()), int(table.last[keys].max())
    trace = next((table.traces[key] for key in keys if key in table.traces), b"")
    held = sorted(s for key in keys[:50] for s in table.samples[key])
    chosen = held[:: max(1, len(held) // _EXAMPLES)][:_EXAMPLES]
    return Template(
        id=number,
        text=readable(form),
        level=max((r.level for r in reads), key=LEVELS.index),
        count=count,
        first=first + 1,
        last=last + 1,
        examples=tuple(line + 1 for line, _ in chosen),
        sample=text_of(chosen[0][1]),
        rarity=math.log2(max(table.entries, 1) / count),
        parameters=_parameters([text_of(line).split() for _, line in held[:60]]),
        first_time=reads[0].time,
        last_time=_time_at(held[-1][1]),
        trace="\n".join(map(text_of, trace.split(b"\n"))),
    )


def _time_at(line: bytes) -> str:
    text = text_of(line)
    record = record_of(text)
    return record[2] if record else parse([text])[0].time


def _parameters(rows: Sequence[Sequence[str]]) -> tuple[Parameter, ...]:
    """The places (blank-separated, from 0) where the samples of one template differ."""
    width = len(rows[0]) if rows else 0
    same = [r for r in rows if len(r) == width]
    out = []
    for i, values in enumerate(zip(*same, strict=True)):
        distinct = sorted(set(values))
        if len(distinct) > 1:
            numbers = [_number(v) for v in distinct]
            bounds = [v for v in numbers if v is not None]
            known = len(bounds) == len(distinct)
            low, high = (min(bounds), max(bounds)) if known else (None, None)
            out.append(Parameter(i, len(same), len(distinct), tuple(v[:80] for v in distinct[:5]), low, high))
    return tuple(out[:20])


def _number(value: str) -> float | None:
    bare = value.strip("[](),;:=\"'")
    return float(bare) if re.fullmatch(r"-?\d{1,18}(\.\d{1,12})?", bare) else None


def readable(form: Tokens) -> str:
    """A template's tokens as one text; `<*>` stands for what varies."""
    text = _TIGHT.sub(lambda m: f"{m[1]} " if m[1] else f" {m[2]}", " ".join(form))
    return re.sub(r" {2,}", " ", text.replace("= ", "=")).strip() or WILD
