"""`apps.connections.open`: where Socket Mode begins."""

import secrets

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Json
from bot.demo.slack.workspace import Workspace


def connections_open(workspace: Workspace, args: Arguments) -> Json:
    """A socket URL, good for one connection."""
    ticket = secrets.token_urlsafe(16)
    workspace.tickets.add(ticket)
    return {"url": f"{workspace.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}"}


METHODS = (Method("apps.connections.open", connections_open, 1, token="app"),)  # noqa: S106 - a kind of token
