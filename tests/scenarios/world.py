"""A corner of a shop, small enough to be asked about in milliseconds: real PromQL and rules over a few series."""

import time
from collections.abc import Iterator
from itertools import accumulate

from bot.demo.shop.rules import Rule, error_rate
from bot.demo.shop.series import Metadata, Series

STEP = 15.0
HISTORY, SICK_FOR = 7_200.0, 600.0  # seconds
RULES = {"corner": (Rule("HighErrorRate", error_rate("", 0.05), 0, "critical", "{{ $labels.service }} fails"),)}


class Corner:
    """Services that answer ten requests a second; of those in `sick` three in ten fail since ten minutes."""

    def __init__(self, services: tuple[str, ...] = ("cart", "mailer"), sick: tuple[str, ...] = ("cart",)) -> None:
        self._end = time.time() // STEP * STEP
        self.begun = self._end - SICK_FOR
        count = int(HISTORY / STEP)
        self._times = [self._end - STEP * (count - number) for number in range(1, count + 1)]
        self._series = [series for name in services for series in self._of(name, name in sick)]

    def _of(self, service: str, sick: bool) -> Iterator[Series]:
        base = {"instance": f"{service}-0:80", "job": "shop", "service": service}
        fails = [0.3 if sick and at >= self.begun else 0.001 for at in self._times]
        for code, shares in (("200", [1 - share for share in fails]), ("500", fails)):
            counted = list(accumulate(10 * STEP * share for share in shares))
            yield self._made({"__name__": "http_requests_total", "code": code, **base}, counted)
        yield self._made({"__name__": "up", **base}, [1.0] * len(self._times))

    def _made(self, labels: dict[str, str], values: list[float]) -> Series:
        return Series(dict(sorted(labels.items())), [round(at * 1000) for at in self._times], values)

    def now(self) -> float:
        """UTC epoch seconds."""
        return time.time()

    def names(self) -> list[str]:
        """Every metric name."""
        return ["http_requests_total", "up"]

    def series(self, name: str) -> list[Series]:
        """The series of a metric name."""
        return [series for series in self._series if series.labels["__name__"] == name]

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help by metric family."""
        return {"http_requests_total": Metadata("counter", "Answers, by status code.")}

    def targets(self) -> list[dict[str, object]]:
        """None are listed: what is scraped is read from `up`."""
        return []

    def warm(self) -> Iterator[None]:
        """Nothing has to be worked out ahead."""
        yield from ()
