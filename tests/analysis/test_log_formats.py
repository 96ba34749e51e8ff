"""Made-up logs of many formats: behind every header each kind of entry is one template, and no two kinds share one."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

import pytest

from bot.analysis._log_scatter import scattered
from bot.analysis.templates import Miner

Made = Callable[["Pen"], str]
LINES = 1_500
STATES = [("NEW", "READY"), ("READY", "RUNNING"), ("RUNNING", "KILLED"), ("KILLED", "GONE"), ("GONE", "LOST")]


class Pen(Random):
    """Makes up the variable parts of a line."""

    def hex(self, length: int) -> str:
        """Hexadecimal digits."""
        return "".join(self.choices("0123456789abcdef", k=length))

    def word(self, length: int = 0) -> str:
        """A name that nobody has seen before."""
        return "".join(self.choices("abcdefghijklmnopqrstuvwxyz", k=length or self.randrange(3, 9)))

    def words(self, most: int, between: str = " ") -> str:
        """Some of them."""
        return between.join(self.word() for _ in range(self.randrange(1, most)))

    def below(self, most: int) -> int:
        """A number."""
        return self.randrange(most)

    def clock(self, form: str = "02") -> str:
        """A time of day."""
        return ":".join(f"{self.below(most):{form}}" for most in (24, 60, 60))

    def path(self) -> str:
        """A path."""
        return f"/{self.words(6, '/')}"

    def address(self) -> str:
        """An IPv4 address."""
        return ".".join(str(self.below(256)) for _ in range(4))


HEADERS: dict[str, Made] = {
    "none": lambda pen: "",
    "log4j": lambda pen: (
        f"2026-11-24 {pen.clock()},{pen.below(1_000):03} {pen.choice(('INFO', 'WARN'))} [main] a.b.C - "
    ),
    "syslog": lambda pen: f"Nov {pen.randrange(10, 29)} {pen.clock()} {pen.word()} {pen.word()}[{pen.below(9_999)}]: ",
    "bars": lambda pen: (
        f"20261124-{pen.clock('')}:{pen.below(1_000)}|{pen.choice(('Step_A', 'Util'))}|{pen.choice((30002, 77))}|"
    ),
    "klog": lambda pen: (
        f"I1124 {pen.clock()}.{pen.below(10**6):06}       {pen.below(9)} controller.go:{pen.below(99)}] "
    ),
    "python": lambda pen: (
        f"2026-11-24 {pen.clock()},{pen.below(1_000):03} ERROR [worker-{pen.below(32)}] app.module:{pen.below(999)} "
    ),
    "container": lambda pen: f"2026-11-24T{pen.clock()}.{pen.below(10**9):09}Z stdout F ",
    "go": lambda pen: f"2026/11/24 {pen.clock()} ",
    "quorum": lambda pen: (
        f"2026-11-24 {pen.clock()},{pen.below(1_000):03} - WARN  [Peer[myid={pen.below(5)}]/0:0:0:0:0:0:0:0:V@7] - "
    ),
    "epoch": lambda pen: f"- {1_795_000_000 + pen.below(9_999)} node-{pen.below(99)} ",
}
ENTRIES: Sequence[Made] = (
    lambda pen: (
        f'"GET {pen.path()} HTTP/1.1" status: {pen.choice((200, 404))} len: {pen.below(9_999)} time: {pen.random():f}'
    ),
    lambda pen: (
        f'"POST {pen.path()} HTTP/1.1" status: {pen.choice((200, 404))} len: {pen.below(9_999)} time: {pen.random():f}'
    ),
    lambda pen: f"session opened for user {pen.word()} by (uid={pen.below(1_000)})",
    lambda pen: f"Fan speeds ( {' '.join(pen.choice(('****', str(3_000 + pen.below(600)))) for _ in range(6))} )",
    lambda pen: f"power supply status ( {pen.choice(('on', 'off'))} {pen.choice(('on', 'off'))} )",
    lambda pen: f"Removing nodes [{pen.words(5, ', ')}] from ring",
    lambda pen: f"{pen.word()}.service: Main process exited, code=exited, status={pen.below(9)}/FAILURE",
    lambda pen: f"{pen.word()}.service: Scheduled restart job, restart counter is at {pen.below(99)}.",
    lambda pen: f"Unexpected EOF from {pen.word()}@{pen.word()}.example.com",
    lambda pen: f"token for {pen.word()}@{pen.word()}.com expired {pen.below(60)} minutes ago",
    lambda pen: f'Failed to load plugin "{pen.words(4)}" version {pen.below(9)}.{pen.below(9)}',
    lambda pen: (
        f"duration: {pen.random():.3f} ms  statement: SELECT * FROM {pen.word()} WHERE {pen.word()} = {pen.below(99)}"
    ),
    lambda pen: (
        f'audit: type={pen.below(99)} apparmor="DENIED" operation="open" profile="{pen.word()}" name="{pen.path()}" '
        f'pid={pen.below(9_999)} comm="{pen.word()}"'
    ),
    lambda pen: f"Cache miss for key {pen.word()}:{pen.word()}:{pen.below(99)}",
    lambda pen: f"neighbour fe80::{pen.hex(4)}:{pen.hex(4)} does not answer",
    lambda pen: (
        f"Link error on broadcast tree Interconnect-{pen.below(4)}N{pen.below(99):02}:{pen.below(9)}:{pen.below(9)}"
    ),
    lambda pen: f"Established session 0x{pen.hex(15)} for client /{pen.address()}:{pen.below(9_999)}",
    lambda pen: f"Closed connection for client /{pen.address()}:{pen.below(9_999)} (no session)",
    lambda pen: f"totals = {'##'.join(str(pen.below(10**7)) for _ in range(6))}",
    lambda pen: "Starting sync",
    lambda pen: f"Stopping sync after {pen.below(500)} items",
)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_is_one_template(header: str, seed: int) -> None:
    """Kinds come with very different frequencies, as in a real log."""
    pen = Pen(seed)
    kinds = [min(int(pen.expovariate(0.15)), len(ENTRIES) - 1) for _ in range(LINES)]
    log = "\n".join(HEADERS[header](pen) + ENTRIES[kind](pen) for kind in kinds)
    miner = Miner()
    miner.feed(log.encode())
    patterns, templates = miner.assigned()
    found = defaultdict(set)
    for kind, template in zip(kinds, templates.tolist(), strict=True):
        found[kind].add(patterns.templates[template].text)
    assert {kind: texts for kind, texts in found.items() if len(texts) > 1} == {}
    assert len({text for texts in found.values() for text in texts}) == len(found)


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        ([f"attempt_{n} moved from {a} to {b}" for n in range(3) for a, b in STATES], 5),
        ([f"door is closed: {state}" for state in ("true", "false")] * 3, 2),
        (["link is up", "link is down"] * 3, 2),
    ],
)
def test_what_names_a_state_stays_apart(lines: list[str], kinds: int) -> None:
    """Words in capitals, true and false: each is a kind of its own, as whoever reads it cares."""
    miner = Miner()
    miner.feed("\n".join(lines).encode())
    assert len(miner.patterns().templates) == kinds


def test_lines_that_fall_apart_one_by_one_take_no_stack() -> None:
    """As many lines as words, each line with another word at another place: nothing is the same in enough of them."""
    forms = [("head", "word", *("no" if i != j else "yes" for j in range(1_200))) for i in range(1_200)]
    assert scattered(forms) == {}
