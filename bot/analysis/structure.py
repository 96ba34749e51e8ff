"""What a server of metrics knows, read from its label sets: services, families, outcomes, who calls whom."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.analysis.labels import CALLER_LABELS, MONITORS, PLACE_LABELS, SERVICE_LABELS, THING_LABELS, failures
from bot.analysis.words import CLIENT, NOISE, words_of
from bot.domain.series import Labels


@dataclass(frozen=True)
class Family:
    """A metric with its parts: `name` lacks a histogram's suffix; `code` and `peer` are label names, or empty."""

    name: str
    type: str
    labels: frozenset[str]
    services: frozenset[str]
    series: int
    code: str = ""
    bad: frozenset[str] = frozenset()
    peer: str = ""
    client: bool = False


@dataclass(frozen=True)
class Structure:
    """The families of the services, and the call graph as far as labels tell it."""

    service_labels: tuple[str, ...] = ("job",)
    families: tuple[Family, ...] = ()
    services: frozenset[str] = frozenset()
    monitors: frozenset[str] = frozenset()
    graph: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def service_of(self, labels: Labels) -> str:
        """The service a label set belongs to."""
        return service_of(labels, self.service_labels)

    def peer_of(self, value: str) -> str:
        """A peer label's value as the service it means, or as itself when it is no service of ours."""
        return _as_service(value, self.services)

    @property
    def external(self) -> frozenset[str]:
        """What is called but not watched."""
        return frozenset(callee for callees in self.graph.values() for callee in callees) - self.services


def service_of(labels: Labels, service_labels: Sequence[str]) -> str:
    """The first of the service labels that is set."""
    return next((labels[name] for name in service_labels if labels.get(name)), "")


def discover(label_sets: Iterable[Labels], types: Mapping[str, str]) -> Structure:
    """The structure behind label sets (each with `__name__`); `types` is the source's metadata, which may lack some."""
    sets = [s for s in label_sets if s.get("__name__") and ":" not in s["__name__"]]
    names = _service_labels(sets)
    by_name: dict[str, list[Labels]] = defaultdict(list)
    for labels in sets:
        by_name[labels["__name__"]].append(labels)
    monitors = _monitors(by_name, names)
    kept = {n: [s for s in group if service_of(s, names) not in monitors] for n, group in by_name.items()}
    kept = {n: group for n, group in kept.items() if group and not n.startswith(NOISE)}
    services = frozenset(service_of(s, names) for group in kept.values() for s in group) - {""}
    peers, graph = _peers(kept, names, services)
    families = tuple(_families(kept, types, names, peers))
    return Structure(names, families, services, monitors, graph)


def _service_labels(sets: Sequence[Labels]) -> tuple[str, ...]:
    """Of the labels on most targets the one that tells most services apart, then the weaker ones it falls back to."""
    targets = [s for s in sets if s["__name__"] == "up"] or list(sets)
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for labels in targets:
        for name, value in labels.items():
            if name not in PLACE_LABELS and value:
                values[name][value] += 1
    known = [name for name in SERVICE_LABELS if values.get(name)]
    others = sorted(name for name in values if name not in SERVICE_LABELS)

    def rank(name: str) -> tuple[int, int]:
        order = SERVICE_LABELS.index(name) if name in SERVICE_LABELS else len(SERVICE_LABELS)
        return -len(values[name]), order

    ranked = sorted(known or others, key=rank)
    if known and others and len(values[known[0]]) == 1 and len(known) == 1:
        best = min(others, key=rank)
        ranked = [best, *known] if len(values[best]) > 1 else ranked
    inside = [n for n in SERVICE_LABELS if n not in ranked and sum(n in s for s in sets) > len(sets) * 0.3]
    return (*inside, *ranked) or ("job",)


def _monitors(by_name: Mapping[str, Sequence[Labels]], names: Sequence[str]) -> frozenset[str]:
    watching = [s for n, group in by_name.items() if n.removesuffix("_build_info") in MONITORS for s in group]
    found = frozenset(service_of(s, names) for s in watching)
    everything = frozenset(service_of(s, names) for group in by_name.values() for s in group)
    return found if everything - found - {""} else frozenset()


def _as_service(value: str, services: frozenset[str]) -> str:
    """`http://payment-svc.shop:8080/x` means payment when there is a service of that name."""
    if value in services:
        return value
    host = re.sub(r"^\w+://", "", value.lower()).partition("/")[0].partition(":")[0]
    for part in (host, host.partition(".")[0], re.sub(r"[-_](svc|service|server|api)$", "", host.partition(".")[0])):
        for service in services:
            if part == service.lower() or part == re.sub(r"[-_](svc|service|server|api)$", "", service.lower()):
                return service
    return value


def _peers(
    kept: Mapping[str, Sequence[Labels]], names: Sequence[str], services: frozenset[str]
) -> tuple[dict[tuple[str, str], str], dict[str, frozenset[str]]]:
    """(metric, label) → "callee" or "caller" for labels that name the other side of a call, and the graph of them."""
    sides: dict[tuple[str, str], str] = {}
    edges: dict[str, set[str]] = defaultdict(set)
    for metric, group in kept.items():
        for label in {name for s in group for name in s} - PLACE_LABELS - THING_LABELS - set(names):
            pairs = {(service_of(s, names), _as_service(s[label], services)) for s in group if s.get(label)}
            hits = {pair for pair in pairs if pair[1] in services and pair[1] != pair[0]}
            if not hits or len(hits) < len({p[1] for p in pairs}) * 0.3:
                continue
            side = "caller" if label in CALLER_LABELS else "callee"
            sides[metric, label] = side
            for own, other in pairs:
                if other and other != own:
                    edges[own if side == "callee" else other].add(other if side == "callee" else own)
    return sides, {caller: frozenset(callees) for caller, callees in sorted(edges.items())}


def _families(
    kept: Mapping[str, Sequence[Labels]],
    types: Mapping[str, str],
    names: Sequence[str],
    peers: Mapping[tuple[str, str], str],
) -> Iterable[Family]:
    for metric in sorted(kept):
        base, kind = _kind(metric, kept, types)
        if not kind:
            continue
        group = kept[metric]
        labels = frozenset(name for s in group for name in s)
        code, bad = _code(group, labels - set(names))
        sides = {label: peers[metric, label] for label in sorted(labels) if (metric, label) in peers}
        peer = next((label for label, side in sides.items() if side == "callee"), "")
        client = bool(peer) or ("caller" not in sides.values() and bool(CLIENT & set(words_of(base))))
        services = frozenset(service_of(s, names) for s in group)
        yield Family(base, kind, labels, services, len(group), code, bad, peer, client)


def _kind(metric: str, kept: Mapping[str, Sequence[Labels]], types: Mapping[str, str]) -> tuple[str, str]:
    """The family's base name and type; an empty type for the parts that another name stands for."""
    base, _, part = metric.rpartition("_")
    told = types.get(base, types.get(metric))
    if part == "count" and (told in ("histogram", "summary") or f"{base}_sum" in types):
        return base, "histogram"
    if metric.endswith("_info") or types.get(metric) == "info":
        return metric, "info"
    known = types.get(metric) or types.get(metric.removesuffix("_total"), "")
    if known == "summary" or any("quantile" in s for s in kept[metric]):
        return metric, ""
    if known == "counter" or (known != "gauge" and metric.endswith("_total")):
        return metric, "counter"
    return metric, "" if metric.endswith(("_bucket", "_created")) else "gauge"


def _code(group: Sequence[Labels], labels: frozenset[str]) -> tuple[str, frozenset[str]]:
    """The label whose values tell outcomes apart, and which of its values are failures."""
    for label in sorted(labels - PLACE_LABELS):
        values = {s[label] for s in group if s.get(label)}
        if (bad := failures(values)) is not None:
            return label, bad
    return "", frozenset()
