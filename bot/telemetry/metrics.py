"""Metrics in Prometheus' format: one table says what there is."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot import __version__
from bot.domain.outcomes import Fault, Turn
from bot.telemetry.spans import mark


@dataclass(frozen=True)
class Metric:
    """A metric and its labels; label values must come from a small, known set. Histograms are in seconds."""

    kind: Literal["counter", "histogram", "gauge"]
    help: str
    labels: tuple[str, ...] = ()


Read = Callable[[], float | Mapping[str, float] | None]

METRICS: Mapping[str, Metric] = {
    "build_info": Metric("gauge", "Always 1; the version that runs", ("version",)),
    "questions": Metric("counter", "Questions accepted, by the way they came in", ("way",)),
    "ack_seconds": Metric(
        "histogram",
        "From a delivery of Slack to its ack (ok), or to none (failed): it is then delivered again",
        ("outcome",),
    ),
    "answers": Metric("counter", "Investigations that ended, by how: answered, failed, stopped, joined …", ("state",)),
    "answer_seconds": Metric("histogram", "From the question to the answer; beyond 900 it is marked late"),
    "status_seconds": Metric("histogram", "From the question to the visible placeholder"),
    "queue_seconds": Metric("histogram", "From the question to the start of work"),
    "runs_waiting": Metric("gauge", "Runs that wait, over all processes"),
    "runs_working": Metric("gauge", "Runs that work, over all processes"),
    "runs_given_up": Metric("gauge", "Runs given up in the last day: they ended their process again and again"),
    "oldest_waiting_seconds": Metric("gauge", "How long the oldest waiting run has waited"),
    "workers": Metric("gauge", "Living workers, over all processes"),
    "part_up": Metric("gauge", "1 while a part is well, 0 while it is not; /readyz says why", ("part",)),
    "clock_skew_seconds": Metric("gauge", "How far this machine's clock is ahead of Slack's"),
    "disk_free_bytes": Metric("gauge", "Free space where the SQLite files are"),
    "loop_lag_seconds": Metric("gauge", "The event loop's longest delay of the last quarter of a minute"),
    "loop_tasks": Metric("gauge", "Tasks of the event loop"),
    "heartbeat_timestamp_seconds": Metric("gauge", "When the last beat reached the dead-man's switch; 0: none yet"),
    "spent_today_usd": Metric("gauge", "Money spent on models since midnight UTC, over all processes"),
    "limit_usd_per_day": Metric("gauge", "The day's limit for it"),
    "model_turns": Metric("counter", "Model turns, by stop reason or fault", ("model", "outcome")),
    "model_seconds": Metric("histogram", "A model turn", ("model",)),
    "tokens": Metric("counter", "Tokens, by kind: input, output, cache_read, cache_write", ("model", "kind")),
    "cost_usd": Metric("counter", "Money spent on models, in US dollars", ("model",)),
    "tool_calls": Metric("counter", "Tool calls, by outcome: result, tool_fault", ("tool", "outcome")),
    "tool_seconds": Metric("histogram", "A tool call", ("tool",)),
    "slack_calls": Metric("counter", "Calls of Slack's API, by outcome: ok or its error", ("method", "outcome")),
    "slack_seconds": Metric("histogram", "A call of Slack's API", ("method",)),
    "slack_held_seconds": Metric("counter", "Seconds that calls waited for Slack's rate limits", ("method",)),
    "spans": Metric("counter", "Spans of traces, by outcome: sent, dropped", ("outcome",)),
}

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_OWN_BUCKETS = {
    "ack_seconds": (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 3),  # half a second is ours, three are Slack's
    "answer_seconds": (*_BUCKETS, 900),
}


def count(name: str, amount: float = 1.0, /, **labels: str) -> None:
    """Add to a counter; KeyError for a name that is no counter, ValueError for labels that are not the metric's."""
    counter = _COUNTERS[name]
    (counter.labels(**labels) if labels else counter).inc(amount)


def observe(name: str, seconds: float, /, **labels: str) -> None:
    """Add a duration to a histogram; errors as with `count`."""
    histogram = _HISTOGRAMS[name]
    (histogram.labels(**labels) if labels else histogram).observe(seconds)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Observe how long the work inside takes, by outcome: ok, or failed where it raised."""
    began, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "ok"
    finally:
        observe(name, time.monotonic() - began, outcome=outcome)


@contextmanager
def gauges(reads: Mapping[str, Read]) -> Iterator[None]:
    """Until left, each scrape asks `reads` for the values: a number, or one for each value of the gauge's label; None
    while it is not known.

    They must answer at once. KeyError for a name that is no gauge.
    """
    if strange := [name for name in reads if name not in METRICS or METRICS[name].kind != "gauge"]:
        raise KeyError(*strange)
    _GAUGES.reads.append(reads)
    try:
        yield
    finally:
        _GAUGES.reads.remove(reads)


def count_turn(model: str, outcome: Turn | Fault) -> None:
    """Everything a model's turn adds: its outcome, seconds, tokens and money."""
    ended = outcome.stop if isinstance(outcome, Turn) else outcome.cause
    count("model_turns", model=model, outcome=ended)
    observe("model_seconds", outcome.seconds, model=model)
    used = outcome.usage
    kinds = {
        "input": used.input_tokens,
        "output": used.output_tokens,
        "cache_read": used.cache_read_tokens,
        "cache_write": used.cache_write_tokens,
    }
    for kind, tokens in kinds.items():
        count("tokens", tokens, model=model, kind=kind)
    count("cost_usd", used.cost_usd, model=model)
    mark(**{f"tokens.{kind}": tokens for kind, tokens in kinds.items()}, outcome=ended, cost_usd=used.cost_usd)


def exposition() -> bytes:
    """All metrics in Prometheus' text format 0.0.4, the process's own included."""
    return generate_latest(_REGISTRY)


class _Gauges(Collector):
    """Asks whoever knows, at each scrape; the last one to say so wins."""

    def __init__(self) -> None:
        self.reads: list[Mapping[str, Read]] = []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for each gauge that somebody knows."""
        known = {name: read for reads in self.reads for name, read in reads.items()}
        for name, read in known.items():
            metric, value = METRICS[name], read()
            if value is None:
                continue
            family = GaugeMetricFamily(f"nightjar_{name}", metric.help, labels=metric.labels)
            for label, number in value.items() if isinstance(value, Mapping) else [("", value)]:
                family.add_metric([label] if metric.labels else [], number)
            yield family


_GAUGES = _Gauges()
_GAUGES.reads.append({"build_info": lambda: {__version__: 1.0}})
_REGISTRY = CollectorRegistry()
_REGISTRY.register(_GAUGES)
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=_REGISTRY)
_COUNTERS = {
    name: Counter(f"nightjar_{name}", metric.help, metric.labels, registry=_REGISTRY)
    for name, metric in METRICS.items()
    if metric.kind == "counter"
}
_HISTOGRAMS = {
    name: Histogram(
        f"nightjar_{name}", metric.help, metric.labels, registry=_REGISTRY, buckets=_OWN_BUCKETS.get(name, _BUCKETS)
    )
    for name, metric in METRICS.items()
    if metric.kind == "histogram"
}
