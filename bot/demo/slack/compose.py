"""What a client makes of typed text before it sends it: mentions, channels, links, escaping."""

import re

from bot.demo.slack.workspace import Workspace

READY = re.compile(r"(<[@#!][^>\n]*>|<https?://[^>\n]*>|https?://[^\s<>]+)")
NAME = re.compile(r"(?<![\w.])([@#])([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)


def to_wire(workspace: Workspace, text: str) -> str:
    """`@nightjar` becomes `<@U…>`, `#ops` becomes `<#C…|ops>`, links get their brackets, & < > are escaped."""
    return "".join(_part(workspace, part) for part in READY.split(text))


def _part(workspace: Workspace, part: str) -> str:
    if part.startswith(("http://", "https://")):
        return f"<{part}>"
    if READY.fullmatch(part):
        return part
    escaped = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return NAME.sub(lambda match: _named(workspace, match), escaped)


def _named(workspace: Workspace, match: re.Match[str]) -> str:
    sign, name = match.group(1), match.group(2).lower()
    bare = name.rstrip(".-_")
    tail = name[len(bare) :]
    if sign == "@":
        user = next((user for user in workspace.users.values() if user.name == bare), None)
        return f"<@{user.id}>{tail}" if user else match.group(0)
    channel = next((channel for channel in workspace.channels.values() if channel.name == bare), None)
    return f"<#{channel.id}|{channel.name}>{tail}" if channel else match.group(0)
