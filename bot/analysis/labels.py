"""What label names and values mean: which name a service, a place, a thing, a caller; which values are failures."""

import re
from collections.abc import Iterable

from bot.analysis.words import ERROR, word_set, words_of

SERVICE_LABELS = (
    "service", "service_name", "app", "app_kubernetes_io_name", "application", "component", "microservice", "svc",
    "destination_workload", "workload", "deployment", "container", "role", "job",
)  # fmt: skip
"""Labels that name a service, best first; data decides which of them is used."""
PLACE_LABELS = word_set(
    "instance pod node host hostname ip address addr endpoint container_id id uid le quantile replica shard zone region"
    " cluster namespace env environment datacenter dc az prometheus monitor __name__ device mountpoint fstype"
    " version revision commit branch goversion method verb route path handler uri url"
)
"""Labels that say where or in which part, never which service."""
THING_LABELS = word_set(
    "datname database schema table queue topic pool cache keyspace state mode type kind name application usename user"
    " tenant reason result outcome job_name consumergroup group"
)
"""Labels that name things inside a service; a like-named service is chance."""
CALLER_LABELS = word_set("source caller client src from origin source_service source_workload client_name")
"""Labels whose value is the side that calls."""
MONITORS = word_set("prometheus alertmanager grafana loki tempo mimir thanos vm pushgateway node_exporter")
"""Software that watches: what its `<name>_build_info` says it is."""
_STATUS = re.compile(r"[1-5](\d\d|xx)$", re.IGNORECASE)
_GRPC_WELL = word_set("ok canceled cancelled notfound alreadyexists invalidargument permissiondenied unauthenticated")
_GRPC_BAD = word_set(
    "unknown deadlineexceeded resourceexhausted failedprecondition aborted outofrange unimplemented internal"
    " unavailable dataloss"
)
_WELL = word_set("ok success successful succeeded completed true pass passed done")
_BAD = word_set("ko false nok")


def failures(values: Iterable[str]) -> frozenset[str] | None:
    """Which values are failures: 5xx, gRPC's server faults, words like error; None if they tell no outcome."""
    values = frozenset(value for value in values if value)
    if not values:
        return None
    if all(_STATUS.match(value) for value in values):
        return frozenset(value for value in values if value.startswith("5"))
    plain = {value: re.sub(r"[^a-z0-9]", "", value.lower()) for value in values}
    if all(p in _GRPC_BAD | _GRPC_WELL for p in plain.values()):
        return frozenset(v for v, p in plain.items() if p in _GRPC_BAD)
    bad = frozenset(v for v, p in plain.items() if ERROR & set(words_of(v)) or p in _BAD)
    return bad if bad or _WELL & set(plain.values()) else None
