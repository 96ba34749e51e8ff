"""The one way out to Slack: one session, our own retry, an outcome instead of an exception.

Slack has no idempotency key, so a call that may have worked is never sent again by itself (`retry_handlers=[]`);
it comes back as not `sure`, and whoever posts looks for the message before sending again.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import telemetry
from bot.domain.errors import ReplyError
from bot.domain.ports import Fence
from bot.slack.clock import SlackClock
from bot.slack.pace import Bucket
from bot.slack.sessions import Sessions
from bot.slack.settings import SlackSettings

READS = frozenset(
    {
        *("conversations.history", "conversations.info", "conversations.list", "conversations.replies"),
        *("users.conversations", "users.info"),
    }
)
QUERIES = frozenset({"files.completeUploadExternal", "files.getUploadURLExternal"})  # Slack takes no JSON there
UNSURE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
AGAIN = frozenset({"no_connection", "ratelimited"})  # the call surely did nothing, and may work later
TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)  # of the whole process, not of a channel: a new token may make it work
UNWANTED = "unwanted"
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
MOST_BUCKETS = 500
QUIET = logging.getLogger("slack_sdk.quiet")
# With no level of its own the SDK formats every body for a line nobody reads; its warnings are of our own settings.
QUIET.setLevel(logging.ERROR)


@dataclass(frozen=True)
class Outcome:
    """What became of a call: `error` is Slack's code; not `sure` means that it may have worked all the same."""

    data: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    sure: bool = True
    wait: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether Slack took it."""
        return not self.error

    @property
    def passes(self) -> bool:
        """Whether the same call may work later: it was refused by nobody who read it."""
        return not self.ok and (not self.sure or self.error in AGAIN | TOKEN)


class Open:
    """A fence that always holds: for a process that shares its work with no other."""

    def holds(self) -> bool:
        """Yes."""
        return True

    async def passes(self) -> None:
        """At once."""


@dataclass(frozen=True)
class Identity:
    """Who the bot token is, by `auth.test`."""

    team: str
    user: str
    bot: str
    url: str = ""


class SlackClient:
    """Calls Slack's Web API; made anywhere, its session is opened by the first call.

    Nothing is written while `fence` is closed. `clock` is told Slack's time by every answer.
    """

    def __init__(
        self,
        settings: SlackSettings,
        web: AsyncWebClient,
        fence: Fence | None = None,
        clock: SlackClock | None = None,
    ) -> None:
        self.settings = settings
        self.web = web
        self.clock = clock or SlackClock()
        self._fence = fence or Open()
        self._buckets: dict[str, Bucket] = {}
        self.sessions = Sessions(self.call)
        self._closed = False
        self._held: dict[str, float] = {}
        self._me: Identity | None = None
        self._asking = asyncio.Lock()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The shared session; a new one for each call costs three to ten times the CPU."""
        if self.web.session is None or self.web.session.closed:
            timeout = aiohttp.ClientTimeout(total=self.settings.timeout)
            self.web.session = aiohttp.ClientSession(timeout=timeout)
        return self.web.session

    async def me(self) -> Identity:
        """Who we are, asked once; raises ReplyError when Slack does not say."""
        async with self._asking:
            if self._me is None:
                outcome = await self.call("auth.test", repeat=True)
                if not outcome.ok:
                    raise ReplyError(f"auth.test: {outcome.error}")
                said = outcome.data
                self._me = Identity(said["team_id"], said["user_id"], said.get("bot_id", ""), said.get("url", ""))
        return self._me

    async def call(
        self,
        method: str,
        *,
        repeat: bool = False,
        patience: float = 30.0,
        still: Callable[[], bool] = lambda: True,
        **arguments: Any,
    ) -> Outcome:
        """One call, tried again for `patience` seconds where that is safe; `repeat` says that it always is.

        `still` is asked right before each try whether it is wanted at all, as a process may have been frozen before.
        """
        loop = asyncio.get_running_loop()
        end, wait = loop.time() + patience, FIRST_WAIT
        limited = f"{method} {arguments.get('channel')}" if method == "chat.postMessage" else method  # by channel
        while True:
            if method not in READS and method != "auth.test":
                await self._fence.passes()
            if not still():
                return Outcome(error=UNWANTED)
            bucket = self._bucket(limited) if method == "chat.postMessage" else None
            held = max(self._held.get(limited, 0.0) - loop.time(), bucket.due if bucket else 0.0)
            if held > 0 and loop.time() + held > end:
                return Outcome(error="ratelimited", wait=held)
            if held > 0:  # and look again: by then somebody else may have been held, or have gone first
                telemetry.count("slack_held_seconds", held, method=method)
                await asyncio.sleep(held)
                continue
            if bucket:
                bucket.take()
            started = loop.time()
            outcome = await self._once(method, arguments)
            telemetry.count("slack_calls", method=method, outcome=outcome.error or "ok")
            telemetry.observe("slack_seconds", loop.time() - started, method=method)
            if outcome.error == "ratelimited":
                self._held[limited] = max(self._held.get(limited, 0.0), loop.time() + outcome.wait)
                if bucket:
                    bucket.empty(outcome.wait)
                continue
            again = outcome.error in AGAIN or (repeat and not outcome.sure)
            if outcome.ok or not again or loop.time() + wait > end:
                return outcome
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _bucket(self, limited: str) -> Bucket:
        """What a channel still takes."""
        while len(self._buckets) > MOST_BUCKETS:
            self._buckets.pop(next(iter(self._buckets)))
        return self._buckets.setdefault(limited, Bucket())

    async def send_bytes(self, url: str, data: bytes) -> bool:
        """Bring a file's bytes to the URL Slack gave for them; False when they did not arrive."""
        return await self._deliver(url, data=data)

    async def respond(self, url: str, message: Mapping[str, Any]) -> bool:
        """Answer a command at its response URL; False when Slack no longer takes it."""
        return await self._deliver(url, json=message)

    async def close(self) -> None:
        """Close the shared session; a call after that does nothing and says so."""
        self._closed = True
        if self.web.session is not None:
            await self.web.session.close()

    async def _deliver(self, url: str, **body: Any) -> bool:
        if self._closed:
            return False
        try:
            async with self.session.post(url, **body) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _once(self, method: str, arguments: dict[str, Any]) -> Outcome:
        if self._closed:
            return Outcome(error="closed")
        _ = self.session
        try:
            if method in READS:
                response = await self.web.api_call(method, http_verb="GET", params=_flat(arguments))
            elif method in QUERIES:
                response = await self.web.api_call(method, params=_flat(arguments))
            else:
                response = await self.web.api_call(method, json=arguments)
        except SlackApiError as error:
            self._heard(error.response)
            return _refusal(error)
        except aiohttp.ClientConnectorError:
            return Outcome(error="no_connection")
        except (aiohttp.ClientError, TimeoutError):
            return Outcome(error="cut", sure=False)
        except (AttributeError, ValueError):  # what the SDK raises for a body that is no JSON object
            return Outcome(error="garbage", sure=False)
        self._heard(response)
        return Outcome(response.data if isinstance(response.data, dict) else {})

    def _heard(self, response: Any) -> None:
        if isinstance(response, AsyncSlackResponse):
            self.clock.heard(response.headers)


def open_client(settings: SlackSettings, fence: Fence | None = None, clock: SlackClock | None = None) -> SlackClient:
    """The client that the chat, the replies and the app share."""
    web = AsyncWebClient(settings.bot_token, base_url=settings.base_url, retry_handlers=[], logger=QUIET)
    return SlackClient(settings, web, fence, clock)


def _flat(arguments: dict[str, Any]) -> dict[str, Any]:
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in arguments.items()}


def _refusal(error: SlackApiError) -> Outcome:
    response = error.response
    if not isinstance(response, AsyncSlackResponse):
        return Outcome(error="garbage", sure=False)
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error", ""))
    if response.status_code == 429 or code == "ratelimited":
        return Outcome(data, "ratelimited", wait=_seconds(response.headers.get("Retry-After")))
    unsure = response.status_code >= 500 or code in UNSURE or not code
    return Outcome(data, code or f"http_{response.status_code}", sure=not unsure)


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 1.0
