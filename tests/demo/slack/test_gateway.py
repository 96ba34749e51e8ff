"""The wire under the Web API: three ways to pass arguments, tokens, faults and rate limits."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.conftest import Clock, client_of, code_of

ROOM = "#general"


async def call(slack: Sandbox, verb: str, method: str, **options: object) -> dict[str, object]:
    """A raw call without any SDK."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, f"{slack.api_url}{method}", headers=headers, **options) as answer,  # type: ignore[arg-type]
    ):
        body: dict[str, object] = await answer.json()
        return body


@pytest.mark.parametrize(("verb", "way"), [("POST", "json"), ("POST", "data"), ("POST", "params"), ("GET", "params")])
async def test_arguments_come_in_any_way(slack: Sandbox, verb: str, way: str) -> None:
    """JSON body, form body and query say the same, on POST and on GET."""
    arguments = {"channel": ROOM, "text": "hi", "blocks": '[{"type": "divider"}]'}
    answer = await call(slack, verb, "chat.postMessage", **{way: arguments})
    posted = slack.history("general")[0]
    assert answer["ok"] is True
    assert (posted["text"], posted["blocks"][0]["type"]) == ("hi", "divider")


async def test_a_token_may_stand_in_the_form(slack: Sandbox) -> None:
    """Old clients send it there; without any it is `not_authed`."""
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{slack.api_url}auth.test", data={"token": slack.bot_token}) as given:
            assert (await given.json())["user"] == "nightjar"
        async with session.post(f"{slack.api_url}auth.test") as missing:
            assert (await missing.json())["error"] == "not_authed"


async def test_broken_json_is_refused(slack: Sandbox) -> None:
    """A body that is no JSON object gets a code, not a crash."""
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for body, code in (("{", "invalid_json"), ("[]", "json_not_object")):
            async with session.post(f"{slack.api_url}api.test", data=body) as answer:
                assert (await answer.json())["error"] == code


async def test_scopes_are_told_in_a_header(client: AsyncWebClient) -> None:
    """A doctor can read there what the token may do."""
    answer = await client.auth_test()
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


async def test_every_call_is_in_the_traffic_with_its_answer(slack: Sandbox, client: AsyncWebClient) -> None:
    """The refused ones too, and never the token."""
    await client.chat_postMessage(channel=ROOM, text="hi")
    await code_of(client.chat_postMessage(channel="C0", text="hi"))
    good, bad = slack.calls("chat.postMessage")
    assert (good.status, good.sent["text"], good.answer["ok"]) == ("ok", "hi", True)
    assert (bad.status, bad.answer["error"]) == ("channel_not_found", "channel_not_found")
    assert slack.bot_token not in repr(slack.calls())


async def test_a_planned_429_says_how_long_to_wait(slack: Sandbox, client: AsyncWebClient) -> None:
    """The next call only; nothing was posted by it."""
    await slack.fail("chat.postMessage", "rate_limited", seconds=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ROOM, text="hi")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    assert slack.history("general") == []
    assert await code_of(client.chat_postMessage(channel=ROOM, text="hi")) == "ok"


@pytest.mark.parametrize(("kind", "landed"), [("server_error", 0), ("landed_error", 1)])
async def test_a_500_is_html_and_may_have_landed(
    slack: Sandbox, client: AsyncWebClient, kind: str, landed: int
) -> None:
    """As a proxy in front of Slack would answer."""
    await slack.fail("*", kind)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ROOM, text="hi")
    assert caught.value.response.status_code == 500
    assert len(slack.history("general")) == landed


@pytest.mark.parametrize(("kind", "landed"), [("dropped", 0), ("landed_dropped", 1)])
async def test_a_cut_connection_may_have_landed(slack: Sandbox, client: AsyncWebClient, kind: str, landed: int) -> None:
    """The client sees a connection error and cannot know which."""
    await slack.fail("chat.postMessage", kind)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=ROOM, text="hi")
    assert len(slack.history("general")) == landed
    assert slack.calls("chat.postMessage")[0].status == kind


async def test_a_stall_outlasts_an_impatient_client(slack: Sandbox) -> None:
    """The answer comes late; a client with a short time-out gives up."""
    impatient = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[])
    impatient.timeout = 0.05  # type: ignore[assignment]
    await slack.fail("auth.test", "stall", seconds=0.3)
    with pytest.raises(TimeoutError):
        await impatient.auth_test()


async def test_faults_by_chance_are_repeatable() -> None:
    """The same seed breaks the same calls."""

    async def run(seed: int) -> list[str]:
        async with Sandbox(faults={"api.test": 0.5}, seed=seed) as slack:
            for _ in range(20):
                try:
                    await client_of(slack).api_test()
                except (SlackApiError, aiohttp.ClientError):
                    continue
            return [exchange.status for exchange in slack.calls("api.test")]

    first, again, other = await run(7), await run(7), await run(8)
    assert first == again != other
    assert 4 <= sum(status != "ok" for status in first) <= 16


async def test_healing_takes_every_fault_back(slack: Sandbox, client: AsyncWebClient) -> None:
    """Also one planned for a thousand calls."""
    await slack.fail("*", "server_error", times=1000)
    await slack.heal()
    assert await code_of(client.auth_test()) == "ok"


async def test_an_unknown_fault_is_named(slack: Sandbox) -> None:
    """A typing mistake in a test must not pass silently."""
    with pytest.raises(ValueError, match="landed_dropped"):
        await slack.fail("*", "explode")


async def test_one_post_a_second_in_each_channel(slack: Sandbox, client: AsyncWebClient, clock: Clock) -> None:
    """Another channel and another second are free."""
    await slack.limit(on=True)
    first = [await code_of(client.chat_postMessage(channel=room, text="x")) for room in (ROOM, ROOM, "#inc-checkout")]
    clock.at += 1
    assert [*first, await code_of(client.chat_postMessage(channel=ROOM, text="x"))] == ["ok", "ratelimited", "ok", "ok"]


async def test_a_tier_is_a_number_of_calls_a_minute(slack: Sandbox, client: AsyncWebClient, clock: Clock) -> None:
    """Tier 2 takes 20, then says when the oldest call leaves the window."""
    await slack.limit(on=True)
    codes = [await code_of(client.users_list()) for _ in range(21)]
    clock.at += 20
    with pytest.raises(SlackApiError) as caught:
        await client.users_list()
    clock.at += 40
    assert codes == ["ok"] * 20 + ["ratelimited"]
    assert caught.value.response.headers["Retry-After"] == "40"
    assert await code_of(client.users_list()) == "ok"


async def test_the_sdks_retry_handler_waits_it_out(slack: Sandbox) -> None:
    """A real client with the SDK's handler gets through a 429."""
    client = client_of(slack)
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
    await slack.fail("api.test", "rate_limited", seconds=1)
    assert await code_of(client.api_test()) == "ok"
    assert [exchange.status for exchange in slack.calls("api.test")] == ["ratelimited", "ok"]
