"""The faults: what each does to the shop as it grows older, and what is true about it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.demo.shop.conditions import DAY, HEALTHY_HITS, Conditions
from bot.demo.shop.layout import SERVICES

Effect = Callable[["Fault", Conditions, float], None]


@dataclass(frozen=True)
class Truth:
    """What is really wrong: `since` and `until` are UTC epoch seconds, `until` None while it lasts."""

    service: str
    signal: str
    since: float
    fault: str
    cause: str
    fix: str
    until: float | None = None
    alerts: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    promql: tuple[tuple[str, str], ...] = ()
    dependency: str | None = None
    harmless: bool = False


@dataclass(frozen=True)
class Kind:
    """A sort of fault: whom it may strike, how old it is when the story begins (minutes), and its effect."""

    about: str
    signal: str
    victims: tuple[str, ...]
    minutes: tuple[float, float]
    effect: Effect
    cause: str
    fix: str
    alerts: tuple[str, ...]
    symptoms: tuple[str, ...] = ()
    promql: tuple[tuple[str, str], ...] = ()
    dependency: str | None = None
    harmless: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault that strikes a service from `since` on, until `until` if that is given (epoch seconds)."""

    name: str
    service: str
    since: float
    until: float | None
    strength: float

    def apply(self, conditions: Conditions) -> None:
        """Changes the conditions as the fault does at their time."""
        if self.lasts(conditions.time):
            KINDS[self.name].effect(self, conditions, conditions.time - self.since)
        elif self.until is not None and conditions.time >= self.until:
            self._mend(conditions, self.until)

    def lasts(self, at: float) -> bool:
        """Whether it is at work at a time."""
        return self.since <= at and (self.until is None or at < self.until)

    def _mend(self, conditions: Conditions, until: float) -> None:
        """What the remedy leaves behind: a rollback or a restart."""
        if self.name in ("bad_deploy", "memory_leak"):
            conditions.deploy(self.service, SERVICES[self.service].version, until)

    @property
    def truth(self) -> Truth:
        """What is true about it."""
        kind, words = KINDS[self.name], {"service": self.service, "version": next_version(self.service)}
        return Truth(
            self.service, kind.signal, self.since, self.name,
            kind.cause.format(**words), kind.fix.format(**words), self.until, kind.alerts, kind.symptoms,
            tuple((query.replace("SERVICE", self.service), test) for query, test in kind.promql),
            kind.dependency, kind.harmless,
        )  # fmt: skip


def next_version(service: str) -> str:
    """The version after the current one: its middle number goes up."""
    major, minor, *_ = SERVICES[service].version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def ramp(age: float, seconds: float) -> float:
    """0 at the start, 1 after `seconds`."""
    return min(1.0, age / seconds)


def bad_deploy(fault: Fault, conditions: Conditions, age: float) -> None:
    """The new version fails on part of its requests, on each instance from its restart on."""
    version = next_version(fault.service)
    conditions.deploy(fault.service, version, fault.since)
    for name in SERVICES[fault.service].names:
        if conditions.version[name] == version:
            conditions.fail[name] = 0.25 + 0.2 * fault.strength


def db_pool_exhaustion(fault: Fault, conditions: Conditions, age: float) -> None:
    """A job leaves transactions open until nobody else gets a connection."""
    limit = SERVICES[fault.service].connections
    conditions.idle[fault.service] = int((limit - 12 + 4 * fault.strength) * ramp(age, 210.0))


def memory_leak(fault: Fault, conditions: Conditions, age: float) -> None:
    """One instance grows to its limit, slows down, is killed, comes back after a minute, and grows again."""
    victim, cycle, dead = SERVICES[fault.service].names[0], 420.0, 60.0
    turn, inside = divmod(age, cycle + dead)
    begin = fault.since + turn * (cycle + dead)
    if turn:
        conditions.started[victim] = begin
    if inside >= cycle:
        conditions.down.add(victim)
        return
    low = SERVICES[fault.service].memory / SERVICES[fault.service].memory_limit
    share = low + (0.995 - low) * inside / cycle
    conditions.memory[victim] = share
    conditions.slow[victim] = 1.0 + 5.0 * max(0.0, share - 0.8) / 0.2


def disk_full(fault: Fault, conditions: Conditions, age: float) -> None:
    """Write-ahead logs fill the disk; when nothing is left, writes fail."""
    free = max(0.0, 0.38 * (1.0 - ramp(age, 480.0 + 60.0 * fault.strength)))
    conditions.disk[fault.service] = free
    if free == 0.0:
        conditions.fail[fault.service] = 0.75


def traffic_spike(fault: Fault, conditions: Conditions, age: float) -> None:
    """A campaign multiplies the traffic within a minute and a half."""
    conditions.traffic = 1.0 + (5.0 + fault.strength) * ramp(age, 90.0)


def slow_dependency(fault: Fault, conditions: Conditions, age: float) -> None:
    """The card network answers in seconds."""
    conditions.slow["card-network"] = 1.0 + (24.0 + 8.0 * fault.strength) * ramp(age, 45.0)


def cert_expiry(fault: Fault, conditions: Conditions, age: float) -> None:
    """The renewal failed: the certificate now has less than a week left."""
    conditions.certificate = fault.since + 7 * DAY


def flapping(fault: Fault, conditions: Conditions, age: float) -> None:
    """The cache is swept each four minutes; the hit ratio dips below its alert's threshold and comes back."""
    if age % 240.0 < 90.0:
        conditions.hits = 0.71


def cpu_throttle(fault: Fault, conditions: Conditions, age: float) -> None:
    """A neighbour takes the host's CPU: the instances are throttled, and slow at the same load."""
    for name in SERVICES[fault.service].names:
        conditions.throttled[name] = (0.72 + 0.1 * fault.strength) * ramp(age, 30.0)
        conditions.slow[name] = 1.0 + (45.0 + 15.0 * fault.strength) * ramp(age, 30.0)


def cache_collapse(fault: Fault, conditions: Conditions, age: float) -> None:
    """A key change empties the cache: nearly every read goes to the database."""
    conditions.hits = HEALTHY_HITS - (HEALTHY_HITS - 0.06) * ramp(age, 20.0)


def queue_backlog(fault: Fault, conditions: Conditions, age: float) -> None:
    """The consumer has slowed to a crawl, and its queue grows; nobody who shops notices."""
    conditions.consumption = 0.04
    conditions.slow[fault.service] = 20.0


ERRORS = 'sum(rate(http_requests_total{service="SERVICE",code=~"5.."}[2m])) / sum(rate(http_requests_total{service="SERVICE"}[2m]))'  # noqa: E501
KINDS: dict[str, Kind] = {
    "bad_deploy": Kind(
        "a new version fails on about a third of its requests", "errors",
        ("payments", "stock", "basket", "catalogue"), (6, 25), bad_deploy,
        "{service} {version}, just rolled out, fails on about a third of its requests",
        "roll {service} back to the version before", ("HighErrorRate",), ("HighErrorRate", "InstanceRestarted"),
        ((ERRORS, "> 0.15"), ('count(count by (version) (app_build_info{service="SERVICE"} offset 26m or app_build_info{service="SERVICE"}))', "> 1")),  # noqa: E501
    ),
    "db_pool_exhaustion": Kind(
        "a reporting job leaves transactions open until a database has no connection left", "connections",
        ("orders-db", "catalogue-db"), (8, 25), db_pool_exhaustion,
        "idle transactions of a reporting job use up the connections of {service}",
        "end the reporting job and its idle transactions", ("DatabaseConnectionsNearLimit",),
        ("PoolWaiters", "HighLatency", "HighErrorRate"),
        (('sum(pg_stat_activity_count{service="SERVICE"}) / sum(pg_settings_max_connections{service="SERVICE"})', "> 0.85"),),  # noqa: E501
    ),
    "memory_leak": Kind(
        "an instance leaks memory, is killed at its limit, restarts, and leaks again", "memory",
        ("basket", "catalogue", "stock"), (9, 25), memory_leak,
        "{service} leaks memory and is killed at its limit, over and over",
        "roll {service} back or raise its memory limit", ("MemoryNearLimit", "InstanceDown"),
        ("HighErrorRate", "InstanceRestarted", "InstanceRestartsOften", "HighLatency"),
        (('max_over_time((process_resident_memory_bytes{service="SERVICE"} / container_spec_memory_limit_bytes)[10m:15s])', "> 0.85"),),  # noqa: E501
    ),
    "disk_full": Kind(
        "write-ahead logs fill a database's disk until writes fail", "disk",
        ("orders-db", "catalogue-db"), (10, 25), disk_full,
        "an abandoned replication slot lets write-ahead logs fill the disk of {service}",
        "drop the abandoned replication slot of {service}", ("DiskWillFillSoon", "DiskAlmostFull"), ("HighErrorRate",),
        (('min(node_filesystem_avail_bytes{service="SERVICE"} / node_filesystem_size_bytes)', "< 0.1"),),
    ),
    "traffic_spike": Kind(
        "a campaign brings six times the usual traffic", "traffic",
        ("edge",), (6, 25), traffic_spike,
        "a campaign brings six times the usual traffic to {service}; catalogue and its database saturate",
        "limit the rate at {service}, or scale catalogue and its database out", ("TrafficSpike",),
        ("HighCpu", "HighLatency", "HighErrorRate", "PoolWaiters"),
        (('sum(rate(http_requests_total{service="edge"}[2m])) / sum(rate(http_requests_total{service="edge"}[2m] offset 40m))', "> 3"),),  # noqa: E501
    ),
    "slow_dependency": Kind(
        "the card network of another company answers in seconds", "latency",
        ("payments",), (6, 25), slow_dependency,
        "the external card-network answers {service} in seconds instead of 0.1 s",
        "fail over to the second card network", ("HighLatency",), ("HighLatency", "HighErrorRate"),
        (('histogram_quantile(0.5, sum by (le) (rate(http_client_request_duration_seconds_bucket{target="card-network"}[2m])))', "> 1"),),  # noqa: E501
        dependency="card-network",
    ),
    "cert_expiry": Kind(
        "the shop's certificate has less than a week left", "certificate",
        ("edge",), (6, 25), cert_expiry,
        "the certificate of {service} was not renewed and has less than 7 days left",
        "renew the certificate", ("CertificateExpiresSoon",), (),
        (("min(probe_ssl_earliest_cert_expiry) - time()", "< 604800"),),
    ),
    "flapping": Kind(
        "a cache alert that comes and goes and hurts nobody", "cache",
        ("catalogue",), (8, 25), flapping,
        "nothing that matters: the cache of {service} is swept each four minutes",
        "give the alert a longer `for`", ("CacheHitRatioLow",), (),
        (('min_over_time(cache_hit_ratio{service="SERVICE"}[10m])', "< 0.8"),), harmless=True,
    ),
    "cpu_throttle": Kind(
        "a noisy neighbour: a service is throttled and slow at its usual load", "cpu",
        ("catalogue", "stock", "basket", "checkout"), (6, 25), cpu_throttle,
        "a noisy neighbour takes the CPU of {service}: it is throttled and slow at its usual load",
        "move {service} to another host, or raise its CPU limit", ("CpuThrottled",), ("HighLatency",),
        (('sum(rate(container_cpu_cfs_throttled_periods_total{service="SERVICE"}[2m])) / sum(rate(container_cpu_cfs_periods_total{service="SERVICE"}[2m]))', "> 0.4"),),  # noqa: E501
    ),
    "cache_collapse": Kind(
        "a cache loses its keys and the database behind it saturates", "cache",
        ("catalogue",), (6, 25), cache_collapse,
        "the cache of {service} lost its keys; nearly every read goes to catalogue-db, which saturates",
        "restore the cache's key format, or warm the cache", ("CacheHitRatioLow",), ("HighCpu", "HighLatency"),
        (('avg(cache_hit_ratio{service="SERVICE"})', "< 0.3"),),
    ),
    "queue_backlog": Kind(
        "a consumer has slowed to a crawl and its queue grows", "queue",
        ("mailer",), (8, 25), queue_backlog,
        "{service} has slowed to a crawl, and the queue of order mails grows",
        "restart {service}", ("QueueBacklog",), ("HighLatency",), (("max(queue_depth)", "> 500"),),
    ),
}  # fmt: skip
FAULTS: dict[str, str] = {name: kind.about for name, kind in KINDS.items()} | {
    "none": "nothing is wrong",
    "random": "one of the others, by the seed",
}


def choose(name: str, random: Random, now: float, started_ago: float | None, lasted: float | None) -> Fault | None:
    """The fault of a story: its victim, its age and its strength by the seed; None for `none`.

    `started_ago` and `lasted` are seconds. Raises ValueError for a name that is not in `FAULTS`.
    """
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
    if name == "random":
        name = random.choice(sorted(KINDS))
    if name == "none":
        return None
    kind = KINDS[name]
    service, minutes, strength = random.choice(kind.victims), random.uniform(*kind.minutes), random.random()
    since = now - (minutes * 60.0 if started_ago is None else started_ago)
    return Fault(name, service, since, None if lasted is None else since + lasted, strength)
