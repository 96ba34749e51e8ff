"""Whether Slack knows our tokens, grants our scopes, and agrees with our clock."""

from collections.abc import Iterable, Mapping

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.checks import Check
from bot.slack.client import TOKEN, SlackClient
from bot.slack.clock import SlackClock

_FOUND_AT = "OAuth & Permissions → Bot User OAuth Token, in the app's settings (https://api.slack.com/apps)"
_APP_FOUND_AT = "Basic Information → App-Level Tokens → Generate, with the scope connections:write"


async def check_bot_token(client: SlackClient, wanted: Iterable[str]) -> tuple[Check, ...]:
    """The bot token, its scopes, and the clock's skew against Slack's."""
    _ = client.session
    try:
        response = await client.web.auth_test()
    except SlackApiError as error:
        said = str(error.response.get("error", "refused"))
        return (Check("slack bot token", False, said, f"set SLACK_BOT_TOKEN: {_FOUND_AT}"),)
    except (aiohttp.ClientError, TimeoutError) as error:
        return (Check("slack", False, f"no answer: {type(error).__name__}", "is slack.com reachable from here?"),)
    headers = {name.lower(): value for name, value in response.headers.items()}
    granted = Check("slack bot token", True, f"{response['user']} in {response.get('team', response['team_id'])}")
    client.clock.heard(headers)
    return (granted, _scopes(headers, wanted), *_skew(client.clock))


def _scopes(headers: Mapping[str, str], wanted: Iterable[str]) -> Check:
    given = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    lacking = [scope for scope in wanted if scope not in given]
    if not given:
        return Check("slack scopes", True, "Slack did not list them")
    if lacking:
        remedy = f"add {', '.join(lacking)} under OAuth & Permissions, then reinstall the app (docs/permissions.md)"
        return Check("slack scopes", False, f"{len(given)} granted, {len(lacking)} missing", remedy)
    return Check("slack scopes", True, f"{len(given)} granted")


def _skew(clock: SlackClock) -> Iterable[Check]:
    if (seconds := clock.ahead) is None:
        return
    remedy = "set this machine's clock (NTP); a running bot goes by Slack's until then"
    yield Check("clock", not clock.is_off, f"{seconds:+.0f} s against Slack", remedy)


class Pulse:
    """Slack's API as a running process meets it."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self.refused = False

    @property
    def skew(self) -> float | None:
        """By how many seconds the machine's clock is ahead, None if unknown."""
        return self._client.clock.ahead

    async def trouble(self) -> str:
        """Ask once what is wrong, empty when nothing is; `refused` then says that the token is no good."""
        _ = self._client.session
        try:
            response = await self._client.web.auth_test()
        except SlackApiError as error:
            said = str(error.response.get("error", "refused"))
            self.refused = said in TOKEN
            return (
                f"Slack refuses the bot token: {said}; set SLACK_BOT_TOKEN" if self.refused else f"Slack says: {said}"
            )
        except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError) as error:
            return f"Slack's API does not answer: {type(error).__name__}; answers wait for it"
        self._client.clock.heard(response.headers)
        return ""


async def check_app_token(token: str, base_url: str) -> Check:
    """The app-level token, by asking for a Socket Mode address."""
    web = AsyncWebClient(base_url=base_url, retry_handlers=[])
    try:
        await web.apps_connections_open(app_token=token)
    except SlackApiError as error:
        return Check(
            "slack app token", False, str(error.response.get("error")), f"set SLACK_APP_TOKEN: {_APP_FOUND_AT}"
        )
    except (aiohttp.ClientError, TimeoutError) as error:
        return Check(
            "slack app token", False, f"no answer: {type(error).__name__}", "is slack.com reachable from here?"
        )
    return Check("slack app token", True, "opens Socket Mode")
