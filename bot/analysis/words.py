"""What the words of a metric's name say, so that no metric has to be known by its full name."""

import re


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


ERROR = word_set(
    "error errors err fail failed failure failures exception exceptions timeout timeouts rejected reject rejections "
    "dropped drops drop aborted panics panic killed oom retries retry refused lost invalid unavailable deadlock "
    "deadlocks evicted evictions throttled shed broken"
)
LATENCY = word_set("seconds duration latency milliseconds ms microseconds us time elapsed rtt")
LIMIT = word_set("max limit limits size capacity total quota cores allocatable maximum hard ceiling bound")
FREE = word_set("avail available free remaining left headroom unused")
QUEUE = word_set("queue queued backlog pending waiting waiters lag depth inflight unacked outstanding waits")
UNITS = word_set("bytes seconds count total ratio percent number num current milliseconds ms info gauge")
EXPIRY = word_set("expiry expires expire expiration notafter validity renewal not after")
CLIENT = word_set("client outgoing outbound egress upstream downstream remote external dependency peer")
NOISE = ("go_", "python_", "promhttp_", "net_conntrack_", "scrape_", "process_virtual_", "ALERTS")
TOPIC = {
    "memory": "memory rss heap resident",
    "disk": "filesystem disk volume storage inode inodes wal tablespace",
    "connections": "connection connections conn conns clients activity sessions backends connected",
    "pool": "pool hikaricp hikari",
    "file descriptors": "fds fd descriptors",
    "threads": "thread threads worker workers executor goroutines",
    "CPU": "cpu cores cfs",
    "certificate": "ssl tls cert certificate x509",
    "cache": "cache hit hits miss misses evictions keyspace",
    "queue": "queue backlog lag depth kafka consumer offset queued",
    "replication": "replication replica replay",
    "GC": "gc pause garbage",
}
_TOPIC_OF = {word: topic for topic, words in TOPIC.items() for word in words.split()}


def words_of(name: str) -> tuple[str, ...]:
    """The lower-case words of a name: `dbPool_in_use` gives db, pool, in, use."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)


def topic(*names: str) -> str:
    """What people call the thing that a metric measures: memory, disk, connections …; empty when unclear."""
    found = [_TOPIC_OF[word] for name in names for word in words_of(name) if word in _TOPIC_OF]
    return min(found, key=lambda t: list(TOPIC).index(t)) if found else ""


def related(one: str, other: str) -> int:
    """How much two names speak of the same thing: shared words count 2, shared stems 1, units nothing."""
    a, b = set(words_of(one)) - UNITS - LIMIT - FREE, set(words_of(other)) - UNITS - LIMIT - FREE
    same = a & b
    stems = {x[:5] for x in a - same if len(x) > 4} & {y[:5] for y in b - same if len(y) > 4}
    inside = {x for x in a - same for y in b - same if len(x) > 3 and x[:5] not in stems and (x in y or y in x)}
    return 2 * len(same) + len(stems) + len(inside)


def unit_of(name: str) -> str:
    """The unit that the name tells: bytes, seconds, ratio or empty."""
    words = words_of(name)
    for unit, signs in (
        ("bytes", {"bytes"}),
        ("ratio", {"ratio", "percent", "fraction"}),
        ("seconds", {"seconds", "milliseconds", "ms", "microseconds", "us"}),
    ):
        if signs & set(words):
            return unit
    return ""


def seconds_per(name: str) -> float:
    """How many seconds one unit of a time metric is."""
    words = set(words_of(name))
    if words & {"milliseconds", "ms", "millis"}:
        return 1e-3
    if words & {"microseconds", "us", "micros"}:
        return 1e-6
    return 1.0
