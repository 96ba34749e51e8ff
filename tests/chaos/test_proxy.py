"""The proxy does to a connection what its weather says, and counts what is left."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.chaos.proxy import Proxy, Weather

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[Proxy], Awaitable[Ends]]


@contextlib.asynccontextmanager
async def before_echo(*, deaf: bool = False) -> AsyncIterator[Proxy]:
    """A proxy before a server that says what it hears; a `deaf` one does not end when its client does."""
    stop = asyncio.Event()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        if deaf:
            await stop.wait()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy("127.0.0.1", server.sockets[0].getsockname()[1], seed=1) as proxy:
        yield proxy
        stop.set()
    server.close()


@pytest.fixture
async def connected() -> AsyncIterator[Connect]:
    """Makes a client of a proxy, which is closed at the end."""
    writers = []

    async def connect(proxy: Proxy) -> Ends:
        ends = await asyncio.open_connection("127.0.0.1", proxy.port)
        writers.append(ends[1])
        return ends

    yield connect
    for writer in writers:
        writer.close()


async def said(ends: Ends, data: bytes) -> bytes:
    """Send and hear as much back."""
    ends[1].write(data)
    return await asyncio.wait_for(ends[0].readexactly(len(data)), 5)


async def until(proxy: Proxy, open: int) -> None:
    """Wait until so many connections are open."""
    async with asyncio.timeout(5):
        while proxy.open != open:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.005)


async def test_in_fair_weather_everything_passes(connected: Connect) -> None:
    """Both ways, and the end of a connection too."""
    async with before_echo() as proxy:
        ends = await connected(proxy)
        assert await said(ends, b"x" * 200_000) == b"x" * 200_000
        assert (proxy.open, proxy.half_closed, proxy.accepted) == (1, 0, 1)
        ends[1].write_eof()
        assert await ends[0].read() == b""
        ends[1].close()
        await until(proxy, 0)


async def test_a_delay_holds_at_once_and_ends_at_once(connected: Connect) -> None:
    """On a connection that was open before."""
    async with before_echo() as proxy:
        ends = await connected(proxy)
        took = []
        for weather in (Weather(), Weather(delay=(0.1, 0.15)), Weather()):
            proxy.weather = weather
            began = time.monotonic()
            await said(ends, b"hello")
            took.append(time.monotonic() - began)
        assert took[1] >= 0.1 > max(took[0], took[2])


async def test_a_hole_keeps_what_it_took_until_it_ends(connected: Connect) -> None:
    """Nothing is lost, nothing comes."""
    async with before_echo() as proxy:
        ends = await connected(proxy)
        await said(ends, b"hello")
        proxy.weather = Weather(hole=True)
        ends[1].write(b"are you there?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ends[0].read(1), 0.1)
        proxy.weather = Weather()
        assert await asyncio.wait_for(ends[0].readexactly(14), 5) == b"are you there?"


async def test_it_cuts_after_so_many_bytes(connected: Connect) -> None:
    """As a reset, with what came before."""
    async with before_echo() as proxy:
        proxy.weather = Weather(cut_after=8)
        ends = await connected(proxy)
        assert await said(ends, b"12345678") == b"12345678"
        ends[1].write(b"9")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(ends[0].read(), 5)
        await until(proxy, 0)


async def test_resetting_ends_what_is_open_and_closed_refuses_who_comes(connected: Connect) -> None:
    """Until it is open again."""
    async with before_echo() as proxy:
        ends = await connected(proxy)
        await said(ends, b"hello")
        proxy.weather = Weather(closed=True)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(ends[0].read(), 5)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await said(await connected(proxy), b"hello")
        proxy.weather = Weather()
        assert await said(await connected(proxy), b"hello") == b"hello"


async def test_a_drip_is_slow_and_whole(connected: Connect) -> None:
    """So many bytes a second."""
    async with before_echo() as proxy:
        proxy.weather = Weather(drip=2_000)
        began = time.monotonic()
        assert await said(await connected(proxy), b"x" * 400) == b"x" * 400
        assert 0.15 <= time.monotonic() - began < 2


async def test_nobody_upstream_is_a_reset(connected: Connect) -> None:
    """As a server that is down."""
    async with before_echo() as first, Proxy("127.0.0.1", first.port) as second:
        first._server.close()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await said(await connected(second), b"hello")


async def test_what_a_client_leaves_open_upstream_is_an_orphan_after_its_time(connected: Connect) -> None:
    """A server that goes on although nobody listens."""
    async with before_echo(deaf=True) as proxy:
        ends = await connected(proxy)
        await said(ends, b"hello")
        assert proxy.orphans(0) == 0
        ends[1].close()
        await asyncio.sleep(0.1)
        assert (proxy.open, proxy.half_closed) == (1, 1)
        assert (proxy.orphans(0.05), proxy.orphans(5)) == (1, 0)
