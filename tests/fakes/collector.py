"""A loopback collector that reads what arrives as OTLP over HTTP in JSON, strictly, and refuses anything else.

async with Collector() as collector:
    settings = {"otel_exporter_otlp_endpoint": collector.url}
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

_HEX16, _HEX8, _INT = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}"), re.compile(r"-?\d+")
_SPAN = {
    "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"
}  # fmt: skip


@dataclass(frozen=True)
class Received:
    """A span as a tracing tool would show it; times in nanoseconds."""

    trace: str
    id: str
    parent: str
    name: str
    start: int
    end: int
    attributes: dict[str, Any]
    failed: str


@dataclass
class Collector:
    """What came, and as which instance it came; `status` is what it answers, `hangs` that it never does."""

    status: int = 200
    hangs: bool = False
    spans: list[Received] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def __aenter__(self) -> "Collector":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT would be."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                status = self._take(head.decode(), await reader.readexactly(_length(head)))
                while self.hangs:  # noqa: ASYNC110  a test sets it
                    await asyncio.sleep(0.01)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, head: str, body: bytes) -> int:
        self.bodies.append(body)
        try:
            assert head.startswith("POST /v1/traces HTTP/1.1"), head
            assert "content-type: application/json" in head.lower(), head
            if self.status == 200:
                self._read(json.loads(body))
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            return 400
        return self.status

    def _read(self, body: dict[str, Any]) -> None:
        assert set(body) == {"resourceSpans"}
        for resource in body["resourceSpans"]:
            about = _attributes(resource["resource"]["attributes"])
            assert about["service.name"] == "nightjar"
            self.instances.add(about["service.instance.id"])
            for scope in resource["scopeSpans"]:
                self.spans += map(_span, scope["spans"])


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", head.lower())
    return int(found[1]) if found else 0


def _span(given: dict[str, Any]) -> Received:
    assert set(given) <= _SPAN, set(given) - _SPAN
    parent = given.get("parentSpanId", "")
    assert _HEX16.fullmatch(given["traceId"])
    assert _HEX8.fullmatch(given["spanId"])
    assert not parent or _HEX8.fullmatch(parent)
    assert given["kind"] in range(6)
    start, end = (given[f"{name}TimeUnixNano"] for name in ("start", "end"))
    assert isinstance(start, str)  # a double would lose nanoseconds
    assert 1.7e18 < int(start) <= int(end)
    status = given.get("status", {"code": 0, "message": ""})
    assert status["code"] in (0, 2)
    attributes = _attributes(given["attributes"])
    return Received(
        given["traceId"], given["spanId"], parent, given["name"], int(start), int(end), attributes, status["message"]
    )


def _attributes(given: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in given}


def _value(given: dict[str, Any]) -> Any:
    ((kind, value),) = given.items()
    match kind:
        case "stringValue":
            assert isinstance(value, str)
        case "boolValue":
            assert isinstance(value, bool)
        case "intValue":
            assert isinstance(value, str)
            assert _INT.fullmatch(value)
            return int(value)
        case "doubleValue":
            assert isinstance(value, float)
        case _:
            raise ValueError(kind)
    return value
