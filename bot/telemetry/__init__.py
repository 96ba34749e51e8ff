"""What Nightjar says about itself: logs with a trace id and without bodies, Prometheus metrics, traces."""

from bot.telemetry.logs import Mask, setup
from bot.telemetry.metrics import METRICS, Metric, Read, count, count_turn, exposition, gauges, observe, timed
from bot.telemetry.otlp import Exporter
from bot.telemetry.spans import mark, no_span, span, trace_of, traced

__all__ = [
    "METRICS",
    "Exporter",
    "Mask",
    "Metric",
    "Read",
    "count",
    "count_turn",
    "exposition",
    "gauges",
    "mark",
    "no_span",
    "observe",
    "setup",
    "span",
    "timed",
    "trace_of",
    "traced",
]
