"""What Nightjar says about itself: logs with a trace id and without bodies, and Prometheus metrics."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from bot.domain.outcomes import Fault, Turn

Mask = Callable[[str], str]

_TRACE: ContextVar[str] = ContextVar("trace", default="")
_LONGEST = 2_000
_LONGEST_FIELD = 300
_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

# Their debug and info lines hold requests, queries or messages.
_TALKATIVE = (
    "anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "slack_sdk", "slack_bolt", "sqlalchemy", "alembic",
    "dbos", "aiohttp", "psycopg", "matplotlib", "PIL", "uvicorn",
)  # fmt: skip


@contextmanager
def traced(id: str) -> Iterator[None]:
    """Every log line inside, tasks started there included, carries this trace id."""
    token = _TRACE.set(id)
    try:
        yield
    finally:
        _TRACE.reset(token)


def setup(level: str = "INFO", *, json: bool = True, mask: Mask = str, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error), masked; libraries that log bodies speak up from WARNING only."""
    handler = _Handler(stream)
    handler.setFormatter(_Json(mask) if json else _Plain(mask))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    floor = max(root.level, logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(floor)


class _Handler(logging.Handler):
    """Ours, so that a second setup replaces it; standard error is whatever it is when a line comes.

    A line that cannot be masked is dropped, never printed as it is.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line at once."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001  # a formatter or a mask may raise anything; a log line must not end the work
            self.handleError(record)

    def _write(self, line: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(line + "\n")
        stream.flush()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        with suppress(ValueError, OSError):
            self._write(f'{{"level": "error", "logger": "{record.name}", "text": "a log line was dropped"}}')


class _Formatter(logging.Formatter):
    """Gathers what a line may hold: a text, a few fields, an error's kind, first line and places; all masked."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        own = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": self._masked(record.getMessage(), _LONGEST),
        }
        if trace := _TRACE.get():
            own["trace"] = trace
        extra = {key: self._value(value) for key, value in record.__dict__.items() if key not in _OWN_FIELDS}
        error = record.exc_info[1] if record.exc_info else None
        return {**extra, **own, **({"error": self._error(error)} if error else {})}

    def _value(self, value: object) -> object:
        return value if value is None or isinstance(value, bool | int | float) else self._masked(str(value))

    def _masked(self, text: str, longest: int = _LONGEST_FIELD) -> str:
        return self._mask(text)[:longest].encode("utf-8", "replace").decode()

    def _error(self, error: BaseException) -> dict[str, object]:
        frames = traceback.extract_tb(error.__traceback__)
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        shown: dict[str, object] = {
            "kind": type(error).__name__,
            "text": self._masked(str(error)).partition("\n")[0],
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
        }
        return {**shown, "cause": self._error(cause)} if cause else shown


class _Json(_Formatter):
    """One object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._fields(record), ensure_ascii=False)


class _Plain(_Formatter):
    """One line, for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        time, level, logger, text = (str(fields.pop(key)) for key in ("time", "level", "logger", "text"))
        rest = "".join(f" {key}={value}" for key, value in fields.items())
        return f"{time[11:23]} {level.upper():<8}{logger}: {text}{rest}".replace("\n", " ⏎ ")


@dataclass(frozen=True)
class Metric:
    """A metric and its labels; label values must come from a small, known set. Histograms are in seconds."""

    kind: Literal["counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


METRICS: Mapping[str, Metric] = {
    "questions": Metric("counter", "Questions accepted, by the way they came in", ("way",)),
    "answers": Metric("counter", "Investigations that ended, by how: answered, failed, stopped, joined", ("state",)),
    "answer_seconds": Metric("histogram", "From the question to the answer", ("model",)),
    "status_seconds": Metric("histogram", "From the question to the visible placeholder"),
    "first_line_seconds": Metric("histogram", "From the question to the first useful line"),
    "queue_seconds": Metric("histogram", "From the question to the start of work"),
    "model_turns": Metric("counter", "Model turns, by stop reason or fault", ("model", "outcome")),
    "model_seconds": Metric("histogram", "A model turn", ("model",)),
    "tokens": Metric("counter", "Tokens, by kind: input, output, cache_read, cache_write", ("model", "kind")),
    "cost_usd": Metric("counter", "Money spent on models, in US dollars", ("model",)),
    "tool_calls": Metric("counter", "Tool calls, by outcome: result, tool_fault", ("tool", "outcome")),
    "tool_seconds": Metric("histogram", "A tool call", ("tool",)),
    "source_requests": Metric("counter", "Requests to a source, by outcome: ok, down, refused", ("source", "outcome")),
    "slack_calls": Metric("counter", "Calls of Slack's API, by outcome: ok or its error", ("method", "outcome")),
    "slack_seconds": Metric("histogram", "A call of Slack's API", ("method",)),
}

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)


def count(name: str, amount: float = 1.0, /, **labels: str) -> None:
    """Add to a counter; KeyError for a name that is no counter, ValueError for labels that are not the metric's."""
    counter = _COUNTERS[name]
    (counter.labels(**labels) if labels else counter).inc(amount)


def observe(name: str, seconds: float, /, **labels: str) -> None:
    """Add a duration to a histogram; errors as with `count`."""
    histogram = _HISTOGRAMS[name]
    (histogram.labels(**labels) if labels else histogram).observe(seconds)


def count_turn(model: str, outcome: Turn | Fault) -> None:
    """Everything a model's turn adds: its outcome, seconds, tokens and money."""
    count("model_turns", model=model, outcome=outcome.stop if isinstance(outcome, Turn) else outcome.cause)
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


def exposition() -> bytes:
    """All metrics in Prometheus' text format 0.0.4, the process's own included."""
    return generate_latest(_REGISTRY)


_REGISTRY = CollectorRegistry()
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=_REGISTRY)
_COUNTERS = {
    name: Counter(f"nightjar_{name}", metric.help, metric.labels, registry=_REGISTRY)
    for name, metric in METRICS.items()
    if metric.kind == "counter"
}
_HISTOGRAMS = {
    name: Histogram(f"nightjar_{name}", metric.help, metric.labels, registry=_REGISTRY, buckets=_BUCKETS)
    for name, metric in METRICS.items()
    if metric.kind == "histogram"
}
