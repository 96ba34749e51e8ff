"""A time series as a scraper would have stored it."""

from array import array
from collections.abc import MutableSequence
from dataclasses import dataclass, field

Labels = dict[str, str]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Series:
    """Samples in order of time: `times` and `stale` in milliseconds (UTC epoch), `times` perhaps shared with others.

    Labels are in the order of their names, `__name__` among them.
    `stale` holds when the series was seen to have ended: a dead target, a label that went away.
    """

    labels: Labels
    times: list[int] = field(default_factory=list)
    values: MutableSequence[float] = field(default_factory=lambda: array("d"))
    stale: list[int] = field(default_factory=list)

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The labels as something that can be compared and hashed."""
        return tuple(self.labels.items())


@dataclass(frozen=True)
class Metadata:
    """What a metric's `# TYPE` and `# HELP` lines say."""

    type: str
    help: str
