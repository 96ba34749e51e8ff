"""A server that has stopped answering is left alone, then tried again."""

import asyncio
import time

import pytest

from bot.domain.errors import SourceDown
from bot.sources import _http
from bot.sources._http import MOST_SILENCES, Http
from bot.sources._settings import HttpSettings
from tests.sources.opened import door
from tests.sources.served import Reply, Server


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
    with pytest.raises(
        SourceDown, match=r"prom \(\S+\) did not answer within 0\.05 s; 4 times in a row, so it is left alone"
    ):
        await http.get("/")
    assert time.monotonic() - began < http.settings.timeout
    await http.close()
    server.close()
    await server.wait_closed()


async def test_a_server_that_stops_in_mid_answer_is_silent_too() -> None:
    """A head that comes in time is no answer."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with door(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.05) as http:
        for _ in range(MOST_SILENCES):
            with pytest.raises(SourceDown, match="did not answer"):
                await http.get("/")
        with pytest.raises(SourceDown, match="left alone"):
            await http.get("/")
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("delay", "left"), [(0.05, True), (0.0, False)])
async def test_an_error_that_took_its_time_counts(monkeypatch: pytest.MonkeyPatch, delay: float, left: bool) -> None:
    """A gateway that waits before its 504 is left alone; one that refuses at once may be asked by everyone."""
    monkeypatch.setattr(_http, "SLOW_SECONDS", 0.03)
    late = Reply(b"no upstream", 504, "text/plain", delay=delay)
    async with Server(lambda _: late) as server, door(server.url) as http:
        for _ in range(MOST_SILENCES + 1):
            with pytest.raises(SourceDown):
                await http.get("/")
        assert bool(http.breaker.trouble) is left
        assert len(server.requests) == MOST_SILENCES + (not left)


@pytest.mark.parametrize(("patience", "said"), [(0.0, "was not waited for any longer"), (30.0, "")])
async def test_whoever_stops_a_question_says_nothing_of_the_server(
    monkeypatch: pytest.MonkeyPatch, patience: float, said: str
) -> None:
    """Only waiting in vain is trouble; else one stop would put a false line over others' answers."""
    monkeypatch.setattr(_http, "STOPPED_SECONDS", patience)
    async with Server(lambda _: Reply(b"{}", delay=30)) as server, door(server.url) as http:
        asking = asyncio.create_task(http.get("/"))
        while not server.requests:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.005)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert http.trouble.endswith(said)
        assert bool(http.trouble) is bool(said)
