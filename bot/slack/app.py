"""The Bolt app, and its two runners: Socket Mode and HTTP."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.errors import ReplyError
from bot.domain.plugin import Action, Command
from bot.flows.deps import Deps
from bot.plugins import discover
from bot.slack import actions, commands
from bot.slack.accept import Accept
from bot.slack.catchup import CatchUp
from bot.slack.client import QUIET, TOKEN, SlackClient
from bot.slack.context import SlackContext
from bot.slack.gate import Gate
from bot.slack.hearing import Hearing
from bot.slack.join import sweep
from bot.slack.mention import Mentions
from bot.slack.socket import Line

Reply = tuple[int, dict[str, str], bytes]
CONNECTIONS = 2  # Slack renews each connection every few hours; the other one listens meanwhile
START_SECONDS = 5.0  # for Slack's first answer; the start waits no longer
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # between tries after that
REFUSED = TOKEN | {"not_allowed_token_type", "missing_scope"}
_log = logging.getLogger(__name__)


class SlackApp:
    """Hears Slack over either transport; the same middleware, the same handlers."""

    def __init__(self, client: SlackClient, deps: Deps) -> None:
        self.client = client
        self.context = SlackContext(deps, client)
        self.commands = discover(commands, "COMMAND", Command)
        self.actions = discover(actions, "ACTION", Action)
        self.hearing = Hearing(self.context, self.commands)
        mentions = Mentions(self.hearing)
        self.gaps = CatchUp(self.context, mentions)
        self.bolt = AsyncApp(
            name="slack_bolt.nightjar",  # Bolt sets this logger's level at every request
            before_authorize=Accept(
                self.hearing, self.actions, mentions, self.gaps
            ),  # which acks what it cannot ask for
            logger=QUIET,
            client=client.web,
            signing_secret=client.settings.signing_secret,
            request_verification_enabled=False,  # the gate has checked the raw bytes before Bolt parses them
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        self._gate = Gate(client.settings.signing_secret, client.clock.time)
        self._lines: list[Line] = []
        self._closed = asyncio.Event()
        self._primed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._since: datetime | None = None
        self._refused = ""

    async def prime(self) -> None:
        """Ask who we are, so that no event waits for it; raises ReplyError when Slack refuses the token.

        Slack that is away is waited for beside, and `trouble` says so. Then incident channels that were made while
        nobody listened are entered, and what was missed is caught up with.
        """
        if self._primed.is_set() or self._tasks:
            return
        self._cut_off()
        if not await self._meet():
            if self._refused:
                raise ReplyError(f"auth.test: {self._refused}")
            _log.warning("Slack does not answer; waiting for it")
            self._tasks.append(asyncio.create_task(self._meet_later()))

    async def _meet(self) -> bool:
        """One try to hear from Slack who we are; with it begins all that needs to know."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.client.me()
        except (ReplyError, TimeoutError) as error:
            said = str(error).removeprefix("auth.test: ")
            self._refused = said if said in REFUSED else ""
            return False
        if not self._primed.is_set():
            self._refused, self._since = "", None
            self._primed.set()
            await self._begin()
        return True

    async def _meet_later(self) -> None:
        wait = FIRST_WAIT
        while not await self._meet():
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        _log.info("Slack answers")

    async def _begin(self) -> None:
        first = AsyncBoltRequest(body={"type": "event_callback", "event": {}}, mode="socket_mode")
        await self.bolt.async_dispatch(first)
        self._tasks.append(asyncio.create_task(self.gaps.serve()))
        self.context.after(self.sweep)
        if self.client.settings.transport == "http":
            self.gaps.wanted()

    async def run_socket(self) -> None:
        """Hold two Socket Mode connections until `close`, through any outage of Slack's."""
        await self.prime()
        await self._primed.wait()
        self._cut_off()
        self._lines = [Line(self.client, self._take, self._changed) for _ in range(CONNECTIONS)]
        self._tasks += [asyncio.create_task(line.hold()) for line in self._lines]
        await self._closed.wait()

    def trouble(self) -> str:
        """What keeps us from hearing Slack, empty when nothing does; over HTTP it is Slack that would not reach us."""
        if self._since is None:
            return ""
        since = f"since {self._since:%H:%M} UTC"
        refused = self._refused or next((line.refused for line in self._lines if line.refused), "")
        if refused:
            return f"Slack refuses the token: {refused} {since}"
        return f"no connection to Slack {since}; what is asked meanwhile is caught up with after the next connection"

    async def _take(self, payload: dict[str, Any]) -> BoltResponse:
        return await self.bolt.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))

    def _changed(self, line: Line) -> None:
        """A connection came or went. What nobody heard meanwhile is looked for, unless the other one listened."""
        others = any(other.is_open for other in self._lines if other is not line)
        if not line.is_open:
            if not others:
                self._cut_off()
            return
        if self._since is not None and not others:
            self._since = None
        if not (others and line.excused):
            self.gaps.wanted()

    def _cut_off(self) -> None:
        self._since = self._since or self.context.deps.clock.now()

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
        if not (self._primed.is_set() or await self._meet()):
            return 503, {}, b""
        response = await self.bolt.async_dispatch(request)
        if response.status >= 500:
            return 503, {}, b""
        return response.status, dict(response.first_headers_without_set_cookie()), response.body.encode()

    async def close(self) -> None:
        """Hear no more, and finish what waits for its turn after an ack; the client stays open for the replies."""
        self._closed.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.context.afterwards.drain()
        with contextlib.suppress(Exception):  # the mark may lag
            await self.gaps.save()
