"""A small monitored world: three services scraped once a minute, one of them failing; answers of a few kB."""

import time
from array import array
from collections.abc import Iterator

from bot.demo.shop.rules import Rule
from bot.demo.shop.series import Metadata, Series

SERVICES = ("checkout", "payments", "cart")
EVERY, HISTORY = 60, 150 * 60
ONSET = 20 * 60
TYPES = {
    "http_requests_total": Metadata("counter", "Requests served."),
    "process_resident_memory_bytes": Metadata("gauge", "Resident memory."),
    "app_build_info": Metadata("gauge", "Version."),
    "up": Metadata("gauge", "Scraped."),
}
ERRORS = 'sum by (service) (rate(http_requests_total{code="500"}[5m])) > 0.5'
RULES = {"small": (Rule("HighErrors", ERRORS, 60, "page", "{{ $labels.service }} fails"),)}


class Small:
    """What the simulated vendors watch in place of the shop; `payments` fails since 20 minutes before the start."""

    def __init__(self) -> None:
        self._began = int(time.time()) // EVERY * EVERY - HISTORY
        self._broke = self._began + HISTORY - ONSET
        self._known: tuple[int, dict[str, list[Series]]] = (0, {})

    def now(self) -> float:
        """UTC epoch seconds."""
        return time.time()

    def names(self) -> list[str]:
        """Every metric name."""
        return sorted(TYPES)

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help by metric family."""
        return TYPES

    def targets(self) -> list[dict[str, object]]:
        """One a service."""
        return [{"labels": {"job": name, "service": name}, "health": "up", "lastError": ""} for name in SERVICES]

    def warm(self) -> Iterator[None]:
        """Works nothing ahead."""
        yield from ()

    def series(self, name: str) -> list[Series]:
        """The series of a metric name, up to the last whole minute."""
        end = int(time.time()) // EVERY * EVERY
        if self._known[0] != end:
            self._known = end, self._sampled(range(self._began, end + 1, EVERY))
        return self._known[1].get(name, [])

    def _sampled(self, times: range) -> dict[str, list[Series]]:
        shared = [at * 1000 for at in times]
        found: dict[str, list[Series]] = {name: [] for name in TYPES}
        for number, service in enumerate(SERVICES):
            labels = {"instance": f"{service}:8080", "job": service, "service": service}
            sick = service == "payments"
            failed = [max(0, at - self._broke) * 4.0 if sick else 0.0 for at in times]
            rows = [
                ("app_build_info", {"version": "1.4.2"}, [1.0] * len(times)),
                ("http_requests_total", {"code": "200"}, [(at - self._began) * (10.0 + number) for at in times]),
                ("http_requests_total", {"code": "500"}, failed),
                ("process_resident_memory_bytes", {}, [2e8 + (at // EVERY % 7) * 1e6 for at in times]),
                ("up", {}, [1.0] * len(times)),
            ]
            for name, extra, values in rows:
                own = dict(sorted({"__name__": name, **labels, **extra}.items()))
                found[name].append(Series(own, shared, array("d", values)))
        return found
