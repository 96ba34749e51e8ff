"""A fresh workspace, a clock to turn, a real client and a real Bolt app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.desk import Desk


@dataclass
class Clock:
    """Time that only moves when told to."""

    at: float = 1_790_000_000.0

    def __call__(self) -> float:
        """Now, in seconds."""
        return self.at


def client_of(slack: Sandbox, token: str | None = None) -> AsyncWebClient:
    """The real client, without its own retries."""
    return AsyncWebClient(token=token or slack.bot_token, base_url=slack.api_url, timeout=5, retry_handlers=[])


def bolt_of(slack: Sandbox) -> AsyncApp:
    """The real Bolt app over that client."""
    return AsyncApp(client=client_of(slack), signing_secret=slack.signing_secret)


@asynccontextmanager
async def socket_mode(slack: Sandbox, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app connected by one real Socket Mode connection."""
    web = AsyncWebClient(base_url=slack.api_url)
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=web, ping_interval=1)
    held = len(slack.sockets.connections)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.wait_connected(held + 1)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def code_of(call: object) -> str:
    """The error code a call is refused with, or `ok`."""
    try:
        await call  # type: ignore[misc]
    except SlackApiError as error:
        return str(error.response["error"])
    return "ok"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Sandbox]:
    """A sandbox with short waits."""
    async with Sandbox(now=clock, retry_delays=(0, 0.02, 0.02), ack_timeout=0.4) as sandbox:
        yield sandbox


@pytest.fixture
def client(slack: Sandbox) -> AsyncWebClient:
    """The bot's client."""
    return client_of(slack)


@pytest.fixture
async def desk(slack: Sandbox, client: AsyncWebClient) -> Desk:
    """A laid desk."""
    return await Desk(slack, client).lay()
