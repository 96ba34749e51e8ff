"""The front passes everything on, and meets whoever comes with the fault that holds."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.chaos.front import Front
from tests.fakes.messages_server import MessagesServer, Page

WELL = b'{"status":"success"}'


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """One before a server that answers well."""
    async with (
        MessagesServer(lambda _: Page(WELL, "application/json"), strict=False) as server,
        Front(server.url) as made,
    ):
        yield made


async def ask(front: Front) -> tuple[int, str, bytes]:
    """One request on a connection of its own: status, content type, body."""
    async with aiohttp.ClientSession() as session, session.post(front.url) as answer:  # a GET is tried again
        return answer.status, answer.content_type, await answer.read()


async def test_it_passes_on(front: Front) -> None:
    """Without a fault it is as if it were not there."""
    assert await ask(front) == (200, "application/json", WELL)
    assert front.requests == 0


async def test_answers_of_its_own(front: Front) -> None:
    """An error, a page with status 200, and JSON that breaks off."""
    await front.meet("500")
    assert (await ask(front))[0] == 500
    await front.meet("html")
    assert (await ask(front))[:2] == (200, "text/html")
    await front.meet("truncated")
    status, kind, body = await ask(front)
    assert (status, kind) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(body)
    assert front.requests == 3


async def test_it_is_refused_and_back(front: Front) -> None:
    """Nobody listens, until the fault is over; the address stays."""
    await front.meet("refused")
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(front)
    await front.meet("")
    assert (await ask(front))[2] == WELL


async def test_it_hangs(front: Front) -> None:
    """The request is taken and never answered; the end of the fault breaks it off."""
    await front.meet("hang")
    asking = asyncio.create_task(ask(front))
    async with asyncio.timeout(5):
        while not front.requests:  # noqa: ASYNC110  told by nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert not asking.done()
    await front.meet("")
    with pytest.raises(aiohttp.ClientError):
        await asking
