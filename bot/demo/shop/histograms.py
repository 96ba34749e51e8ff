"""Latency histograms: lognormal observations counted into buckets, for all of an instance's routes or targets."""

import math
from functools import cache

from bot.demo.shop.book import Timeline, ticks_since
from bot.demo.shop.families import ROUTES_OF, TICK
from bot.demo.shop.layout import BUCKETS, SIGMA, targets
from bot.demo.shop.series import Metadata, Series
from bot.demo.shop.world import Called, Moment, Served

SERVER = "http_request_duration_seconds"
CLIENT = "http_client_request_duration_seconds"
HISTOGRAMS = {
    SERVER: Metadata("histogram", "Time to answer a request, in seconds."),
    CLIENT: Metadata("histogram", "Time that a call took, in seconds, by target."),
}
PARTS = ("bucket", "sum", "count")
STEPS = 100.0
"""Medians are rounded to steps of 1 %, so that their bucket shares can be kept."""


@cache
def shares(step: int) -> tuple[float, ...]:
    """The share of a lognormal below each bucket's bound, for the median exp(step / STEPS) seconds; the last is 1."""
    scale = SIGMA * math.sqrt(2.0)
    return (*(0.5 * math.erfc((step / STEPS - math.log(limit)) / scale) for limit in BUCKETS), 1.0)


class Histogram:
    """The histogram of one route or target on one instance; it is there in every scrape that finds the instance."""

    def __init__(self, family: str, timeline: Timeline, about: tuple[str, str], key: str) -> None:
        self.timeline = timeline
        self._key = timeline.instance, key
        self._client = family == CLIENT
        self._sum = 0.0
        self._totals: list[float] = []
        self._started = 0.0
        labels = {**timeline.labels, about[0]: about[1]}

        def series(part: str, **more: str) -> Series:
            return Series(dict(sorted({"__name__": f"{family}_{part}", **labels, **more}.items())), timeline.times)

        bounds = [*(str(limit) for limit in BUCKETS), "+Inf"]
        self.parts = {
            "bucket": [series("bucket", le=bound) for bound in bounds],
            "sum": [series("sum")],
            "count": [series("count")],
        }
        self._appends = [one.values.append for one in self.parts["bucket"]]

    def observe(self, moment: Moment, tick: int) -> None:
        """Counts what happened in a tick, as the scrape at its end sees it."""
        seen: Called | Served | None
        seen = moment.called.get(self._key) if self._client else moment.served.get(self._key)
        if seen is None:
            for one in (series for part in self.parts.values() for series in part):
                one.stale.append(self.timeline.at(tick))
            return
        number = seen.rate * TICK
        started = moment.conditions.started[self.timeline.instance]
        share = shares(round(math.log(seen.median) * STEPS))
        if not self._totals:
            number *= ticks_since(started, self.timeline.at(tick))
        if not self._totals or started != self._started:
            self._totals, self._sum, self._started = [0.0] * len(share), 0.0, started
        self._totals = [total + number * part for total, part in zip(self._totals, share, strict=True)]
        self._sum += number * seen.median * math.exp(SIGMA**2 / 2.0)
        for append, total in zip(self._appends, self._totals, strict=True):
            append(float(int(total)))
        self.parts["count"][0].values.append(float(int(self._totals[-1])))
        self.parts["sum"][0].values.append(round(self._sum, 4))


def histograms(family: str, timeline: Timeline) -> list[Histogram]:
    """The histograms of a family on an instance: by route on the server's side, by target on the client's."""
    name = timeline.service.name
    if family == CLIENT:
        return [Histogram(family, timeline, ("target", target), target) for target in targets(name)]
    return [Histogram(family, timeline, ("route", route.path), route.path) for route in ROUTES_OF[name]]
