"""Logs, series and alerts that nobody would write, and a process of its own that condenses them and tells its size.

python -m tests.analysis.hostile KIND     what the log of that kind came to, as JSON
python -m tests.analysis.hostile all      everything that is said of the small ones, as text
"""

import itertools
import json
import math
import random
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.analysis.digest import digest
from bot.analysis.forecasts import breach, forecast
from bot.analysis.groups import grouped
from bot.analysis.novelty import compare
from bot.analysis.templates import Miner
from bot.analysis.unusual import unusual
from bot.domain.alerts import Alert
from bot.domain.series import Series

MIB = 1 << 20
LETTERS = "ghijklmnopqrstuvwxyz"
START = datetime(2026, 3, 1, tzinfo=UTC)


def word(number: int, length: int = 4) -> str:
    """A word without digits or hex letters, another one for each number below 20**length."""
    return "".join(LETTERS[number // 20**place % 20] for place in range(length))


def _random(size: int) -> Iterator[bytes]:
    chance = random.Random(1)
    return (chance.randbytes(MIB) for _ in range(size))


def _words(size: int) -> Iterator[bytes]:
    """Lines of 36 words, hardly a word twice."""
    numbers = itertools.count()
    for _ in range(size):
        yield b"".join(
            b" ".join(word(7919 * next(numbers), 6).encode() for _ in range(36)) + b"\n" for _ in range(MIB // 252)
        )


def _wide(size: int) -> Iterator[bytes]:
    """Lines of 30 kB, each its own."""
    for n in range(size):
        yield b"".join(f"{word(40 * n + k, 5)} ".encode() + b"xyz" * 10_000 + b"\n" for k in range(35))


def _hex(size: int) -> Iterator[bytes]:
    """Long lines whose key is short, each its own."""
    for n in range(size):
        yield b"".join(word(300 * n + k, 5).encode() + b"a" * 4_000 + b"\n" for k in range(260))


def _keys(size: int) -> Iterator[bytes]:
    """Short lines, each its own: 100,000 and more keys."""
    for n in range(size):
        yield b"".join(f"lost {word(100_000 * n + k, 6)}\n".encode() for k in range(100_000))


def _mixed(size: int) -> Iterator[bytes]:
    """Encodings, line ends and terminal colours all mixed."""
    texts = ("Gerät für Übertragung 1 nicht verfügbar", "磁盘 1 已满", "\x1b[31mошибка\x1b[0m диска 1", "ﬁn 😀 1")
    forms = ("utf-8", "latin-1", "utf-16", "utf-16-be", "utf-32", "cp1251", "gb18030", "shift_jis")
    block = b"".join(
        text.encode(form, "replace") + end for text in texts for form in forms for end in (b"\n", b"\r\n", b"\0\n")
    )
    for _ in range(size):
        yield block * (MIB // len(block))


LOGS: dict[str, tuple[Callable[[int], Iterator[bytes]], int]] = {
    "random bytes": (_random, 12),
    "hardly a word twice": (_words, 3),
    "wide lines": (_wide, 280),
    "hex lines": (_hex, 30),
    "many keys": (_keys, 2),
    "mixed encodings": (_mixed, 8),
    "one line": (lambda size: (b"x" * MIB for _ in range(size)), 32),
    "nul": (lambda size: (b"\0" * MIB for _ in range(size)), 32),
    "newlines": (lambda size: (b"\n" * MIB for _ in range(size)), 4),
    "brackets": (lambda size: (b"([{<'\":;," * (MIB // 9) for _ in range(size)), 4),
    "deep JSON": (lambda size: (b'{"msg":' * 4_000 + b"\n" for _ in range(40 * size)), 1),
}
"""How the pieces of a log are made, and of how many MiB a test makes it."""

SERIES: dict[str, tuple[float, ...]] = {
    "none": (),
    "one": (7.0,),
    "two": (1.0, 2.0),
    "not a number": (math.nan,) * 40,
    "infinite": (math.inf, -math.inf) * 20,
    "huge": (1e308, -1e308) * 40,
    "tiny": (5e-324, 0.0) * 40,
    "flat": (3.0,) * 400,
    "gaps": tuple(math.nan if n % 3 else float(n) for n in range(300)),
    "one wild": (*(float(n % 5) for n in range(200)), 1e300),
    "integers beyond a double's": tuple(float(2**53 + n) for n in range(100)),
}


def logs_small() -> list[bytes]:
    """A log of every kind, some thousand bytes each."""
    return [next(make(1))[:6_000] + b"\n" for make, _ in LOGS.values()]


def alerts(count: int) -> list[Alert]:
    """Alerts without labels, with odd ones, at one instant and at the ends of time."""
    ends = [START, datetime.min.replace(tzinfo=UTC) + timedelta(days=1), datetime.max.replace(tzinfo=UTC)]
    labels = [{}, {"service": ""}, {"service": "a\0\ud800", "namespace": "😀"}, {"alertname": "x" * 9_000}]
    when = [ends[n % 3] - timedelta(seconds=0 if n % 3 == 1 else n % 977) for n in range(count)]
    return [Alert(word(n % 40), {**labels[n % 4], "instance": str(n)}, when[n]) for n in range(count)]


def everything() -> Iterator[str]:
    """All that is said of the small logs, the series and some alerts."""
    pieces = logs_small()
    patterns, found = compare(pieces[::2], pieces)
    yield from map(repr, (patterns, found, digest(patterns, found, budget=900)))
    for name, values in SERIES.items():
        times = [60.0 * n for n in range(len(values))]
        line = Series({}, tuple(times), values)
        yield repr((name, breach(line, 5.0, 3600.0), forecast(line, 3600.0), unusual(times, values).tolist()))
    yield from map(repr, grouped(alerts(300), {word(1): [word(2)]}))


def peak() -> float:
    """The most MiB that this process has held; what it was forked from does not count, as it does in `getrusage`."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(kind: str) -> dict[str, float]:
    """What the log of a kind came to, and the peak of this process in MiB."""
    make, size = LOGS[kind]
    miner, given = Miner(keep=False), 0
    for piece in make(size):
        miner.feed(piece)
        given += len(piece)
    patterns = miner.patterns()
    made = digest(patterns)
    return {
        "given": given, "size": patterns.size, "lines": patterns.lines, "entries": patterns.entries,
        "counted": sum(t.count for t in patterns.templates), "templates": len(patterns.templates),
        "last": max((t.last for t in patterns.templates), default=0), "dropped": patterns.dropped,
        "tokens": made.tokens, "cited": max(made.cited, default=0),
        "peak": peak(),
    }  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "all":
        sys.stdout.buffer.write("\n".join(everything()).encode("utf-8", "surrogatepass"))
    else:
        print(json.dumps(measured(sys.argv[1])))
