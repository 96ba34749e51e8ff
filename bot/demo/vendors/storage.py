"""What an evaluator reads: series by matchers, from the shop or from any other list of series."""

import re
from array import array
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from functools import lru_cache
from typing import Protocol
from weakref import WeakKeyDictionary

from bot.demo.shop.series import Metadata, Series
from bot.demo.vendors.failures import BadData
from bot.demo.vendors.plan import Matcher


class Samples(Protocol):
    """A shop as the storage sees it."""

    def names(self) -> list[str]:
        """Every metric name."""
        ...

    def series(self, name: str) -> list[Series]:
        """The series of a metric name."""
        ...


class Watched(Samples, Protocol):
    """A whole monitored world: its samples, what they mean, and who was asked for them."""

    def now(self) -> float:
        """UTC epoch seconds."""
        ...

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help by metric family."""
        ...

    def targets(self) -> list[dict[str, object]]:
        """The scrape targets, in the API's shape."""
        ...

    def warm(self) -> Iterator[None]:
        """Works ahead of the first question, a little at each step."""
        ...


@lru_cache(maxsize=256)
def compiled(pattern: str) -> "re.Pattern[str]":
    """A label matcher's pattern. Raises BadData when it is none."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise BadData(f"error parsing regexp: {error}: `^(?:{pattern})$`") from error


def matches(matcher: Matcher, value: str) -> bool:
    """Whether a label's value satisfies a matcher; an absent label has the empty value."""
    op, _, wanted = matcher
    if op in ("=", "!="):
        return (value == wanted) is (op == "=")
    return (compiled(wanted).fullmatch(value) is not None) is (op == "=~")


class Storage:
    """Selects series, and keeps each counter's values with its resets made good."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._corrected: WeakKeyDictionary[Series, MutableSequence[float]] = WeakKeyDictionary()

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that satisfy all matchers, in the order of their labels."""
        found: list[Series] = []
        about = [m for m in matchers if m[1] == "__name__"]
        rest = [m for m in matchers if m[1] != "__name__"]
        for name in self._names(about):
            known = self._samples.series(name)
            found.extend(one for one in known if all(matches(m, one.labels.get(m[1], "")) for m in rest))
        return sorted(found, key=lambda one: one.key)

    def _names(self, about: Sequence[Matcher]) -> Iterable[str]:
        if len(about) == 1 and about[0][0] == "=":
            return (about[0][2],)
        return [name for name in self._samples.names() if all(matches(m, name) for m in about)]

    def corrected(self, series: Series) -> MutableSequence[float]:
        """A counter's values as if it had never been reset."""
        kept = self._corrected.setdefault(series, array("d"))
        values = series.values
        if len(kept) == len(values):
            return kept
        lost = kept[-1] - values[len(kept) - 1] if kept else 0.0
        before = values[len(kept) - 1] if kept else 0.0
        for value in values[len(kept) :]:
            if value < before:
                lost += before
            kept.append(value + lost)
            before = value
        return kept
