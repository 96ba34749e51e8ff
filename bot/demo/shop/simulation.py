"""The simulated shop: a seeded story of load, deploys and at most one fault, told up to the present."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.demo.shop.conditions import DAY, Conditions, calm
from bot.demo.shop.families import TICK, View
from bot.demo.shop.faults import Fault, Truth, choose, next_version
from bot.demo.shop.layout import SERVICES, instances
from bot.demo.shop.logs import LogLine, lines
from bot.demo.shop.noise import Noise
from bot.demo.shop.recorder import Recorder
from bot.demo.shop.series import Metadata, Series
from bot.demo.shop.world import Moment, World
from bot.domain.window import Window

HISTORY = 6.5 * 3600.0
"""Seconds that can be looked back from the first moment on."""

SLICE = 100
"""Moments that are worked out in one step of warming up."""


@dataclass(frozen=True)
class Deploy:
    """A harmless rollout."""

    service: str
    version: str
    at: float


class Shop:
    """A shop that can be watched. `now` gives UTC epoch seconds; the rest is in seconds.

    The fault is `started_ago` old (by default 6 to 25 minutes, by the seed) and over if it `lasted` less than that.
    The same seed, fault and first `now` always give the same samples. Raises ValueError for an unknown fault.
    """

    def __init__(
        self,
        seed: int,
        fault: str,
        now: Callable[[], float] = time.time,
        started_ago: float | None = None,
        *,
        lasted: float | None = None,
        history: float = HISTORY,
    ) -> None:
        self.seed = seed
        self.now = now
        self.noise = Noise(seed)
        began = now()
        self.fault: Fault | None = choose(fault, self.noise.random("fault"), began, started_ago, lasted)
        self.origin = math.floor((began - history) / TICK)
        random = self.noise.random("story")
        self._began = {name: began - random.uniform(3.0, 9.0) * DAY for name, _ in instances()}
        self._certificate = began + random.uniform(40.0, 80.0) * DAY
        self.deploys = self._decoys(began)
        self.moments: list[Moment] = []
        self._world = World(self.noise, TICK)
        self._recorder = Recorder(self.noise, self.origin, self.moments)

    @property
    def truth(self) -> Truth | None:
        """What is really wrong; None if nothing is."""
        return self.fault.truth if self.fault else None

    def _decoys(self, began: float) -> tuple[Deploy, ...]:
        """Two harmless rollouts: one hours ago, one shortly before the fault, never of the service at fault."""
        random = self.noise.random("decoys")
        around = self.fault.since if self.fault else began - random.uniform(600.0, 1500.0)
        names = [s for s in SERVICES if not SERVICES[s].connections and (not self.fault or s != self.fault.service)]
        old, fresh = random.sample(names, 2)
        return (
            Deploy(old, next_version(old), began - random.uniform(1.5, 5.0) * 3600.0),
            Deploy(fresh, next_version(fresh), around - random.uniform(120.0, 600.0)),
        )

    def conditions(self, at: float) -> Conditions:
        """The circumstances at a time."""
        conditions = calm(at, self._began, self._certificate)
        for deploy in self.deploys:
            conditions.deploy(deploy.service, deploy.version, deploy.at)
        if self.fault:
            self.fault.apply(conditions)
        return conditions

    def advance(self, most: int | None = None) -> int:
        """Works out the moments up to the last scrape that every instance has had by now.

        At most `most` of them; gives the number of those that are left.
        """
        first, last = self.origin + len(self.moments), math.floor(self.now() / TICK) - 1
        end = last + 1 if most is None else min(last + 1, first + most)
        for tick in range(first, end):
            self.moments.append(self._world.moment(tick, self.conditions(tick * TICK)))
        return max(0, last + 1 - end)

    def warm(self) -> Iterator[None]:
        """Works the history out ahead of the first question, a little at each step."""
        while self.advance(SLICE):
            yield
        for name in self.names():
            self.series(name)
            yield

    def targets(self) -> list[dict[str, object]]:
        """The scrape targets in the Prometheus API's shape, as the last scrape found them."""
        self.advance()
        return self._recorder.targets()

    def logs(self, service: str, window: Window) -> list[LogLine]:
        """A service's log lines in a window, in order of time; nothing for an unknown service or time."""
        self.advance()
        if service not in SERVICES:
            return []
        start, end = window.start.timestamp(), window.end.timestamp()
        first = max(self.origin, math.floor(start / TICK))
        found: list[LogLine] = []
        for tick in range(first, min(self.origin + len(self.moments), math.floor(end / TICK) + 2)):
            moment = self.moments[tick - self.origin]
            for name in SERVICES[service].names:
                view = View(moment, SERVICES[service], name, tick, self.noise)
                found.extend(lines(view, self.fault, tick * TICK))
        return sorted((line for line in found if start <= line.at < end), key=lambda line: line.at)

    def names(self) -> list[str]:
        """Every metric name."""
        return self._recorder.names()

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help by metric family."""
        return self._recorder.metadata

    def series(self, name: str) -> list[Series]:
        """The series of a metric name up to now; they grow in place as time goes on."""
        self.advance()
        return self._recorder.series(name)
