"""The metric families: which rows an instance shows at a moment."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.demo.shop.layout import GIB, SERVICES, Service, targets
from bot.demo.shop.layout import ROUTES as LAYOUT_ROUTES
from bot.demo.shop.noise import Noise
from bot.demo.shop.world import Moment

Extra = tuple[tuple[str, str], ...]
Row = tuple[Extra, float]
TICK = 15.0
"""Seconds between two scrapes."""
CPU_PERIODS = 10.0
"""Scheduler periods per second (100 ms each)."""


@dataclass(slots=True)
class View:
    """One instance; a recorder moves it from moment to moment."""

    moment: Moment
    service: Service
    instance: str
    tick: int
    noise: Noise

    def uniform(self, stream: str) -> float:
        """A number in [0, 1) of the instance's own."""
        return self.noise.uniform(f"{stream}.{self.instance}", self.tick)


@dataclass(frozen=True)
class Family:
    """A metric: its rows are values for a gauge, this tick's increments for a counter."""

    name: str
    type: str
    help: str
    rows: Callable[[View], Iterable[Row]]
    whole: bool = True
    changing: bool = False


def requests(view: View) -> Iterable[Row]:
    """Requests by route and status code."""
    for route in ROUTES_OF[view.service.name]:
        served = view.moment.served.get((view.instance, route.path))
        if served is not None:
            for code, share in served.codes.items():
                yield (("method", route.method), ("route", route.path), ("code", code)), served.rate * share * TICK


def client_failures(view: View) -> Iterable[Row]:
    """Failed calls by target."""
    for target in TARGETS_OF[view.service.name]:
        called = view.moment.called.get((view.instance, target))
        if called is not None:
            yield (("target", target),), called.rate * called.failed * TICK


def memory(view: View) -> Iterable[Row]:
    """Resident memory."""
    share = view.moment.conditions.memory.get(view.instance)
    used = view.service.memory if share is None else share * view.service.memory_limit
    wander = 1.0 + 0.015 * view.noise.drift(f"memory.{view.instance}", view.tick, 30) if share is None else 1.0
    yield (), float(int(used * wander))


def throttled(view: View) -> Iterable[Row]:
    """Scheduler periods in which the instance was held back."""
    share = view.moment.conditions.throttled.get(view.instance, 0.0)
    yield (), TICK * CPU_PERIODS * max(share, 0.004 * view.uniform("throttled"))


def build(view: View) -> Iterable[Row]:
    """The version that runs."""
    version = view.moment.conditions.version[view.instance]
    revision = view.noise.random(f"{view.service.name}{version}").getrandbits(28)
    yield (("version", version), ("revision", f"{revision:07x}")), 1.0


def pool(which: int) -> Callable[[View], Iterable[Row]]:
    """Rows of a connection pool: 0 for those in use, 1 for those who wait."""

    def rows(view: View) -> Iterable[Row]:
        if view.service.pool:
            state = view.moment.pool.get(view.instance, (0, 0))
            yield (("pool", view.service.database),), float(state[which])

    return rows


def pool_max(view: View) -> Iterable[Row]:
    """The size of a connection pool."""
    if view.service.pool:
        yield (("pool", view.service.database),), float(view.service.pool)


def connections(view: View) -> Iterable[Row]:
    """A database's connections by state."""
    if view.service.connections:
        name = view.service.name
        stuck = view.moment.conditions.idle.get(name, 0)
        rate, median = view.moment.load[name, "query"], view.moment.outcome[name, "query"][0]
        active = min(view.service.connections - stuck - 3, 2 + int(rate * median + 4 * view.uniform("active")))
        pooled = sum(s.pool * s.instances for s in SERVICES.values() if s.database == name)
        for state, count in (
            ("active", active),
            ("idle", max(0, min(pooled, view.service.connections - stuck - 3) - active)),
            ("idle in transaction", stuck + int(2 * view.uniform("idle"))),
        ):
            yield (("state", state), ("datname", name.partition("-")[0])), float(max(0, count))


def connections_max(view: View) -> Iterable[Row]:
    """A database's limit of connections."""
    if view.service.connections:
        yield (), float(view.service.connections)


def commits(view: View) -> Iterable[Row]:
    """A database's transactions."""
    if view.service.connections:
        failing = view.moment.conditions.fail.get(view.service.name, 0.0)
        rate = view.moment.load[view.service.name, "query"] * (1.0 - failing)
        yield (("datname", view.service.name.partition("-")[0]),), rate * TICK


def disk_size(view: View) -> Iterable[Row]:
    """The size of a database's disk."""
    if view.service.connections:
        yield DISK, 200.0 * GIB


def disk_free(view: View) -> Iterable[Row]:
    """What is left of a database's disk."""
    if view.service.connections:
        share = view.moment.conditions.disk.get(view.service.name)
        usual = 0.46 + 0.004 * view.noise.drift(f"disk.{view.instance}", view.tick, 120)
        yield DISK, float(int(200.0 * GIB * (usual if share is None else share)))


def cache_ratio(view: View) -> Iterable[Row]:
    """The share of reads that the cache answered."""
    if view.service.name == "catalogue":
        yield (), round(view.moment.conditions.hits + 0.02 * (view.uniform("cache") - 0.5), 4)


def cache_reads(view: View) -> Iterable[Row]:
    """Reads of the cache by result."""
    if view.service.name == "catalogue":
        moment = view.moment
        reads = sum(served.rate for (instance, _), served in moment.served.items() if instance == view.instance)
        yield (("result", "hit"),), reads * moment.conditions.hits * TICK
        yield (("result", "miss"),), reads * (1.0 - moment.conditions.hits) * TICK


def queue(view: View) -> Iterable[Row]:
    """Messages that wait."""
    if view.service.name == "mailer":
        yield (("queue", "order-mails"),), float(int(view.moment.queue + 3 * view.uniform("queue")))


def certificate(view: View) -> Iterable[Row]:
    """When the served certificate ends."""
    if view.service.name == "edge":
        yield (("target", "shop.example"),), float(int(view.moment.conditions.certificate))


DISK = (("device", "/dev/vdb"), ("mountpoint", "/var/lib/postgresql"))
ROUTES_OF = {name: [r for r in LAYOUT_ROUTES if r.service == name and r.method] for name in SERVICES}
TARGETS_OF = {name: targets(name) for name in SERVICES}
FAMILIES = (
    Family("http_requests_total", "counter", "Requests served, by route and status code.", requests),
    Family("http_client_failures_total", "counter", "Calls that failed or timed out, by target.", client_failures),
    Family("process_cpu_seconds_total", "counter", "CPU time used, in seconds.",
           lambda view: [((), view.moment.cpu[view.instance] * TICK)], whole=False),
    Family("container_spec_cpu_cores", "gauge", "CPU limit, in cores.", lambda view: [((), view.service.cores)]),
    Family("container_cpu_cfs_periods_total", "counter", "Scheduler periods elapsed.",
           lambda view: [((), TICK * CPU_PERIODS)]),
    Family("container_cpu_cfs_throttled_periods_total", "counter", "Scheduler periods throttled.", throttled),
    Family("process_resident_memory_bytes", "gauge", "Resident memory, in bytes.", memory),
    Family("container_spec_memory_limit_bytes", "gauge", "Memory limit, in bytes.",
           lambda view: [((), float(view.service.memory_limit))]),
    Family("process_start_time_seconds", "gauge", "Start of the process since the epoch, in seconds.",
           lambda view: [((), round(view.moment.conditions.started[view.instance], 2))]),
    Family("app_build_info", "gauge", "Version and revision that run; always 1.", build, changing=True),
    Family("db_pool_in_use", "gauge", "Connections of the pool in use.", pool(0)),
    Family("db_pool_pending", "gauge", "Requests that wait for a connection of the pool.", pool(1)),
    Family("db_pool_max", "gauge", "Size of the pool.", pool_max),
    Family("pg_stat_activity_count", "gauge", "Database connections, by state.", connections),
    Family("pg_settings_max_connections", "gauge", "Limit of database connections.", connections_max),
    Family("pg_stat_database_xact_commit_total", "counter", "Transactions committed.", commits),
    Family("node_filesystem_size_bytes", "gauge", "Size of the file system, in bytes.", disk_size),
    Family("node_filesystem_avail_bytes", "gauge", "Room left in the file system, in bytes.", disk_free),
    Family("cache_hit_ratio", "gauge", "Share of reads answered by the cache.", cache_ratio),
    Family("cache_reads_total", "counter", "Reads of the cache, by result.", cache_reads),
    Family("queue_depth", "gauge", "Messages that wait in a queue.", queue),
    Family("probe_ssl_earliest_cert_expiry", "gauge", "End of the certificate since the epoch, in seconds.",
           certificate),
)  # fmt: skip
