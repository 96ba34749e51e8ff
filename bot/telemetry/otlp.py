"""Sends spans to an OpenTelemetry collector, as OTLP over HTTP in JSON.

Own code of a hundred lines, as the SDK with its exporter brings eleven packages, 16 MB on disk and 14 MB of memory for
what is here one list and one POST. Answers never wait for it: what does not fit into the queue is dropped and counted.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot import __version__
from bot.telemetry.metrics import count
from bot.telemetry.spans import Span, Value, taking

Send = Callable[[bytes], Awaitable[int]]
BATCH, MOST = 256, 2_048
EVERY = 2.0  # seconds
LAST = 1.0  # seconds for what is left at the end
AGAIN = frozenset({429, 502, 503, 504})  # as OTLP has it; anything else is not to be sent again


class Exporter:
    """Queues spans and sends them in batches; `send` posts a body and says the status, 0 for none."""

    def __init__(self, send: Send, worker: str = "") -> None:
        self._send = send
        self._resource = _attributes(
            {"service.name": "nightjar", "service.version": __version__, "service.instance.id": worker}
        )
        self._queue: deque[Span] = deque()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take all spans and send them until left; what is left over then gets a second."""
        with taking(self.take):
            task = asyncio.create_task(self._run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})
        try:
            async with asyncio.timeout(LAST):
                while self._queue and await self._flush():
                    pass
        except TimeoutError:
            pass
        self._drop(len(self._queue))

    def take(self, span: Span) -> None:
        """Queue a span; the oldest makes room."""
        if len(self._queue) >= MOST:
            self._drop(1)
        self._queue.append(span)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            while self._queue and await self._flush():
                pass

    async def _flush(self) -> bool:
        """Send one batch; False when it has to wait."""
        batch = [self._queue[n] for n in range(min(BATCH, len(self._queue)))]
        status = await self._send(encode(batch, self._resource))
        if not status or status in AGAIN:
            return False
        for span in batch:
            if self._queue and self._queue[0] is span:  # else it was dropped meanwhile
                self._queue.popleft()
        count("spans", len(batch), outcome="sent" if status < 300 else "dropped")
        return True

    def _drop(self, number: int) -> None:
        for _ in range(number):
            self._queue.popleft()
            count("spans", outcome="dropped")


def encode(spans: Sequence[Span], resource: list[dict[str, Any]]) -> bytes:
    """An ExportTraceServiceRequest."""
    scope = {"scope": {"name": "nightjar", "version": __version__}, "spans": [_span(span) for span in spans]}
    return json.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]}).encode()


def _span(span: Span) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": 1,  # internal
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
    }
    if span.parent:
        shown["parentSpanId"] = span.parent
    if span.failed:
        shown["status"] = {"code": 2, "message": span.failed}
    return shown


def _attributes(given: dict[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
