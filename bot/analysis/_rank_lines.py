"""Two logs read into numbers: who wrote each line, which step it is, and which request it belongs to."""

import math
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.analysis._rank_steps import Codes, Steps
from bot.analysis.templates import Miner
from bot.domain.logs import ERROR, LogPatterns

_PLACE = re.compile(
    rb"(?<![\w.])([A-Za-z_][\w.$/-]*(?:#|\.(?:go|py|java|js|ts|rb|cc?|cpp|rs|kt|scala|cs|php):)\d{1,6})(?!\w)"
)
"""A place in the code, as loggers write it (`Orders#31`, `orders.go:31`): it names a step better than its text does."""
_REQUEST = re.compile(
    rb"(?<![0-9A-Za-z])(?:([0-9a-f]{32})|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|([0-9a-f]{16}))(?![0-9A-Za-z])"
)
"""An id of a request: the first trace id or UUID of a line."""
_PLACE_WITHIN, _REQUEST_WITHIN = 160, 400
"""Bytes of a line in which each is looked for."""
_MOST_PLACES = 50_000
"""Places that are told apart; lines of later ones go by their template."""


@dataclass(frozen=True)
class Line:
    """A log entry: time in seconds, the service that wrote it, and its text (one entry, without the final newline)."""

    time: float
    service: str
    text: bytes


@dataclass(frozen=True)
class Logs:
    """A usual log and the window's, with common numbers.

    `services` and `names` (of steps) are texts by number, `owners` the service of each step, `errors` the steps that
    are of class ERROR; `templates` has the template of every line of both logs.
    """

    usual: Steps
    now: Steps
    services: Sequence[str]
    names: Sequence[str]
    owners: Sequence[int]
    errors: frozenset[int]
    patterns: LogPatterns
    templates: Codes

    def lines_of(self, step: int) -> tuple[int, ...]:
        """Up to three line ids (from 1) of a step in the window's log."""
        return tuple((np.flatnonzero(self.now.steps == step)[:3] + 1).tolist())


class _Reader:
    """Numbers the services, places and requests of lines as they come."""

    def __init__(self) -> None:
        self.miner = Miner(fold=False)
        self.services: dict[str, int] = {}
        self.places: dict[tuple[int, bytes], int] = {}
        self._requests: dict[bytes, int] = {}
        self.times, self.owners, self.sites, self.asked = array("d"), array("q"), array("q"), array("q")

    def take(self, line: Line) -> None:
        """One more line."""
        self.miner.feed(line.text.replace(b"\n", b" ") + b"\n")
        service = self.services.setdefault(line.service, len(self.services))
        found = _PLACE.search(line.text[:_PLACE_WITHIN])
        place = -1
        if found:
            key = (service, found[1])
            place = self.places.get(key, -1)
            if place < 0 and len(self.places) < _MOST_PLACES:
                place = self.places[key] = len(self.places)
        asked = _REQUEST.search(line.text[:_REQUEST_WITHIN])
        self.times.append(line.time if math.isfinite(line.time) else 0.0)
        self.owners.append(service)
        self.sites.append(place)
        self.asked.append(self._requests.setdefault(asked[0], len(self._requests)) if asked else -1)


def read_logs(baseline: Iterable[Line], window: Iterable[Line]) -> Logs | None:
    """Both logs; None where one of them has no line."""
    reader = _Reader()
    for line in baseline:
        reader.take(line)
    cut = len(reader.times)
    for line in window:
        reader.take(line)
    if not 0 < cut < len(reader.times):
        return None
    return _numbered(reader, cut)


def _numbered(reader: _Reader, cut: int) -> Logs:
    """Steps as numbers: the place in the code where a line names one, else the service's template."""
    patterns, templates = reader.miner.assigned()
    times = np.array(reader.times, dtype=np.float64)
    owner, place, asked = (np.array(part, dtype=np.int64) for part in (reader.owners, reader.sites, reader.asked))
    places = list(reader.places)
    codes = np.where(place >= 0, place, len(places) + owner * (len(patterns.templates) + 1) + templates)
    distinct, at, steps = np.unique(codes, return_index=True, return_inverse=True)
    names = [
        places[code][1].decode("utf-8", "replace") if code < len(places) else patterns.templates[templates[i]].text
        for code, i in zip(distinct.tolist(), at.tolist(), strict=True)
    ]
    severe: NDArray[np.bool_] = np.array([t.severity >= ERROR for t in patterns.templates], dtype=bool)
    errors = frozenset(np.unique(steps[severe[templates]]).tolist())
    usual, now = (
        Steps(times[part], owner[part], steps[part], asked[part]) for part in (slice(0, cut), slice(cut, None))
    )
    return Logs(usual, now, tuple(reader.services), names, owner[at].tolist(), errors, patterns, templates)
