"""What `doctor` and `init` say of tokens, scopes and the clock, each with its remedy."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.demo.slack.sandbox import Sandbox
from bot.domain.checks import Check
from bot.slack.client import open_client
from bot.slack.clock import SlackClock
from bot.slack.health import Pulse, check_app_token, check_bot_token
from bot.slack.settings import SlackSettings

WANTED = ("chat:write", "app_mentions:read")
NOBODY = "http://127.0.0.1:9/api/"


def clock(ahead: float) -> SlackClock:
    """That of a machine which is so many seconds ahead."""
    return SlackClock(lambda: time.time() + ahead)


async def looked(base: str, token: str, ahead: float = 0.0) -> dict[str, Check]:
    """The checks of a bot token, by part."""
    client = open_client(SlackSettings(token, base_url=base), clock=clock(ahead))
    try:
        return {check.part: check for check in await check_bot_token(client, WANTED)}
    finally:
        await client.close()


@pytest.fixture
async def slack() -> AsyncIterator[Sandbox]:
    """A workspace that grants one of the two scopes."""
    async with Sandbox(scopes=("chat:write", "commands")) as running:
        yield running


async def test_a_working_token_says_who_it_is(slack: Sandbox) -> None:
    """The bot and its workspace, so that a token of another workspace is noticed."""
    check = (await looked(slack.api_url, slack.bot_token))["slack bot token"]
    assert (check.ok, check.detail.startswith("nightjar in ")) == (True, True)


async def test_missing_scopes_are_named(slack: Sandbox) -> None:
    """The remedy names them, and that the app has to be installed again."""
    check = (await looked(slack.api_url, slack.bot_token))["slack scopes"]
    assert (check.ok, check.detail) == (False, "2 granted, 1 missing")
    assert "app_mentions:read" in check.remedy
    assert "chat:write" not in check.remedy
    assert "reinstall" in check.remedy


async def test_all_scopes_granted() -> None:
    """More than is wanted does no harm."""
    async with Sandbox() as slack:
        assert (await looked(slack.api_url, slack.bot_token))["slack scopes"].ok
    async with Sandbox(scopes=()) as silent:
        assert (await looked(silent.api_url, silent.bot_token))["slack scopes"].detail == "Slack did not list them"


@pytest.mark.parametrize(("ahead", "well"), [(0.0, True), (45.0, True), (120.0, False), (-120.0, False)])
async def test_the_clock_is_compared_with_slacks(slack: Sandbox, ahead: float, well: bool) -> None:
    """Both ways; the seconds are told with their sign."""
    check = (await looked(slack.api_url, slack.bot_token, ahead))["clock"]
    assert check.ok is well
    assert abs(float(check.detail.split()[0]) - ahead) <= 5
    assert "NTP" in check.remedy


async def test_a_refused_token_gets_slacks_word_and_where_to_find_it(slack: Sandbox) -> None:
    """Nothing else can be said then."""
    (check,) = (await looked(slack.api_url, "xoxb-wrong")).values()
    assert (check.ok, check.detail) == (False, "invalid_auth")
    assert "SLACK_BOT_TOKEN" in check.remedy


async def test_a_slack_that_cannot_be_reached() -> None:
    """It is no matter of tokens, and is not said to be."""
    (check,) = (await looked(NOBODY, "xoxb-any")).values()
    assert (check.part, check.ok) == ("slack", False)
    assert "reachable" in check.remedy


async def test_the_app_token(slack: Sandbox) -> None:
    """It opens Socket Mode; a bot token in its place does not."""
    assert (await check_app_token(slack.app_token, slack.api_url)).ok
    wrong = await check_app_token(slack.bot_token, slack.api_url)
    assert (wrong.ok, wrong.detail) == (False, "not_allowed_token_type")
    assert "connections:write" in wrong.remedy
    assert "no answer" in (await check_app_token(slack.app_token, NOBODY)).detail


async def felt(base: str, token: str, ahead: float = 0.0) -> tuple[str, Pulse]:
    """What is wrong with Slack's API, and what is known by then."""
    client = open_client(SlackSettings(token, base_url=base), clock=clock(ahead))
    pulse = Pulse(client)
    try:
        return await pulse.trouble(), pulse
    finally:
        await client.close()


async def test_the_pulse_knows_the_clock(slack: Sandbox) -> None:
    """By the date of whatever Slack answers; within a second, as the header has no fractions."""
    trouble, pulse = await felt(slack.api_url, slack.bot_token, 612.0)
    assert (trouble, pulse.refused) == ("", False)
    assert pulse.skew == pytest.approx(612, abs=2)


async def test_a_refused_token_is_told_from_a_slack_that_is_away(slack: Sandbox) -> None:
    """The first one needs a person; the second one passes."""
    trouble, pulse = await felt(slack.api_url, "xoxb-wrong")
    assert (pulse.refused, "invalid_auth; set SLACK_BOT_TOKEN" in trouble) == (True, True)
    trouble, pulse = await felt(NOBODY, "xoxb-any")
    assert (pulse.refused, pulse.skew, "does not answer" in trouble) == (False, None, True)
