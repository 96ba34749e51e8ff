"""The driver's verbs by name, for a sandbox that runs in another process."""

import dataclasses
import inspect
from typing import Any

from bot.demo.slack.driver import Driver
from bot.demo.slack.records import Refused

VERBS = frozenset(
    {
        *("say", "post_as_bot", "edit", "delete", "react", "create_channel", "invite_bot", "dm"),
        *("slash", "press", "shortcut", "submit_view", "close_view", "open_home", "stop"),
        *("thread", "history", "ephemeral", "view", "home", "status", "session", "calls", "events"),
        *("wait_connected", "settle", "fail", "drop_acks", "kill_streams", "disconnect", "heal", "limit"),
        *("set_request_url", "tell", "rate_limit_events", "go_away", "come_back"),
    }
)


async def obey(driver: Driver, verb: str, arguments: dict[str, Any]) -> Any:
    """Do one verb and return what it returned as JSON; raises `unknown_verb`, or what the verb raises."""
    if verb not in VERBS:
        raise Refused("unknown_verb")
    result = getattr(driver, verb)(**arguments)
    return _plain(await result if inspect.isawaitable(result) else result)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
