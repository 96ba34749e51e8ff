"""A small made system behind a SeriesStore: real PromQL over samples in memory."""

import builtins
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.check.promql import check_query
from bot.demo.shop.series import Series as Kept
from bot.demo.vendors.evaluator import Evaluation
from bot.demo.vendors.promql import parse
from bot.demo.vendors.storage import Storage
from bot.domain.errors import SourceRefused
from bot.domain.series import Metric, Series, SeriesAnswer
from bot.domain.sources import Health, Instance, Sources
from bot.domain.tools import Desk
from bot.domain.window import Window, last

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Value = Callable[[float], float | None]
"""A sample at some seconds before now (negative); None is no sample."""


@dataclass
class World:
    """Samples every `step` seconds over `minutes`; `refused` queries fail when they hold that text."""

    step: float = 15.0
    minutes: float = 120.0
    refused: str = "\0"
    kept: dict[str, list[Kept]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)

    def gauge(self, name: str, value: Value | float, **labels: str) -> None:
        """Add a gauge."""
        function = value if callable(value) else lambda ago, steady=value: steady
        times = [-self.minutes * 60 + n * self.step for n in range(int(self.minutes * 60 / self.step) + 1)]
        pairs = [(ago, got) for ago in times if (got := function(ago)) is not None]
        now = NOW.timestamp()
        stamps = [round((now + ago) * 1000) for ago, _ in pairs]
        kept = Kept(dict(sorted({"__name__": name, **labels}.items())), stamps, array("d", (v for _, v in pairs)))
        self.kept.setdefault(name, []).append(kept)

    def counter(self, name: str, rate: Callable[[float], float] | float, **labels: str) -> None:
        """Add a counter by its rate per second."""
        per_second = rate if callable(rate) else lambda ago, steady=rate: steady
        total = 0.0

        def grown(ago: float) -> float:
            nonlocal total
            total += per_second(ago) * self.step
            return total

        self.gauge(name, grown, **labels)
        self.types[name] = "counter"

    async def range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        """PromQL over a window, on a grid that is aligned to the step."""
        first, width = round(window.start.timestamp() // step * step * 1000), round(step * 1000)
        return self._evaluate(query, range(first, round(window.end.timestamp() * 1000) + 1, width), step)

    async def instant(self, query: str, at: datetime) -> SeriesAnswer:
        """PromQL at a moment."""
        return self._evaluate(query, range(round(at.timestamp() * 1000), round(at.timestamp() * 1000) + 1), 0.0)

    def _evaluate(self, query: str, times: builtins.range, step: float) -> SeriesAnswer:
        check_query(query)
        self.queries.append(query)
        if self.refused in query:
            raise SourceRefused("execution: too many samples")
        found = []
        for row in Evaluation(Storage(self), times).vector(parse(query)):
            pairs = [(t / 1000, v) for t, v in zip(times, row.column, strict=True) if v is not None]
            found.append(Series(dict(row.labels), tuple(t for t, _ in pairs), tuple(v for _, v in pairs)))
        return SeriesAnswer(tuple(s for s in found if s.times), query, step)

    async def metrics(self, words: str = "", limit: int = 50) -> tuple[Metric, ...]:
        """Every metric."""
        return tuple(Metric(name, self.types.get(name, "unknown")) for name in sorted(self.kept))[:limit]

    async def label_sets(self, selector: str, window: Window, limit: int = 500) -> tuple[Mapping[str, str], ...]:
        """The label sets of one metric."""
        return tuple(one.labels for one in self.kept.get(selector, ()))[:limit]

    def names(self) -> list[str]:
        """For the storage."""
        return sorted(self.kept)

    def series(self, name: str) -> list[Kept]:
        """For the storage."""
        return self.kept.get(name, [])


async def _well() -> Health:
    return Health(True)


def desk(*worlds: World, minutes: float = 60) -> Desk:
    """A desk over some worlds, each an environment of its own."""
    instances = (Instance(f"prom-{n}", "prometheus", f"env{n}", _well, series=w) for n, w in enumerate(worlds, 1))
    return Desk(Sources(tuple(instances)), last(timedelta(minutes=minutes), NOW), NOW)


def bistro(world: World | None = None, *, fails_since: float = -1.0, fills_since: float = -1.0) -> World:
    """waiter → kitchen → (supplier, not watched), and a larder the kitchen reads; faults begin some seconds ago."""
    made = world or World()

    def failing(share: float, ago: float) -> float:
        return share * (8.0 if ago >= -fails_since else 0.01)

    def used(ago: float) -> float:
        return 30.0 + (min(1.0, (ago + fills_since) / 300) * 70 if ago >= -fills_since else ago % 3)

    for service, share in (("waiter", 0.5), ("kitchen", 1.0)):
        labels = {"unit": service, "instance": f"{service}-1", "job": "bistro"}
        made.gauge("up", 1.0, **labels)
        made.counter("dishes_total", 20.0, **labels, outcome="served")
        made.counter("dishes_total", partial(failing, share), **labels, outcome="error")
        made.counter("dish_seconds_count", 20.0, **labels)
        made.counter("dish_seconds_sum", lambda ago: 2.0 + 0.02 * (ago % 60) / 60, **labels)
    for caller, callee in (("waiter", "kitchen"), ("kitchen", "larder"), ("kitchen", "supplier")):
        labels = {"unit": caller, "instance": f"{caller}-1", "job": "bistro", "asked": callee}
        made.counter("ask_seconds_count", 20.0, **labels)
        made.counter("ask_seconds_sum", 1.0, **labels)
    larder = {"unit": "larder", "instance": "larder-1", "job": "bistro"}
    made.gauge("up", 1.0, **larder)
    made.gauge("shelf_slots_used", used, **larder)
    made.gauge("shelf_slots_max", 100.0, **larder)
    for name in ("dish_seconds_count", "ask_seconds_count", "dish_seconds_sum", "ask_seconds_sum"):
        made.types[name] = "histogram"
    return made
