"""Time series as a source gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]
SERVICE_LABELS = (
    "service", "service_name", "app", "app_kubernetes_io_name", "application", "component", "microservice", "svc",
    "destination_workload", "workload", "deployment", "container", "job",
)  # fmt: skip
"""Labels that name a service, best first."""


def service_of(labels: Labels) -> str:
    """The service that a label set names; empty when it names none."""
    return next((labels[name] for name in SERVICE_LABELS if labels.get(name)), "")


@dataclass(frozen=True)
class Series:
    """One labelled series: `times` in UTC seconds, ascending; a missing sample is absent, never NaN."""

    labels: Labels
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class SeriesAnswer:
    """What a query returned; `left_out` counts the series dropped by a limit."""

    series: tuple[Series, ...]
    query: str
    step: float = 0.0
    warnings: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Metric:
    """A metric a source knows: its name, type (counter, gauge, histogram, summary, unknown) and help text."""

    name: str
    type: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Target:
    """Something that is scraped, and whether the last scrape worked."""

    labels: Labels
    up: bool
    error: str = ""


@dataclass(frozen=True)
class Rule:
    """An alerting rule; `expr` is PromQL, `duration` its `for` in seconds, state is inactive, pending or firing."""

    name: str
    expr: str
    state: str = "inactive"
    duration: float = 0.0
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
