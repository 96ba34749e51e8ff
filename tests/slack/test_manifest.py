"""The manifest and the list of permissions say what the code does, no more and no less."""

import re
from pathlib import Path
from typing import Any, cast

import pytest

from bot.slack import accept
from bot.slack.hearing import Hearing
from bot.slack.manifest import EVENTS, SCOPES, manifest, permissions
from bot.slack.mention import Mentions
from bot.slack.slash import SHORTCUT

ROOT = Path(__file__).parents[2]


def test_every_method_the_code_calls_has_its_scope() -> None:
    """Each Web API method named in the room belongs to one scope, and no scope names a method nobody calls."""
    source = "".join(path.read_text() for path in (ROOT / "bot" / "slack").rglob("*.py") if path.name != "manifest.py")
    called = set(re.findall(r'"((?:chat|conversations|files|users|agents)\.[a-zA-Z.]+)"', source))
    assert called == {method for scope in SCOPES for method in scope.methods}


def test_every_event_that_is_heard_is_subscribed() -> None:
    """The events of the middleware's table are the manifest's, and each comes with a scope that is asked for."""
    hearing = cast(Any, type("H", (), {"context": None, "commands": {}}))
    heard = set(accept.Accept(cast(Hearing, hearing), {}, Mentions(cast(Hearing, hearing)), cast(Any, None)).events)
    assert {event.name.partition(".")[0] for event in EVENTS} == heard
    assert {event.scope for event in EVENTS} <= {scope.name for scope in SCOPES}


def test_the_full_manifest_is_an_agent_on_socket_mode() -> None:
    """Commands, shortcut, events and scopes as the code has them, within Slack's limits."""
    made = manifest()
    (slash,) = made["features"]["slash_commands"]
    (shortcut,) = made["features"]["shortcuts"]
    assert slash["usage_hint"] == "alerts|ask|compare|help|metrics|postmortem|scoreboard|status|stop"
    assert (shortcut["callback_id"], len(shortcut["name"]) <= 24) == (SHORTCUT, True)
    assert len(made["features"]["agent_view"]["agent_description"]) <= 300
    assert made["settings"]["socket_mode_enabled"]
    assert "message.channels" in made["settings"]["event_subscriptions"]["bot_events"]


def test_the_minimal_manifest_reads_no_channel() -> None:
    """The smallest set answers mentions and direct messages, is no agent app, and subscribes only to what it may."""
    made = manifest(minimal=True)
    scopes = made["oauth_config"]["scopes"]["bot"]
    assert scopes == ["app_mentions:read", "channels:read", "chat:write", "commands", "im:history"]
    assert "agent_view" not in made["features"]
    allowed = {event.name for event in EVENTS if event.scope in scopes and event.minimal}
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) == allowed


def test_over_http_every_request_has_its_url() -> None:
    """Events, interactivity and the command carry the URL, and Socket Mode is off."""
    url = "https://nightjar.example/slack/events"
    made = manifest(http_url=url)
    settings = made["settings"]
    given = [settings["event_subscriptions"], settings["interactivity"]]
    assert [part["request_url"] for part in given] == [url, url]
    assert made["features"]["slash_commands"][0]["url"] == url
    assert not settings["socket_mode_enabled"]


@pytest.mark.parametrize("minimal", [True, False])
def test_the_shape_is_slacks(minimal: bool) -> None:
    """Only keys that Slack's manifest schema knows."""
    made = manifest(minimal)
    assert set(made) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    features = {"app_home", "bot_user", "slash_commands", "shortcuts"} | (set() if minimal else {"agent_view"})
    assert set(made["features"]) == features
    assert len(made["display_information"]["description"]) <= 140


def test_the_permissions_page_is_generated() -> None:
    """docs/permissions.md is what the code says."""
    assert (ROOT / "docs" / "permissions.md").read_text() == permissions()
