"""Which label of a Loki names services: found by the names that are asked for, as everybody labels otherwise."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.errors import BadArguments, SourceRefused
from bot.domain.logs import LogPiece
from bot.domain.series import SERVICE_LABELS, service_of
from bot.domain.window import Window
from bot.sources._loki_http import Busy, LokiHttp, names
from bot.sources._loki_pages import Limits, asked, bounds
from bot.sources._loki_query import MOST_SERVICES

KEPT_SECONDS = 300.0
UNNAMED = "unknown_service"  # what Loki itself calls a stream whose service it cannot tell
MOST_OTHERS = 12  # labels beside those that usually name a service whose values are looked at
MOST_KEPT = 64  # lists of values, each of one label and window
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKELY = re.compile("service|app|name|container|workload|deploy|component|pod|task|unit|job|program", re.IGNORECASE)
_OF_POD = re.compile(r"-[b-df-hj-np-tv-xz2-9]{6,10}-[b-df-hj-np-tv-xz2-9]{5}$|-\d{1,4}$")


@dataclass(frozen=True)
class Named:
    """A label, and the service that each of its values stands for that were asked for; without them, each for itself.

    An empty label leaves it to the names of labels.
    """

    label: str = ""
    services: Mapping[str, str] = field(default_factory=dict)

    def of(self, piece: LogPiece) -> LogPiece:
        """The same lines, with the service's name where code looks for it first."""
        labels = {name: value for name, value in piece.labels.items() if value != UNNAMED}
        value = labels.get(self.label, "")
        name = self.services.get(value) or bare(value)
        told = labels if not name or service_of(labels) == name else {**labels, SERVICE_LABELS[0]: name}
        return piece if told == piece.labels else replace(piece, labels=told)


@dataclass
class Services:
    """Learns labels and their values from the server, each kept for a while; `label` is the one that is set."""

    http: LokiHttp
    limits: Limits
    label: str = ""
    _labels: tuple[float, tuple[str, ...]] = (0.0, ())
    _values: dict[tuple[str, Window], tuple[float, tuple[str, ...]]] = field(default_factory=dict)

    async def all(self, window: Window) -> tuple[str, ...]:
        """Every service that wrote in a window, by the best label that has names of some."""
        for label in await self.labels(window):
            found = {bare(value) if self.label else value for value in await self._held(label, window)}
            if found:
                return tuple(sorted(found))
        return ()

    async def labels(self, window: Window) -> tuple[str, ...]:
        """Those that are there of the labels that usually name a service, best first; the one that is set alone."""
        every = set(await self.every(window))
        return tuple(name for name in ([self.label] if self.label else SERVICE_LABELS) if name in every)

    async def every(self, window: Window) -> tuple[str, ...]:
        """All labels."""
        taken, known = self._labels
        if known and time.monotonic() - taken < KEPT_SECONDS:
            return known
        found = names(self.http.name, await asked(self.http, self.limits, "/loki/api/v1/labels", bounds(window)))
        found = tuple(name for name in found if _LABEL.fullmatch(name) and not name.startswith("__"))
        self._labels = time.monotonic(), found
        return found

    async def of(self, services: Sequence[str], window: Window) -> Named:
        """The label by which most of these services are known, and under which values; SourceRefused where none is."""
        usual, wanted = await self.labels(window), len(set(services))
        best: dict[str, str] = {}
        label, most = usual[0] if usual else "", (0, 0)
        for looked in (self.labels, self._others):
            for name in await looked(window) if most < (wanted, 0) else ():
                found = await self._matching(name, services, window)
                known = len(set(found.values())), sum(value == service for value, service in found.items())
                if known > most:
                    best, label, most = found, name, known
                if most == (wanted, wanted):
                    break
        if not label and (every := await self.every(window)):
            said = ", ".join(every[:20])
            raise SourceRefused(f"no label of {self.http.name} names a service (it has {said}); give a selector")
        if len(best) > max(MOST_SERVICES, len(services)):
            raise BadArguments(
                f"these services have {len(best)} values of {label} in {self.http.name}; give a selector"
            )
        return Named(label, {**{service: service for service in services if service not in best.values()}, **best})

    async def _others(self, window: Window) -> tuple[str, ...]:
        rest = [] if self.label else [name for name in await self.every(window) if name not in SERVICE_LABELS]
        return tuple(sorted(rest, key=lambda name: (not _LIKELY.search(name), name))[:MOST_OTHERS])

    async def _matching(self, label: str, services: Sequence[str], window: Window) -> dict[str, str]:
        """The values of a label that stand for one of the services: as it is, else by another spelling of it."""
        try:
            values = await self._held(label, window)
        except Busy:
            raise
        except (BadArguments, SourceRefused):  # too many to be told
            return {}
        exact = {value: value for value in values if value in services}
        left = {service.casefold(): service for service in services if service not in exact}
        spelled = ((value, form.casefold()) for value in values for form in _forms(value)) if left else ()
        return {value: left[form] for value, form in spelled if form in left} | exact

    async def _held(self, label: str, window: Window) -> tuple[str, ...]:
        """The values of a label that name something."""
        taken, known = self._values.get((label, window), (0.0, ()))
        if not taken or time.monotonic() - taken > KEPT_SECONDS:
            path = f"/loki/api/v1/label/{label}/values"
            found = names(self.http.name, await asked(self.http, self.limits, path, bounds(window)))
            known = tuple(value for value in found if value and value != UNNAMED)
            while len(self._values) >= MOST_KEPT:
                del self._values[next(iter(self._values))]
            self._values[label, window] = time.monotonic(), known
        return known


def bare(value: str) -> str:
    """A service's name in a label's value: `shop/cart` and `cart-7d9f8b6c5-x2x4z` are `cart`."""
    return _OF_POD.sub("", value.rpartition("/")[2])


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.rpartition("/")[2]
    yield bare(value)
