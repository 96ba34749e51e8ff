"""One address before a server: passes everything on, or meets whoever comes with a fault of its own."""

import asyncio
import contextlib
from urllib.parse import urlsplit

_HTML = b"<html><body><h1>Sign in</h1></body></html>"
_CUT = b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"serv'


def _answer(status: str, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


ANSWERS = {
    "500": _answer("500 Internal Server Error", "text/plain", b"boom"),
    "html": _answer("200 OK", "text/html", _HTML),
    "truncated": _answer("200 OK", "application/json", _CUT),
}


class Front:
    """Stands before the server of a URL; `fault` is empty, `refused`, `hang` or one of `ANSWERS`."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._upstream = address.hostname or "", address.port or 80
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.fault = ""
        self.port = 0
        self.requests = 0

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Front":
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._drop()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def meet(self, fault: str) -> None:
        """From now on; what is open is broken off."""
        if fault == "refused":
            self._server.close()
        elif self.fault == "refused":
            await self._listen()
        self.fault = fault
        self._drop()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _drop(self) -> None:
        for task, writer in self._open.items():
            writer.transport.abort()
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await (self._fail(reader, writer) if self.fault else self._pass(reader, writer))
        finally:
            del self._open[task]
            writer.close()

    async def _fail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].split(b"\r\n")[0].strip()
            await reader.readexactly(int(length or 0))
            self.requests += 1
            if self.fault == "hang":
                await reader.read()
                return
            writer.write(ANSWERS[self.fault])

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, upstream = await asyncio.open_connection(*self._upstream)
        try:
            await asyncio.gather(_copy(reader, upstream), _copy(answers, writer))
        finally:
            upstream.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
