"""What a metric measures, told from the words of its name, and how much a shift of it speaks for its service."""

import re
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KINDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("host", frozenset({"node", "host", "machine", "vm"})),
    ("memory", frozenset({"mem", "memory", "heap", "rss", "swap", "oom"})),
    ("disk", frozenset({"disk", "filesystem", "volume", "inode", "inodes", "fs"})),
    ("cpu", frozenset({"cpu", "load", "throttled", "throttling", "steal"})),
    ("queue", frozenset({"queue", "queued", "backlog", "lag", "pending", "waiting", "pool", "saturation"})),
    ("latency", frozenset({"lat", "latency", "duration", "latencies", "rtt", "delay", "time"})),
    ("good", frozenset({"success", "availability", "available", "uptime", "up", "ready"})),
    ("errors", frozenset({"error", "errors", "err", "fault", "faults", "failure", "failures", "failed", "exceptions"})),
    ("requests", frozenset({"requests", "request", "req", "rps", "qps", "ops", "workload", "calls", "count", "hits"})),
)
_CALLING = frozenset({"client", "outbound", "upstream", "egress"})
STOCKS = frozenset({"memory", "disk"})
"""Kinds that keep their level (a leak, a restart): judged against the minutes right before where these are known."""
WEIGHT = {
    "memory": 1.0,
    "disk": 1.0,
    "cpu": 1.0,
    "queue": 0.9,
    "errors": 0.9,
    "good": 0.9,
    "latency": 0.8,
    "calling": 0.6,
    "requests": 0.6,
    "other": 0.6,
    "host": 0.4,
}
"""A resource that ran short is nearer to a cause than its consequences; a host's load is shared by what runs there."""
BAD = {"memory": 1, "disk": 1, "cpu": 1, "queue": 1, "errors": 1, "good": -1, "latency": 1, "calling": 1}
"""The side on which a kind is in trouble; the other side is rather a consequence."""
FIRST = {
    "memory": 1.0,
    "disk": 1.0,
    "cpu": 0.8,
    "queue": 0.75,
    "errors": 0.75,
    "good": 0.75,
    "latency": 0.7,
    "calling": 0.6,
}
FIRST |= {"requests": 0.6, "other": 0.6, "host": 0.4}
"""Order of the metrics of one service: memory that runs short costs CPU too, while a CPU hog leaves memory alone."""


@lru_cache(maxsize=4096)
def kind_of(metric: str) -> str:
    """The kind of a metric; `calling` is the latency a service sees in its callees, `other` what no word tells."""
    words = {word.lower() for word in _WORDS.findall(metric)}
    kind = next((kind for kind, names in _KINDS if words & names), "other")
    return "calling" if kind == "latency" and words & _CALLING else kind
