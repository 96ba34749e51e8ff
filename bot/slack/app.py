"""The Bolt app, and its two runners: Socket Mode and HTTP."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.domain.errors import ReplyError
from bot.domain.plugin import Action, Command
from bot.flows.deps import Deps
from bot.plugins import discover
from bot.slack import actions, commands
from bot.slack.accept import Accept
from bot.slack.client import QUIET, SlackClient
from bot.slack.context import SlackContext
from bot.slack.gate import Gate
from bot.slack.hearing import Hearing
from bot.slack.join import sweep

Reply = tuple[int, dict[str, str], bytes]
CONNECTIONS = 2  # Slack renews each connection every few hours; the other one listens meanwhile
PING_SECONDS = 5
_log = logging.getLogger(__name__)


class SlackApp:
    """Hears Slack over either transport; the same middleware, the same handlers."""

    def __init__(self, client: SlackClient, deps: Deps) -> None:
        self.client = client
        self.context = SlackContext(deps, client)
        self.commands = discover(commands, "COMMAND", Command)
        self.actions = discover(actions, "ACTION", Action)
        self.hearing = Hearing(self.context, self.commands)
        self.bolt = AsyncApp(
            name="slack_bolt.nightjar",  # Bolt sets this logger's level at every request
            logger=QUIET,
            client=client.web,
            signing_secret=client.settings.signing_secret,
            request_verification_enabled=False,  # the gate has checked the raw bytes before Bolt parses them
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        self.bolt.use(Accept(self.hearing, self.actions))
        self._gate = Gate(client.settings.signing_secret, lambda: deps.clock.now().timestamp())
        self._sockets: list[AsyncSocketModeHandler] = []
        self._closed = asyncio.Event()
        self._primed = False

    async def prime(self) -> None:
        """Ask who we are, so that no event waits for it; raises ReplyError when the token does not work. Once.

        Incident channels that were made while nobody listened are entered then, and what was kept long enough goes.
        """
        if self._primed:
            return
        await self.client.me()
        first = AsyncBoltRequest(body={"type": "event_callback", "event": {}}, mode="socket_mode")
        await self.bolt.async_dispatch(first)
        self._primed = True
        self.context.after(self.sweep)
        self.context.after(partial(self.context.deps.history.purge, self.context.deps.clock.now()))

    async def run_socket(self) -> None:
        """Hold two Socket Mode connections until `close`."""
        await self.prime()
        for _ in range(CONNECTIONS):
            handler = AsyncSocketModeHandler(
                self.bolt, self.client.settings.app_token, web_client=self.client.web, ping_interval=PING_SECONDS
            )
            self._sockets.append(handler)
        for handler in self._sockets:
            await handler.client.connect()  # type: ignore[no-untyped-call]
        await self._closed.wait()

    def trouble(self) -> str:
        """What keeps us from hearing Slack, empty when nothing does; over HTTP it is Slack that would not reach us."""
        sessions = [handler.client.current_session for handler in self._sockets]
        if not sessions or any(session is not None and not session.closed for session in sessions):
            return ""
        return "not connected to Slack; what is asked meanwhile is caught up with after the next connection"

    async def sweep(self) -> None:
        """Enter the incident channels that were made while nobody listened."""
        entered = await sweep(self.context)
        if entered:
            _log.info("entered %d incident channels", entered)

    async def handle_http(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """One HTTP request from Slack: status, headers and body to answer with. Never raises for what is in it.

        401, 413 and 415 come from the gate; 503 says that nothing was accepted, so that Slack delivers again.
        """
        if refused := self._gate.refuses(body, headers):
            return refused, {}, b""
        try:
            request = AsyncBoltRequest(body=body.decode(), headers=dict(headers), mode="http")
        except (AttributeError, TypeError, ValueError, RecursionError):
            return 200, {}, b""  # signed, and no request of any known shape: not to be sent again
        try:
            await self.prime()
        except ReplyError:
            return 503, {}, b""
        response = await self.bolt.async_dispatch(request)
        if response.status >= 500:
            return 503, {}, b""
        return response.status, dict(response.first_headers_without_set_cookie()), response.body.encode()

    async def close(self) -> None:
        """Hear no more, and finish what waits for its turn after an ack; the client stays open for the replies."""
        self._closed.set()
        for handler in self._sockets:
            await handler.client.close()  # type: ignore[no-untyped-call]
        await self.context.afterwards.drain()
