"""The same verbs, driven over HTTP: for a sandbox in another process, which outlives the bot under test."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from bot.demo.slack.records import Refused

T = TypeVar("T")
LOOK_EVERY_S = 0.05


class Remote:
    """`await remote.do("say", channel="inc-checkout", text="@nightjar hi")`, and `await remote.wait_for(look)`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def do(self, verb: str, **arguments: Any) -> Any:
        """One verb of the driver; its result as JSON. Raises `Refused` with what the sandbox said."""
        async with self._session.post(f"{self.url}/_sandbox/do/{verb}", json=arguments) as answer:
            body = await answer.json()
        if not body["ok"]:
            raise Refused(body["error"], *body.get("messages", ()))
        return body["result"]

    async def wait_for(self, look: Callable[[], Awaitable[T]], timeout: float = 5.0) -> T:  # noqa: ASYNC109 - a port
        """The first true value of `look`, asked every 50 ms; raises TimeoutError."""
        end = time.monotonic() + timeout
        while not (value := await look()):
            if time.monotonic() > end:
                raise TimeoutError(f"not within {timeout} s")
            await asyncio.sleep(LOOK_EVERY_S)
        return value
