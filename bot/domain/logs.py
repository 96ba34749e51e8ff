"""Logs condensed: templates, what is new among them, and a digest of a whole log."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.series import Labels

LEVELS = ("", "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "FATAL")
"""Severities, lowest first; the empty one means that the line names none."""
WARN = LEVELS.index("WARN")
ERROR = LEVELS.index("ERROR")


@dataclass(frozen=True)
class Parameter:
    """What stood at one variable place of a template: how many distinct values over `samples`, and some of them.

    `position` counts blank-separated fields of the whole line from 0; `low` and `high` bound the values where every
    one is a plain number.
    """

    position: int
    samples: int
    distinct: int
    values: tuple[str, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Template:
    """One kind of log entry.

    `count` entries (a folded stack trace is one), `first` and `last` the line ids (from 1) of the earliest and the
    latest, `first_time` and `last_time` as the lines write them, `examples` line ids whose text is `sample` for the
    first, `rarity` in bits: -log2 of the share of entries, `trace` the lines folded
    into its first entry that has some.
    """

    id: int
    text: str
    level: str
    count: int
    first: int
    last: int
    examples: tuple[int, ...]
    sample: str
    rarity: float
    parameters: tuple[Parameter, ...] = ()
    first_time: str = ""
    last_time: str = ""
    trace: str = ""

    @property
    def severity(self) -> int:
        """The level's place in `LEVELS`."""
        return LEVELS.index(self.level)


@dataclass(frozen=True)
class LogPatterns:
    """The templates of a log, most frequent first; `lines` read, `entries` after folding, `dropped` bytes not kept."""

    templates: tuple[Template, ...]
    lines: int
    entries: int
    size: int
    dropped: int = 0


@dataclass(frozen=True)
class Novelty:
    """How one template of the incident window stands against the baseline.

    `kind` is new, gone, burst or drop; `count` and `expected` are entries in the window (expected: the baseline's
    rate over a window of the same number of entries); `score` orders a list, highest first.
    """

    template: Template
    kind: str
    count: int
    expected: float
    score: float


@dataclass(frozen=True)
class Digest:
    """A log in a few words: `text` of about `tokens` tokens; every group in it cites the `cited` line ids."""

    text: str
    tokens: int
    cited: tuple[int, ...]
    shown: int
    left_out: int


@dataclass(frozen=True)
class LogQuery:
    """Which lines are wanted; what is empty limits nothing.

    `services` are names of services, `contains` a text that stands in the line (case ignored), `selector` words of the
    source's own language, such as a stream selector of LogQL or a pattern of file names.
    """

    services: tuple[str, ...] = ()
    contains: str = ""
    selector: str = ""


@dataclass(frozen=True)
class LogPiece:
    """Some whole lines, each ended by a newline, of one stream.

    `times` has a time for each of them, in UTC seconds, ascending; it is empty where the source knows none.
    """

    data: bytes
    times: Sequence[float] = ()
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True)
class LogVolume:
    """What a query would have to read, told without reading it: bytes, lines (None: not known) and streams."""

    size: int
    lines: int | None = None
    streams: int = 0
