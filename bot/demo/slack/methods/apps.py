"""`apps.connections.open`: where Socket Mode begins."""

import secrets

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.method import SPECIAL, Method
from bot.demo.slack.records import Json
from bot.demo.slack.workspace import Workspace


def connections_open(workspace: Workspace, args: Arguments) -> Json:
    """A socket URL, good for one connection."""
    ticket = secrets.token_urlsafe(16)
    workspace.tickets.add(ticket)
    return {"url": f"{workspace.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}"}


# An app may hold ten sockets and open them one after another, so the tier is not the limit that matters.
METHODS = (Method("apps.connections.open", connections_open, SPECIAL, token="app"),)  # noqa: S106 - a kind of token
