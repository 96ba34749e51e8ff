"""Socket Mode's server side: each envelope goes to exactly one of the app's connections."""

import asyncio
import json
from collections.abc import Callable
from itertools import count

from aiohttp import WSMsgType, web

from bot.demo.slack.delivery import ACK_TIMEOUT_S, Envelope, Outcome
from bot.demo.slack.faults import Faults
from bot.demo.slack.records import Json

MAX_SOCKETS = 10
LIFE_S = 18_060  # what `hello` announces
HOST = "applink-sandbox"


class Sockets:
    """The app's connections, taken in turn, and the acks that are waited for."""

    def __init__(self, faults: Faults, ack_timeout: float = ACK_TIMEOUT_S) -> None:
        self.ack_timeout = ack_timeout
        self.connections: list[web.WebSocketResponse] = []
        self.changed = asyncio.Event()
        self.listeners: list[Callable[[], None]] = []
        self._faults = faults
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._turn = count()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection from hello to its end."""
        socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        if len(self.connections) >= MAX_SOCKETS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        self._admit(socket)
        try:
            await socket.send_json(self._hello())
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._heard(json.loads(frame.data))
        finally:
            self._dismiss(socket)
        return socket

    async def carry(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        """Send to the next connection in turn and wait for its ack."""
        socket = self._next()
        if socket is None:
            return Outcome("no_connection")
        ack: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope.id] = ack
        try:
            await socket.send_json(_frame(envelope, attempt, reason))
            return Outcome("ok", await asyncio.wait_for(ack, self.ack_timeout))
        except TimeoutError:
            return Outcome("timeout")
        except ConnectionError:
            return Outcome("no_connection")
        finally:
            self._waiting.pop(envelope.id, None)

    async def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask every connection to come again, as Slack does about every five hours; returns how many."""
        sockets = list(self.connections)
        for socket in sockets:
            self._dismiss(socket)
            notice = {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
            if not socket.closed:
                await socket.send_json(notice)
        return len(sockets)

    async def close(self) -> None:
        """End every connection."""
        for socket in list(self.connections):
            await socket.close()

    @property
    def alive(self) -> int:
        """How many connections the app holds."""
        return len(self.connections)

    def _admit(self, socket: web.WebSocketResponse) -> None:
        self.connections.append(socket)
        self._tell()

    def _dismiss(self, socket: web.WebSocketResponse) -> None:
        if socket in self.connections:
            self.connections.remove(socket)
            self._tell()

    def _tell(self) -> None:
        self.changed.set()
        for listener in self.listeners:
            listener()

    def _next(self) -> web.WebSocketResponse | None:
        alive = [socket for socket in self.connections if not socket.closed]
        return alive[next(self._turn) % len(alive)] if alive else None

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": HOST, "approximate_connection_time": LIFE_S},
            "connection_info": {"app_id": "A07NIGHTJAR"},
        }

    def _heard(self, frame: Json) -> None:
        ack = self._waiting.get(frame.get("envelope_id", ""))
        if ack is None or ack.done() or self._faults.loses_ack():
            return
        ack.set_result(frame.get("payload"))


def _frame(envelope: Envelope, attempt: int, reason: str) -> Json:
    frame: Json = {
        "envelope_id": envelope.id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.kind != "events_api",
    }
    if envelope.kind == "events_api":
        frame |= {"retry_attempt": attempt, "retry_reason": reason}
    return frame
