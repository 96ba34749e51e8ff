"""The app's manifest and its permissions, made from what the code listens to and calls."""

from dataclasses import dataclass
from typing import Any

from bot.domain.plugin import Command
from bot.plugins import discover
from bot.slack import commands
from bot.slack.slash import COMMAND, SHORTCUT

Json = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """A bot scope: why it is asked for, what stops without it, and the methods that need it."""

    name: str
    reason: str
    without: str
    methods: tuple[str, ...] = ()
    minimal: bool = False


SCOPES = (
    Scope("app_mentions:read", "to hear `@nightjar …`", "mentions are not heard", minimal=True),
    Scope(
        "assistant:write",
        "to stream progress and to show Slack's own stop button",
        "progress is one edited message, and only the Stop button under the placeholder stops",
        ("agents.sessions.setStatus",),
    ),
    Scope(
        "channels:history",
        "to read the thread it is asked in, and to look for its own message before it posts again",
        "a thread's earlier messages, alert posts included, are not read; follow-ups need a mention each; after a lost "
        "connection a message may come twice",
        ("conversations.history", "conversations.replies"),
    ),
    Scope(
        "channels:join",
        "to enter new public channels of the incident pattern",
        "somebody has to invite it with `/invite @nightjar`",
        ("conversations.join",),
    ),
    Scope(
        "channels:read",
        "to know a channel's name, and by it whether it is an incident",
        "incident channels are known by id only",
        ("conversations.info", "conversations.list", "users.conversations"),
        minimal=True,
    ),
    Scope(
        "chat:write",
        "to answer",
        "nothing works",
        (
            "chat.appendStream",
            "chat.delete",
            "chat.postEphemeral",
            "chat.postMessage",
            "chat.startStream",
            "chat.stopStream",
            "chat.update",
        ),
        minimal=True,
    ),
    Scope(
        "commands", f"for `{COMMAND}` and the message shortcut", "both are missing; mentions do the same", minimal=True
    ),
    Scope(
        "files:read",
        "to look at a screenshot that is posted with a question",
        "pictures are not looked at, and the answer says so",
    ),
    Scope(
        "files:write",
        "to add a picture where a chart is too dense for Slack's own",
        "such a chart is a line of text",
        ("files.completeUploadExternal", "files.getUploadURLExternal"),
    ),
    Scope("groups:history", "the same as channels:history, in private channels it was invited to", "the same, there"),
    Scope("groups:read", "the same as channels:read, in private channels it was invited to", "the same, there"),
    Scope("im:history", "to hear direct messages", "direct messages are not heard", minimal=True),
    Scope("im:read", "to find direct messages that came while it was away", "only those of known threads are found"),
    Scope(
        "users:read",
        "to know the asker's time zone, and who is a guest",
        "times are read and shown in UTC",
        ("users.info",),
    ),
)


@dataclass(frozen=True)
class Event:
    """A subscribed event and the scope it comes with."""

    name: str
    scope: str
    minimal: bool = False


EVENTS = (
    Event("agent_session_stopped", "assistant:write"),
    Event("app_mention", "app_mentions:read", minimal=True),
    Event("channel_created", "channels:read"),
    Event("channel_rename", "channels:read"),
    Event("member_joined_channel", "channels:read"),
    Event("message.channels", "channels:history"),
    Event("message.groups", "groups:history"),
    Event("message.im", "im:history", minimal=True),
)
PROMPTS = (
    ("What changed?", "What changed in the last hour?"),
    ("What is wrong now?", "Which service is unhealthy, and since when?"),
)


def manifest(minimal: bool = False, http_url: str = "") -> Json:
    """The manifest for Slack's create-from-manifest page; `http_url` switches it from Socket Mode to HTTP.

    The minimal one is no agent app (which guests of a workspace may not see) and reads no channel.
    """
    features: Json = {
        "app_home": {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "nightjar", "always_online": True},
        "slash_commands": [_slash(http_url)],
        "shortcuts": [
            {
                "name": "Investigate this",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "What is behind this message: what broke, since when, why",
            }
        ],
    }
    if not minimal:
        features["agent_view"] = _agent()
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Nightjar",
            "description": "The on-call engineer that lives in your incident channels",
            "background_color": "#1d1c1d",
        },
        "features": features,
        "oauth_config": {"scopes": {"bot": [scope.name for scope in SCOPES if scope.minimal or not minimal]}},
        "settings": _settings(minimal, http_url),
    }


def permissions() -> str:
    """docs/permissions.md: every scope, why, and what stops without it."""
    rows = [f"| `{s.name}` | {'yes' if s.minimal else ''} | {s.reason} | {s.without} |" for s in SCOPES]
    heard = [f"| `{event.name}` | `{event.scope}` |" for event in EVENTS]
    called = [f"| `{s.name}` | {', '.join(f'`{method}`' for method in s.methods)} |" for s in SCOPES if s.methods]
    return "\n".join(
        [
            "# What Nightjar may do in Slack",
            "",
            "Made from the code; `nightjar manifest` prints the app manifest. Nothing here serves to read more than",
            "the thread it is asked in, and nothing changes a channel except its own messages.",
            "",
            "| scope | in `--minimal` | why | what stops without it |",
            "|---|---|---|---|",
            *rows,
            "",
            "Socket Mode also needs an app-level token with `connections:write`, which a manifest cannot make.",
            "",
            "## Events",
            "",
            "| event | comes with |",
            "|---|---|",
            *heard,
            "",
            "## Methods",
            "",
            "| scope | calls |",
            "|---|---|",
            *called,
            "",
        ]
    )


def _slash(http_url: str) -> Json:
    known = discover(commands, "COMMAND", Command)
    body: Json = {
        "command": COMMAND,
        "description": "Ask about an incident",
        "usage_hint": "|".join(known),
        "should_escape": True,
    }
    return body | ({"url": http_url} if http_url else {})


def _agent() -> Json:
    return {
        "agent_description": "Works out what broke, since when and why, from metrics, alerts and deploys.",
        "suggested_prompts": [{"title": title, "message": message} for title, message in PROMPTS],
    }


def _settings(minimal: bool, http_url: str) -> Json:
    events: Json = {"bot_events": [event.name for event in EVENTS if event.minimal or not minimal]}
    interactivity: Json = {"is_enabled": True}
    if http_url:
        events["request_url"] = interactivity["request_url"] = http_url
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": False,
        "socket_mode_enabled": not http_url,
        "token_rotation_enabled": False,
    }
