"""One Socket Mode connection that comes back by itself: a new address for each try, waits between them, a quiet log."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError

from bot.slack.client import SlackClient

Json = dict[str, Any]
Take = Callable[[Json], Awaitable[BoltResponse]]
CONNECT_SECONDS = 10.0  # for an address and a handshake
PING_SECONDS = 5.0  # a connection that answers no ping for half of that is given up
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # between tries; Slack gives one address a second for long
LAST_ACKS = 3.0  # seconds for what is under way when Slack sends a connection away
_log = logging.getLogger(__name__)


class Line:
    """Holds a connection until cancelled; `take` hears each envelope's payload, `changed` of every coming and going.

    `refused` is Slack's word when it does not take the app token; `excused` says that it was away
    by Slack's wish, or is new.
    """

    def __init__(self, client: SlackClient, take: Take, changed: Callable[["Line"], None]) -> None:
        self._client = client
        self._take = take
        self._changed = changed
        self._under_way: set[asyncio.Task[None]] = set()
        self.is_open = False
        self.excused = True
        self.refused = ""

    async def hold(self) -> None:
        """Connect, listen, and again; never ends by itself."""
        wait = FIRST_WAIT
        while True:
            try:
                if await self._once():
                    wait = FIRST_WAIT
                    if self.excused:
                        continue
            except SlackApiError as error:
                self.refused = str(error.response.get("error", "refused"))
                _log.debug("no address for Socket Mode: %s", self.refused)
                if self.refused == "ratelimited":
                    self.refused, wait = "", LONGEST_WAIT
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError) as error:
                _log.debug("no Socket Mode connection: %s", type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _once(self) -> bool:
        """One connection from its address to its end; False when Slack did not even say hello."""
        session = self._client.session
        async with asyncio.timeout(CONNECT_SECONDS):
            answer = await self._client.web.apps_connections_open(app_token=self._client.settings.app_token)
            socket = await session.ws_connect(str(answer["url"]), heartbeat=PING_SECONDS, timeout=_CLOSE)
        try:
            return await self._listen(socket)
        finally:
            self._set(is_open=False)
            await self._finish()
            await socket.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        heard_hello = False
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            if message.get("type") == "hello":
                heard_hello, self.refused = True, ""
                self._set(is_open=True)
                self.excused = False
            elif message.get("type") == "disconnect":
                self.excused = message.get("reason") != "link_disabled"
                return heard_hello
            elif message.get("envelope_id"):
                task = asyncio.create_task(self._answer(socket, message))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        return heard_hello

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, message: Json) -> None:
        """Ack when it was taken; Slack delivers again what was not."""
        response = await self._take(message.get("payload") or {})
        if response.status != 200:
            return
        ack: Json = {"envelope_id": message["envelope_id"]}
        if response.body:
            ack["payload"] = json.loads(response.body)
        try:
            await socket.send_json(ack)
        except (ConnectionError, aiohttp.ClientError):
            _log.debug("an ack found its connection closed")

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=LAST_ACKS)

    def _set(self, *, is_open: bool) -> None:
        if self.is_open is not is_open:
            self.is_open = is_open
            self._changed(self)


_CLOSE = aiohttp.ClientWSTimeout(ws_close=1.0)  # Slack does not close TCP after the close handshake
