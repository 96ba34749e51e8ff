"""Services, families and the call graph, read from label sets."""

from bot.analysis.structure import discover
from bot.domain.series import Labels


def sets(name: str, *rows: Labels) -> list[Labels]:
    """Label sets of one metric."""
    return [{"__name__": name, **row} for row in rows]


UP = sets(
    "up",
    {"job": "shop", "svc": "front", "instance": "1:80"},
    {"job": "shop", "svc": "orders", "instance": "2:80"},
    {"job": "shop", "svc": "orders", "instance": "3:80"},
    {"job": "watch", "instance": "4:9090"},
)
CALLS = sets(
    "rpc_client_seconds_count",
    {"svc": "front", "remote": "orders"},
    {"svc": "front", "remote": "http://bank.example:443/pay"},
    {"svc": "orders", "remote": "ledger-db"},
)
TYPES = {"rpc_client_seconds_count": "histogram", "hits_total": "counter", "pool_used": "gauge"}


def test_the_label_that_tells_most_services_apart_names_them() -> None:
    """Known names win among equals, instances never count, and the job stands in where it is missing."""
    structure = discover([*UP, *CALLS], TYPES)
    assert structure.service_labels == ("svc", "job")
    assert structure.services == {"front", "orders", "watch"}
    assert structure.service_of({"job": "watch"}) == "watch"


def test_a_label_nobody_knows_may_name_services() -> None:
    """Data decides, not a list of names."""
    rows = [{"job": "all", "squad_unit": name, "instance": f"{name}:1"} for name in ("a", "b", "c")]
    assert discover(sets("up", *rows), {}).service_labels[0] == "squad_unit"


def test_calls_make_the_graph_and_what_is_not_watched_is_external() -> None:
    """A label whose values are services names the other side; its other values are dependencies outside."""
    structure = discover([*UP, *CALLS], TYPES)
    assert structure.graph["front"] == {"orders", "http://bank.example:443/pay"}
    assert structure.external == {"http://bank.example:443/pay", "ledger-db"}


def test_addresses_mean_the_service_behind_them() -> None:
    """Scheme, port, domain and the suffix -svc do not hide a service."""
    structure = discover([*UP, *CALLS], TYPES)
    assert structure.peer_of("http://orders-svc.shop.local:8080/x") == "orders"
    assert structure.peer_of("elsewhere:1") == "elsewhere:1"


def test_labels_of_things_are_no_peers() -> None:
    """A database or a queue that is called like a service draws no edge."""
    rows = sets("stat_count", {"svc": "orders", "datname": "front", "queue": "front"})
    assert "orders" not in discover([*UP, *rows], {}).graph


def test_a_callers_label_turns_the_edge() -> None:
    """Where the metric names who called, the edge runs from there."""
    rows = sets("served_seconds_count", {"svc": "orders", "caller": "front"})
    structure = discover([*UP, *rows], {"served_seconds_count": "histogram"})
    assert structure.graph["front"] == {"orders"}
    assert not next(f for f in structure.families if f.name == "served_seconds").client


def test_what_watches_is_set_aside() -> None:
    """Prometheus' own series are no service, unless there is nothing else."""
    own = sets("prometheus_build_info", {"job": "watch"}) + sets("rule_count", {"job": "watch"})
    assert discover([*UP, *own], {}).monitors == {"watch"}
    assert "watch" not in discover([*UP, *own], {}).services
    assert discover(own, {}).services == {"watch"}


def test_families_have_types_outcomes_and_sides() -> None:
    """By metadata, else by suffix; a histogram is one family, recordings and runtime noise none."""
    rows = [
        *sets("hits_total", {"svc": "front", "outcome": "ok"}, {"svc": "front", "outcome": "error"}),
        *sets("wait_seconds_count", {"svc": "front"}),
        *sets("pool_used", {"svc": "front"}),
        *sets("release_info", {"svc": "front", "version": "1"}),
        *sets("gc_seconds", {"svc": "front", "quantile": "0.5"}),
        *sets("front:rate5m", {"svc": "front"}),
        *sets("go_threads", {"svc": "front"}),
    ]
    found = {f.name: f for f in discover([*UP, *rows], {**TYPES, "wait_seconds_sum": "unknown"}).families}
    kinds = {name: family.type for name, family in found.items()}
    assert kinds == {
        "up": "gauge", "hits_total": "counter", "wait_seconds": "histogram", "pool_used": "gauge",
        "release_info": "info",
    }  # fmt: skip
    assert found["hits_total"].code == "outcome"
    assert found["hits_total"].bad == {"error"}
