"""Signed HTTP with real Bolt: the same events, commands and clicks, and Slack's tries again."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.signature import SignatureVerifier

from bot.demo.slack.push import signature
from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.conftest import bolt_of

ROOM = "inc-checkout"


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """An aiohttp application on a free loopback port; its request URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


def answering(status: int, seen: list[dict[str, str]], **headers: str) -> web.Application:
    """A server that answers everything with one status."""

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(status=status, headers={key.replace("_", "-"): value for key, value in headers.items()})

    app = web.Application()
    app.router.add_post("/slack/events", answer)
    return app


async def test_bolt_takes_what_is_signed(slack: Sandbox) -> None:
    """The challenge is answered; events, commands and their acks come through."""
    app: AsyncApp = bolt_of(slack)
    heard: list[str] = []

    @app.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    @app.command("/oncall")
    async def oncall(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"you asked: {command['text']}")

    async with serving(app.web_app()) as url:
        assert await slack.set_request_url(url) is True
        await slack.say(ROOM, "@nightjar why?")
        await slack.slash("/oncall", "status")
        await slack.wait_for(lambda: heard)
    assert heard == [f"<@{slack.bot_user_id}> why?"]
    assert [message["text"] for message in slack.ephemeral()] == ["you asked: status"]


async def test_a_wrong_secret_is_refused_by_bolt(slack: Sandbox) -> None:
    """The signature is real: an app with another secret answers 401 and the event is tried again."""
    app = AsyncApp(client=bolt_of(slack).client, signing_secret="another")
    async with serving(app.web_app()) as url:
        assert await slack.set_request_url(url) is False
        await slack.say(ROOM, "hi")
        await slack.settle()
    assert [(e.status, e.answer["status"]) for e in slack.events("message")] == [("http_error", 401)] * 4


async def test_tries_again_say_their_number_and_reason(slack: Sandbox) -> None:
    """The first try carries neither header."""
    seen: list[dict[str, str]] = []
    async with serving(answering(500, seen)) as url:
        await slack.set_request_url(url)
        seen.clear()
        await slack.say(ROOM, "hi")
        await slack.settle()
    marks = [(headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")) for headers in seen]
    assert marks == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


async def test_the_app_can_stop_the_tries(slack: Sandbox) -> None:
    """`X-Slack-No-Retry: 1` on an error is the last word."""
    seen: list[dict[str, str]] = []
    async with serving(answering(500, seen, X_Slack_No_Retry="1")) as url:
        await slack.set_request_url(url)
        seen.clear()
        await slack.say(ROOM, "hi")
        await slack.settle()
    assert len(seen) == 1


async def test_a_server_that_is_gone_is_tried_again(slack: Sandbox) -> None:
    """No connection is a failure like any other."""
    async with serving(answering(200, [])) as url:
        pass
    await slack.set_request_url(url)
    await slack.say(ROOM, "hi")
    await slack.settle()
    assert [exchange.status for exchange in slack.events("message")] == ["no_connection"] * 4


async def test_a_lost_answer_counts_as_a_time_out(slack: Sandbox) -> None:
    """The fault is the same one as over sockets."""
    seen: list[dict[str, str]] = []
    async with serving(answering(200, seen)) as url:
        await slack.set_request_url(url)
        seen.clear()
        await slack.drop_acks(1)
        await slack.say(ROOM, "hi")
        await slack.settle()
    assert [exchange.status for exchange in slack.events("message")] == ["timeout", "ok"]
    assert seen[1]["X-Slack-Retry-Reason"] == "http_timeout"


def test_the_signature_is_slacks() -> None:
    """The SDK's verifier, which is Slack's own, agrees."""
    verifier = SignatureVerifier("secret")
    now = str(int(time.time()))
    assert verifier.is_valid("a=b", now, signature("secret", now, b"a=b"))
    assert not verifier.is_valid("a=c", now, signature("secret", now, b"a=b"))
