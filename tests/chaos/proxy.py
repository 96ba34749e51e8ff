"""A TCP proxy whose weather can be changed while it runs, and which counts what is left open.

    async with Proxy("127.0.0.1", 5432, seed=7) as proxy:
        proxy.weather = Weather(delay=(0.2, 0.4))

Weather holds for connections that are open already, too.
"""

import asyncio
import contextlib
import random
import socket
import struct
import time
from dataclasses import dataclass, field

_PIECE = 65_536
_DRIP_EVERY = 0.02


@dataclass(frozen=True)
class Weather:
    """Each fault that holds at the moment.

    `delay` is the least and the most seconds that each piece waits on its way up, which is once per round trip;
    `drip` the bytes a second on the way down, 0 for no limit; `cut_after` the bytes on the way down after which a
    connection is reset; a `hole` takes everything and passes nothing on; who comes while it is `closed` is reset.
    """

    delay: tuple[float, float] = (0.0, 0.0)
    drip: float = 0.0
    cut_after: int = 0
    hole: bool = False
    closed: bool = False


@dataclass(eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    down: int = 0
    ended: set[str] = field(default_factory=set)
    left: float = 0.0

    def reset(self) -> None:
        """End both sides at once, as a crash does: the peers see a reset and no orderly end."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                own: socket.socket = writer.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


class Proxy:
    """Stands before one address; `port` is its own."""

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._upstream = host, port
        self._random = random.Random(seed)
        self._weather = Weather()
        self._clear = asyncio.Event()
        self._clear.set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.weather = Weather(closed=True)
        self.reset()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def weather(self) -> Weather:
        """What holds now."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        (self._clear.clear if weather.hole else self._clear.set)()

    def reset(self) -> None:
        """Reset every connection that is open."""
        for link in self._links:
            link.reset()

    @property
    def open(self) -> int:
        """Connections that are not closed on both sides."""
        return len(self._links)

    @property
    def half_closed(self) -> int:
        """Connections of which one side has ended and the other has not."""
        return sum(len(link.ended) == 1 for link in self._links)

    def orphans(self, seconds: float) -> int:
        """Upstream connections that are still open so long after their client has left."""
        now = time.monotonic()
        return sum(bool(link.left) and now - link.left >= seconds for link in self._links)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        link = _Link(writer)
        self._links.add(link)
        try:
            if self._weather.closed:
                link.reset()
                return
            await self._joined(link, reader)
        except OSError:
            link.reset()
        finally:
            self._links.discard(link)
            for end in (link.client, link.server):
                if end is not None:
                    end.close()

    async def _joined(self, link: _Link, reader: asyncio.StreamReader) -> None:
        await self._clear.wait()
        answers, link.server = await asyncio.open_connection(*self._upstream)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._up(link, reader, link.server))
            both.create_task(self._down(link, answers))

    async def _up(self, link: _Link, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                await self._clear.wait()
                if wait := self._random.uniform(*self._weather.delay):
                    await asyncio.sleep(wait)
                server.write(data)
                await server.drain()
        link.left = time.monotonic()
        link.ended.add("client")
        await self._clear.wait()
        with contextlib.suppress(OSError, RuntimeError):
            server.write_eof()

    async def _down(self, link: _Link, answers: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(_PIECE):
                await self._clear.wait()
                if not await self._passed(link, data):
                    link.reset()
                    return
        link.ended.add("server")
        with contextlib.suppress(OSError, RuntimeError):
            link.client.write_eof()

    async def _passed(self, link: _Link, data: bytes) -> bool:
        """Pass a piece on to the client; False once the connection has to be cut."""
        weather = self._weather
        allowed = weather.cut_after - link.down if weather.cut_after else len(data)
        step = max(1, int(weather.drip * _DRIP_EVERY)) if weather.drip else len(data)
        for at in range(0, (whole := min(len(data), max(0, allowed))), step):
            link.client.write(data[at : min(at + step, whole)])
            await link.client.drain()
            if weather.drip:
                await asyncio.sleep(step / weather.drip)
        link.down += len(data)
        return whole == len(data)
