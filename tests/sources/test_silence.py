"""A server that has stopped answering is left alone, then tried again."""

import asyncio
import time

import pytest

from bot.domain.errors import SourceDown
from bot.sources._http import MOST_SILENCES, Http
from bot.sources._settings import HttpSettings


async def test_a_silent_server_is_not_asked_again() -> None:
    """After the time-outs everyone hears at once that it is left alone."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    http = Http("prom", HttpSettings(url=url, timeout=0.05))
    await asyncio.gather(*(http.get("/") for _ in range(MOST_SILENCES)), return_exceptions=True)
    began = time.monotonic()
    with pytest.raises(SourceDown, match="left alone"):
        await http.get("/")
    assert time.monotonic() - began < http.settings.timeout
    await http.close()
    server.close()
    await server.wait_closed()
