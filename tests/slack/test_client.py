"""The one way out: what may have worked is never sent again by itself, and what surely did not is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.demo.slack.sandbox import Sandbox
from bot.domain.errors import ReplyError
from bot.slack.client import SlackClient, open_client
from bot.slack.settings import SlackSettings
from tests.slack.house import settings_of

CHANNEL = "inc-checkout"


@pytest.fixture
async def slack() -> AsyncIterator[Sandbox]:
    """A sandbox without a bot."""
    async with Sandbox() as slack:
        yield slack


@pytest.fixture
async def client(slack: Sandbox) -> AsyncIterator[SlackClient]:
    """A client of the sandbox."""
    client = open_client(settings_of(slack, timeout=0.5))
    yield client
    await client.close()


async def post(client: SlackClient, **more: Any) -> Any:
    """One message."""
    return await client.call("chat.postMessage", channel=CHANNEL, text="hello", **more)


@pytest.mark.parametrize("kind", ["landed_error", "landed_dropped", "stall"])
async def test_what_may_have_worked_is_sent_once(slack: Sandbox, client: SlackClient, kind: str) -> None:
    """A call that Slack took before it failed is one request and not sure."""
    await slack.fail("chat.postMessage", kind, seconds=2)
    outcome = await post(client)
    assert (outcome.ok, outcome.sure) == (False, False)
    assert len(slack.calls("chat.postMessage")) <= 1


async def test_an_idempotent_call_is_repeated(slack: Sandbox, client: SlackClient) -> None:
    """What may be repeated is, until it worked."""
    await slack.fail("conversations.list", "dropped", times=1)
    outcome = await client.call("conversations.list", repeat=True, limit=1)
    assert outcome.ok


async def test_a_rate_limit_holds_the_method(slack: Sandbox, client: SlackClient) -> None:
    """After 429 the next call of that method waits as long as Slack said; without the patience it is not made."""
    await slack.fail("chat.postMessage", "rate_limited", seconds=30)
    first = await post(client, patience=0.1)
    second = await post(client, patience=0.1)
    assert [outcome.error for outcome in (first, second)] == ["ratelimited"] * 2
    assert second.wait > 25
    assert len(slack.calls("chat.postMessage")) == 1
    assert (await client.call("conversations.list", limit=1)).ok


async def test_a_refusal_is_sure(slack: Sandbox, client: SlackClient) -> None:
    """Slack's own no comes back at once, with its code."""
    outcome = await client.call("chat.postMessage", channel="C0NONE", text="x")
    assert (outcome.error, outcome.sure) == ("channel_not_found", True)


async def test_no_connection_is_sure_and_tried_again() -> None:
    """Where nobody listens nothing can have worked."""
    client = open_client(SlackSettings("xoxb-none", base_url="http://127.0.0.1:1/api/"))
    outcome = await post(client, patience=0.6)
    assert (outcome.error, outcome.sure) == ("no_connection", True)
    assert not await client.respond("http://127.0.0.1:1/x", {})
    assert not await client.send_bytes("http://127.0.0.1:1/x", b"")
    await client.close()


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<html>busy</html>"),
        (200, "text/plain", "busy"),
        (200, "application/json", "{"),
        (200, "application/json", "[]"),
        (502, "text/html", "<html>bad gateway</html>"),
        (503, "application/json", '{"ok": false, "error": "service_unavailable"}'),
    ],
)
async def test_an_answer_that_is_none_is_not_sure(status: int, kind: str, body: str) -> None:
    """A proxy's page, cut JSON, a list: nothing is known of the call."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, content_type=kind, text=body)

    app = web.Application()
    app.router.add_post("/api/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = open_client(SlackSettings("xoxb-x", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/"))
    outcome = await post(client)
    await client.close()
    await runner.cleanup()
    assert (outcome.ok, outcome.sure) == (False, False)


async def test_who_we_are_is_asked_once(slack: Sandbox, client: SlackClient) -> None:
    """Fifty first events ask auth.test once; a bad token is an error, and is not kept."""
    found = await asyncio.gather(*(client.me() for _ in range(50)))
    assert {me.user for me in found} == {slack.bot_user_id}
    assert len(slack.calls("auth.test")) == 1
    stranger = open_client(SlackSettings("xoxb-wrong", base_url=slack.api_url))
    with pytest.raises(ReplyError, match="invalid_auth"):
        await stranger.me()
    await stranger.close()


async def test_after_the_end_nothing_is_sent(slack: Sandbox, client: SlackClient) -> None:
    """A late call opens no new session."""
    await client.me()
    await client.close()
    assert (await post(client)).error == "closed"
    assert not await client.respond(f"{slack.url}/x", {})
    assert slack.calls("chat.postMessage") == []


def test_tokens_never_show() -> None:
    """Settings in a log line or an error hold no secret."""
    shown = repr(SlackSettings("xoxb-1-secret", "xapp-1-secret", "signing-secret"))
    assert "secret" not in shown
