"""The shop's services, routes and calls: what stands where, and what a healthy one costs."""

from dataclasses import dataclass
from functools import cache, cached_property

MIB = 2**20
GIB = 2**30
EXTERNAL = ("card-network", "mail-relay")
"""Targets of other companies: seen only from the client's side."""


@dataclass(frozen=True)
class Call:
    """What one request of a route asks of another service."""

    target: str
    path: str
    times: float = 1.0


@dataclass(frozen=True)
class Route:
    """One route of a service; `seconds` is its own median work without its calls."""

    service: str
    method: str
    path: str
    seconds: float
    calls: tuple[Call, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Service and path: the route's name in the call graph."""
        return self.service, self.path


@dataclass(frozen=True)
class Service:
    """One service; `cost` is CPU seconds per request, `pool` connections per instance, bytes for memory."""

    name: str
    instances: int
    version: str
    cost: float
    cores: float = 1.0
    memory: int = 300 * MIB
    memory_limit: int = GIB
    pool: int = 0
    database: str = ""
    connections: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The instances' names."""
        return tuple(f"{self.name}-{number}" for number in range(1, self.instances + 1))


SERVICES = {
    service.name: service
    for service in (
        Service("edge", 2, "v5.12.0", 0.0011, cores=0.5, memory=180 * MIB, memory_limit=512 * MIB),
        Service("catalogue", 2, "v3.41.2", 0.0045, pool=12, database="catalogue-db", memory=420 * MIB),
        Service("basket", 2, "v2.8.5", 0.0040, cores=0.5, memory=350 * MIB),
        Service("checkout", 2, "v7.2.1", 0.0100, cores=0.5, pool=16, database="orders-db", memory=460 * MIB),
        Service("payments", 2, "v4.19.0", 0.0110, cores=0.5, pool=10, database="orders-db", memory=390 * MIB),
        Service("stock", 1, "v1.33.4", 0.0120, cores=0.5, pool=10, database="catalogue-db", memory=310 * MIB),
        Service("mailer", 1, "v0.9.7", 0.0060, cores=0.5, memory=150 * MIB, memory_limit=512 * MIB),
        Service("orders-db", 1, "14.9", 0.0035, cores=1.0, memory=2 * GIB, memory_limit=4 * GIB, connections=120),
        Service("catalogue-db", 1, "14.9", 0.0090, cores=1.0, memory=GIB, memory_limit=2 * GIB, connections=100),
    )
}
DATABASES = tuple(name for name, service in SERVICES.items() if service.connections)
ROUTES = (
    Route("edge", "GET", "/", 0.004),
    Route("edge", "GET", "/api/products", 0.005, (Call("catalogue", "/products"),)),
    Route("edge", "POST", "/api/basket", 0.005, (Call("basket", "/baskets"),)),
    Route("edge", "POST", "/api/checkout", 0.006, (Call("checkout", "/checkouts"),)),
    Route("checkout", "POST", "/checkouts", 0.022, (
        Call("basket", "/baskets"), Call("stock", "/reservations"), Call("payments", "/charges"),
        Call("orders-db", "query", 2.0),
    )),
    Route("basket", "POST", "/baskets", 0.009, (Call("catalogue", "/prices"),)),
    Route("payments", "POST", "/charges", 0.016, (Call("card-network", "authorize"), Call("orders-db", "query"))),
    Route("stock", "POST", "/reservations", 0.010, (Call("catalogue-db", "query", 2.0),)),
    Route("mailer", "POST", "/mails", 0.015, (Call("mail-relay", "send"),)),
    Route("catalogue", "GET", "/products", 0.014, (Call("catalogue-db", "query", 2.0),)),
    Route("catalogue", "GET", "/prices", 0.008, (Call("catalogue-db", "query", 1.0),)),
    Route("orders-db", "", "query", 0.003),
    Route("catalogue-db", "", "query", 0.004),
    Route("card-network", "", "authorize", 0.085),
    Route("mail-relay", "", "send", 0.140),
)  # fmt: skip
"""In calling order: a route's callees stand below it."""
ENTRY = {"/": 0.22, "/api/products": 0.43, "/api/basket": 0.26, "/api/checkout": 0.09}
"""The edge's share of requests by route."""
EDGE_RATE = 110.0
"""Requests per second at the edge on an average hour."""
TIMEOUT = {"card-network": 5.0, "mail-relay": 10.0}
DEFAULT_TIMEOUT = 3.0
SIGMA = 0.45
"""Latencies are lognormal: ln of seconds has this deviation."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@cache
def by_key() -> dict[tuple[str, str], Route]:
    """Every route under its name in the call graph."""
    return {route.key: route for route in ROUTES}


@cache
def callers(service: str) -> tuple[str, ...]:
    """The services that call one, directly or not, nearest first."""
    found: list[str] = []
    asked = [service]
    while asked:
        target = asked.pop(0)
        for route in ROUTES:
            if any(call.target == target for call in route.calls) and route.service not in found:
                found.append(route.service)
                asked.append(route.service)
    return tuple(found)


@cache
def targets(service: str) -> tuple[str, ...]:
    """What a service calls itself."""
    return tuple(dict.fromkeys(call.target for route in ROUTES if route.service == service for call in route.calls))


def instances() -> list[tuple[str, Service]]:
    """Every instance's name with its service."""
    return [(name, service) for service in SERVICES.values() for name in service.names]
