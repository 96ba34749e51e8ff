"""Traces: an investigation is one trace, over however many processes and restarts work on it.

Its ids are made from the flow's key, so that whoever goes on with a run goes on with its trace. What is replayed makes
no span. A span holds names, counts and outcomes, never what anybody wrote.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Value = str | int | float | bool


@dataclass
class Span:
    """A piece of work: ids in hexadecimal as OTLP has them, times in nanoseconds since 1970 UTC."""

    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int = 0
    attributes: dict[str, Value] = field(default_factory=dict)
    failed: str = ""


Take = Callable[[Span], None]
_TRACE: ContextVar[str] = ContextVar("trace", default="")
_SPAN: ContextVar[Span | None] = ContextVar("span", default=None)
_takers: list[Take] = []
_STRANGE = re.compile(r"[^\w:.+/-]")


def trace_of(key: str) -> str:
    """What a person can quote of a flow's key: short, and found in every log line of the flow."""
    return key.rpartition("ans:")[2].replace(":", "-")


def trace_id(trace: str) -> str:
    """The same as tracing tools want it: 32 hexadecimal digits."""
    return hashlib.sha256(trace.encode()).hexdigest()[:32]


def current() -> str:
    """The trace that is worked on, empty outside of any."""
    return _TRACE.get()


@contextmanager
def traced(key: str) -> Iterator[None]:
    """Every log line inside, tasks started there included, carries the trace of this flow."""
    token = _TRACE.set(trace_of(key))
    try:
        yield
    finally:
        _TRACE.reset(token)


@contextmanager
def taking(take: Take) -> Iterator[None]:
    """Give every finished span to `take`, which must not wait, until left; without a taker there are no spans."""
    _takers.append(take)
    try:
        yield
    finally:
        _takers.remove(take)


@contextmanager
def span(name: str, key: str, *, first: bool = False) -> Iterator[None]:
    """Work inside is one span of the investigation `key`; the `first` is what all others of its trace stand below.

    Nothing for flows that are no investigation, and nothing where nobody takes spans.
    """
    if not _takers or "ans:" not in key:
        yield
        return
    own = _opened(name, key, first=first)
    token = _SPAN.set(own)
    try:
        yield
    except BaseException as error:  # noted, and raised on
        own.failed = type(error).__name__
        raise
    finally:
        _SPAN.reset(token)
        _give(own)


def mark(**attributes: Value) -> None:
    """Note something of the span that is under way, if any: a name, a count, an outcome."""
    if (own := _SPAN.get()) is not None:
        own.attributes.update(attributes)


def no_span() -> None:
    """The span under way is none: what it was to do had been done before."""
    if (own := _SPAN.get()) is not None:
        own.name = ""


def _opened(name: str, key: str, *, first: bool) -> Span:
    trace = trace_id(trace_of(key))
    root = trace[:16]
    is_root = first and key.startswith("ans:")
    named = _STRANGE.sub("_", name)[:100]  # a step is named for the tools that a model asked for
    span_id = root if is_root else secrets.token_hex(8)
    return Span(named, trace, span_id, "" if is_root else root, time.time_ns(), attributes={"nightjar.key": key})


def _give(own: Span) -> None:
    own.end = time.time_ns()
    if own.name:
        for take in _takers:
            take(own)
