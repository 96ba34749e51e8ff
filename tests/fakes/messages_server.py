"""A loopback server that speaks the Messages API's event stream from a script, with every fault we know of.

    async with MessagesServer([Said(Call("alerts", {})), Said(Text("All is well."))]) as server:
        settings = ClaudeSettings(base_url=server.url)

A script is a list of replies, or a function of the request.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tests.fakes.messages_rules import Issued, complaint

Ending = Literal["whole", "tcp_cut", "eof", "unstopped", "open", "stall", "overloaded", "pings", "page"]
ERRORS = {"overloaded_error": 529, "rate_limit_error": 429, "billing_error": 402}
"""What may come in mid-stream, with the status that it would have had at its beginning."""


@dataclass(frozen=True)
class Text:
    """Words for people."""

    text: str


@dataclass(frozen=True)
class Think:
    """Reasoning; it is signed unless a signature is given."""

    text: str
    signature: str = ""


@dataclass(frozen=True)
class Redacted:
    """Reasoning that only the model can read."""

    data: str


@dataclass(frozen=True)
class Call:
    """A tool call; without an id it gets one."""

    name: str
    arguments: Any = field(default_factory=dict)
    id: str = ""


Block = Text | Think | Redacted | Call


@dataclass(frozen=True, init=False)
class Said:
    """A reply in blocks, streamed `piece` characters at a time; times in seconds; a bad `ending` comes in mid-block.

    The ending `overloaded` is an error in the stream, of the kind `error`; `page` is a proxy's page.
    """

    blocks: tuple[Block, ...]
    stop: str
    usage: Mapping[str, int]
    ending: Ending
    piece: int
    pace: float
    first_byte: float
    error: str

    def __init__(
        self,
        *blocks: Block,
        stop: str = "",
        usage: Mapping[str, int] | None = None,
        ending: Ending = "whole",
        piece: int = 16,
        pace: float = 0.0,
        first_byte: float = 0.0,
        error: str = "overloaded_error",
    ) -> None:
        calls = any(isinstance(block, Call) for block in blocks)
        given: dict[str, object] = {
            "blocks": blocks,
            "stop": stop or ("tool_use" if calls else "end_turn"),
            "usage": usage or {"input_tokens": 100, "output_tokens": 20},
            "ending": ending,
            "piece": piece,
            "pace": pace,
            "first_byte": first_byte,
            "error": error,
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Refused:
    """An error reply."""

    status: int
    kind: str = "api_error"
    message: str = "refused"
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Something else with status 200: a proxy's page, or a whole message as JSON."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"


Reply = Said | Refused | Page
PING_SECONDS = 0.05


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed

    @property
    def results(self) -> list[str]:
        """The tool results of the last message, in order."""
        return [block["content"] for block in self.body["messages"][-1]["content"] if block["type"] == "tool_result"]

    @property
    def turn(self) -> int:
        """How many turns the model has had in this conversation."""
        return sum(entry["role"] == "assistant" for entry in self.body["messages"])


Script = Sequence[Reply] | Callable[[Request], Reply]


class MessagesServer:
    """Keeps every request; refuses those that break the API's rules unless `strict` is off."""

    def __init__(self, script: Script, *, strict: bool = True) -> None:
        self._script, self._strict = script, strict
        self._issued, self._calls = Issued(), 0
        self._held: set[asyncio.Task[None]] = set()
        self.requests: list[Request] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> "MessagesServer":
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._held:
            task.cancel()
        await asyncio.gather(*self._held, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._held.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(await _request(reader), writer):
                    pass
        finally:
            self._held.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(request)
        self.arrived.set()
        reply = self._reply(request)
        if isinstance(reply, Said):
            return await self._stream(request, reply, writer)
        status, headers, body = _plain(reply)
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        return True

    def _reply(self, request: Request) -> Reply:
        if self._strict and (wrong := complaint(request.body) or self._issued.complaint(request.body)):
            return Refused(400, "invalid_request_error", wrong)
        if callable(self._script):
            return self._script(request)
        at = len(self.requests) - 1
        return self._script[at] if at < len(self._script) else Refused(500, message="the script is over")

    async def _stream(self, request: Request, said: Said, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(said.first_byte)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n")
        writer.write(b"request-id: req_local\r\ntransfer-encoding: chunked\r\n\r\n")
        events = list(self._events(request.body, said))
        if said.ending != "whole":
            events = events[: self._break_at(events, said.ending)]
        for event in events:
            _chunk(writer, self._framed(event))
            if said.pace:
                await writer.drain()
                await asyncio.sleep(said.pace)
        if said.ending in ("whole", "open"):
            _chunk(writer, self._last())
        if said.ending == "overloaded":
            _chunk(writer, self._error(said.error))
        return await self._end(said.ending, writer)

    def _framed(self, event: Mapping[str, Any]) -> bytes:
        return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

    def _last(self) -> bytes:
        """What follows the last event."""
        return b""

    def _error(self, kind: str) -> bytes:
        error = {"type": "error", "error": {"type": kind, "message": "No more for now"}}
        return f"event: error\ndata: {json.dumps(error)}\n\n".encode()

    def _ping(self) -> bytes:
        return b'event: ping\ndata: {"type": "ping"}\n\n'

    def _break_at(self, events: Sequence[Mapping[str, Any]], ending: Ending) -> int:
        if ending in ("open", "unstopped"):
            return len(events) - (ending == "unstopped")
        return max(at for at, event in enumerate(events) if event["type"] == "content_block_delta")

    async def _end(self, ending: Ending, writer: asyncio.StreamWriter) -> bool:
        if ending == "page":
            _chunk(writer, b"<html><body>502 Bad Gateway</body></html>\n\n")
        await writer.drain()
        if ending in ("open", "stall"):
            await asyncio.sleep(3600)
        while ending == "pings":
            _chunk(writer, self._ping())
            await writer.drain()
            await asyncio.sleep(PING_SECONDS)
        if ending != "tcp_cut":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return ending != "tcp_cut"

    def _events(self, body: Mapping[str, Any], said: Said) -> Iterator[dict[str, Any]]:
        start = {**said.usage, "output_tokens": 1}
        message = {"id": "msg_local", "type": "message", "role": "assistant", "model": body["model"], "content": []}
        empty = {"stop_reason": None, "stop_sequence": None, "usage": start}
        yield {"type": "message_start", "message": {**message, **empty}}
        yield {"type": "ping"}
        for index, block in enumerate(said.blocks):
            opened, deltas = self._block(body, block, said.piece)
            yield {"type": "content_block_start", "index": index, "content_block": opened}
            yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
            yield {"type": "content_block_stop", "index": index}
        delta = {"stop_reason": said.stop, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": dict(said.usage)}
        yield {"type": "message_stop"}

    def _block(self, body: Mapping[str, Any], block: Block, size: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        match block:
            case Text(text):
                return {"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in _pieces(text, size)]
            case Think(text, signature):
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(text, size)]
                signed = {"type": "signature_delta", "signature": signature or self._issued.sign(body, text)}
                return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
            case Redacted(data):
                return {"type": "redacted_thinking", "data": data}, []
            case Call(name, arguments, given):
                self._calls += 1
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_pieces(text, size)]]
                return {"type": "tool_use", "id": given or f"toolu_{self._calls}", "name": name, "input": {}}, deltas


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Request(head[0].split()[1], headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def _plain(reply: Refused | Page) -> tuple[int, dict[str, str], bytes]:
    if isinstance(reply, Page):
        return 200, {"content-type": reply.content_type}, reply.body
    error: dict[str, Any] = {"type": reply.kind, "message": reply.message}
    if reply.code:
        error["details"] = {"error_code": reply.code}
    body = json.dumps({"type": "error", "error": error, "request_id": "req_local"}).encode()
    return reply.status, {"content-type": "application/json", **reply.headers}, body


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:  # an empty chunk would end the body
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
