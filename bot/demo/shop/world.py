"""One moment of the shop: load runs down the call graph, latency and errors come back up."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.demo.shop.conditions import DAY, Conditions
from bot.demo.shop.layout import (
    DATABASES,
    DEFAULT_TIMEOUT,
    EDGE_RATE,
    ENTRY,
    EXTERNAL,
    ROUTES,
    SERVICES,
    SIGMA,
    TIMEOUT,
    Call,
    Route,
)
from bot.demo.shop.noise import Noise

POOL_TIMEOUT = 3.0
BASE_ERRORS = 0.0006
NOT_FOUND = 0.012
SELDOM = 1e-5
"""Errors less frequent than this do not happen."""
Key = tuple[str, str]


class Served(NamedTuple):
    """What an instance did on a route: requests per second, median seconds, share by status code."""

    rate: float
    median: float
    codes: dict[str, float]


class Called(NamedTuple):
    """What an instance asked of a target: calls per second, median seconds, share that failed."""

    rate: float
    median: float
    failed: float


@dataclass
class Moment:
    """The shop's state over one tick: everything that the metrics and logs are made from."""

    conditions: Conditions
    load: dict[Key, float]
    served: dict[Key, Served] = field(default_factory=dict)
    called: dict[Key, Called] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    pool: dict[str, tuple[int, int]] = field(default_factory=dict)
    outcome: dict[Key, tuple[float, dict[str, float]]] = field(default_factory=dict)
    queue: float = 0.0

    def alive(self, service: str) -> tuple[str, ...]:
        """The instances that are up."""
        names, down = SERVICES[service].names, self.conditions.down
        return tuple(name for name in names if name not in down) if down else names


def traffic(noise: Noise, tick: int, conditions: Conditions) -> float:
    """Requests per second at the edge: a daily rhythm that peaks at 18:00 UTC, a slow wander, and small noise."""
    rhythm = 1.0 + 0.2 * math.cos(2.0 * math.pi * (conditions.time / DAY - 0.75))
    wander = 1.0 + 0.05 * noise.drift("traffic", tick, 40) + 0.04 * (noise.uniform("traffic.fine", tick) - 0.5)
    return EDGE_RATE * rhythm * wander * conditions.traffic


def loads(edge: float, conditions: Conditions) -> dict[Key, float]:
    """Requests per second of every route, from the edge down."""
    load: dict[Key, float] = {("edge", path): edge * share for path, share in ENTRY.items()}
    for route in ROUTES:
        rate = load.setdefault(route.key, 0.0)
        missed = 1.0 - conditions.hits if route.service == "catalogue" else 1.0
        for call in route.calls:
            key = call.target, call.path
            load[key] = load.get(key, 0.0) + rate * call.times * missed
    return load


def tail(limit: float, median: float) -> float:
    """The share of a lognormal latency that lies beyond `limit` seconds."""
    return 0.5 * math.erfc(math.log(limit / median) / (SIGMA * math.sqrt(2.0)))


class World:
    """Works the moments out, one tick after the other; only the mail queue remembers the tick before."""

    def __init__(self, noise: Noise, tick_seconds: float) -> None:
        self._noise = noise
        self._seconds = tick_seconds
        self._queue = 3.0

    def moment(self, tick: int, conditions: Conditions) -> Moment:
        """The state at a tick under given conditions."""
        load = loads(traffic(self._noise, tick, conditions), conditions)
        moment = Moment(conditions, load)
        self._mails(moment)
        busy = {name: self._utilisation(moment, name) for name in SERVICES}
        for route in reversed(ROUTES):
            self._work(moment, route, tick, busy.get(route.service, 0.0))
        for name, service in SERVICES.items():
            for instance in moment.alive(name):
                cap = service.cores * (1.0 - 0.8 * conditions.throttled.get(instance, 0.0))
                used = 0.015 + busy[name] * service.cores * (0.97 + 0.06 * self._noise.uniform(f"cpu.{instance}", tick))
                moment.cpu[instance] = min(cap, used)
        return moment

    def _mails(self, moment: Moment) -> None:
        """Moves the mail queue: orders come in, the mailer takes what it can."""
        arriving = moment.load["checkout", "/checkouts"]
        able = 40.0 * moment.conditions.consumption * len(moment.alive("mailer"))
        sent = min(able, arriving + self._queue / self._seconds)
        self._queue = max(0.0, self._queue + (arriving - sent) * self._seconds)
        moment.queue = self._queue
        moment.load["mailer", "/mails"] = sent
        moment.load["mail-relay", "send"] = sent

    def _utilisation(self, moment: Moment, name: str) -> float:
        """The share of a service's CPU that its load asks for; above 1 when it cannot keep up."""
        service, up = SERVICES[name], len(moment.alive(name))
        asked = service.cost * sum(rate for (owner, _), rate in moment.load.items() if owner == name)
        return asked / (service.cores * up) if up else 0.0

    def _work(self, moment: Moment, route: Route, tick: int, busy: float) -> None:
        """One route's latency and errors, from its own work and its callees' outcomes."""
        service, conditions = route.service, moment.conditions
        jitter = 0.07 * self._noise.drift(f"own.{service}", tick, 24)
        jitter += 0.08 * (self._noise.uniform(f"own.{service}", tick) - 0.5)
        full = min(busy, 0.975)
        own = route.seconds * math.exp(jitter) * conditions.slow.get(service, 1.0) * (1.0 + full**4 / (1.0 - full))
        if service in EXTERNAL:
            moment.outcome[route.key] = own, {"502": BASE_ERRORS + conditions.fail.get(service, 0.0)}
            return
        errors = {"500": BASE_ERRORS, "503": max(0.0, 1.0 - 1.2 / busy) if busy > 1.2 else 0.0}
        waited = self._pool(moment, route, tick)
        own += waited
        errors["503"] += min(0.9, tail(POOL_TIMEOUT, waited)) if waited > 0.0 else 0.0
        below = 0.0
        for call in route.calls:
            below += self._ask(moment, route, call, errors)
        self._spread(moment, route, own, below, errors)

    def _ask(self, moment: Moment, route: Route, call: Call, errors: dict[str, float]) -> float:
        """One call: notes what the client saw, adds to the caller's errors; seconds it costs the caller."""
        median, codes = moment.outcome[call.target, call.path]
        limit = TIMEOUT.get(call.target, DEFAULT_TIMEOUT)
        late, failed = tail(limit, median), min(1.0, sum(p for code, p in codes.items() if code >= "500"))
        share = call.times * (1.0 - moment.conditions.hits if route.service == "catalogue" else 1.0)
        code = "500" if call.target in DATABASES else "502"
        errors[code] = errors.get(code, 0.0) + (1.0 - (1.0 - failed) ** share)
        errors["504"] = errors.get("504", 0.0) + (1.0 - (1.0 - late) ** share)
        up = moment.alive(route.service)
        for instance in up:
            rate = moment.load[route.key] * share / len(up)
            before = moment.called.get((instance, call.target))
            together = rate + (before.rate if before else 0.0)
            moment.called[instance, call.target] = Called(together, min(median, limit), min(1.0, failed + late))
        return share * min(median, limit)

    def _pool(self, moment: Moment, route: Route, tick: int) -> float:
        """Fills the service's connection pools; the seconds that a request waits for a connection."""
        service = SERVICES[route.service]
        if not service.pool:
            return 0.0
        database = SERVICES[service.database]
        median = moment.outcome[service.database, "query"][0]
        calls = sum(call.times for call in route.calls if call.target == service.database)
        rate = moment.load[route.key] * calls / max(1, len(moment.alive(service.name)))
        free = max(0.0, database.connections - 8 - moment.conditions.idle.get(database.name, 0)) / 4.0
        room = min(float(service.pool), free)
        for instance in moment.alive(service.name):
            wanted = service.pool * (0.16 + 0.14 * self._noise.uniform(f"pool.{instance}", tick)) + rate * median
            before = moment.pool.get(instance, (0, 0))
            used, pending = min(room, wanted), max(0.0, wanted - room) * 3.0
            moment.pool[instance] = max(before[0], round(used)), max(before[1], round(pending))
        short = max(0.0, 1.0 - room / (service.pool * 0.23 + rate * median))
        return 4.0 * short**2

    def _spread(self, moment: Moment, route: Route, own: float, below: float, errors: dict[str, float]) -> None:
        """Shares a route's work over its instances, and sums up what its callers see."""
        service, conditions = route.service, moment.conditions
        up, names = moment.alive(service), SERVICES[service].names
        if not up:
            moment.outcome[route.key] = 0.003, {"503": 1.0}
            return
        medians, failures = 0.0, 0.0
        for instance in up:
            median = own * conditions.slow.get(instance, 1.0) + below
            failing = conditions.fail.get(instance, 0.0) + conditions.fail.get(service, 0.0)
            codes = {code: p for code, p in errors.items() if p > SELDOM}
            codes["500"] = codes.get("500", 0.0) + failing
            total = sum(codes.values())
            if total > 1.0:
                codes = {code: p / total for code, p in codes.items()}
                total = 1.0
            medians += median / len(up)
            failures += total / len(up)
            if service in ("edge", "catalogue"):
                codes["404"] = NOT_FOUND * (1.0 - total)
            codes["200"] = 1.0 - sum(codes.values())
            moment.served[instance, route.path] = Served(moment.load[route.key] / len(up), median, codes)
        refused = 0.25 * (len(names) - len(up)) / len(names)
        moment.outcome[route.key] = medians, {"503": min(1.0, failures + refused)}
