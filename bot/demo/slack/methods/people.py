"""Who is who, reactions, and the few calls every app makes first."""

import re

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.blocks import faults_of
from bot.demo.slack.methods.conversations import page_of
from bot.demo.slack.methods.method import SPECIAL, Method
from bot.demo.slack.records import Json, Message, Refused
from bot.demo.slack.workspace import BOT, TEAM, Workspace

EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")
TEAM_NAME = "Nightjar demo"


def api_test(workspace: Workspace, args: Arguments) -> Json:
    """The echo; `error` makes it fail with that code."""
    if args.text("error"):
        raise Refused(args.text("error"))
    return {"args": args.raw}


def auth_test(workspace: Workspace, args: Arguments) -> Json:
    """Whose token this is."""
    return {
        "url": f"{workspace.base_url}/",
        "team": TEAM_NAME,
        "team_id": TEAM,
        "user": BOT.name,
        "user_id": BOT.id,
        "bot_id": BOT.bot_id,
        "is_enterprise_install": False,
    }


def users_info(workspace: Workspace, args: Arguments) -> Json:
    """One person, with their time zone."""
    return {"user": workspace.user(args.need("user", "user_not_found")).to_json(TEAM, workspace.now())}


def users_list(workspace: Workspace, args: Arguments) -> Json:
    """Everybody."""
    chosen, cursor = page_of(list(workspace.users.values()), args)
    members = [user.to_json(TEAM, workspace.now()) for user in chosen]
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def bots_info(workspace: Workspace, args: Arguments) -> Json:
    """The bot behind a bot id."""
    wanted = args.need("bot", "bot_not_found")
    for user in workspace.users.values():
        if user.bot_id == wanted:
            return {"bot": {"id": wanted, "name": user.real_name, "user_id": user.id, "app_id": f"A{wanted[1:]}"}}
    raise Refused("bot_not_found")


def team_info(workspace: Workspace, args: Arguments) -> Json:
    """The workspace itself."""
    return {"team": {"id": TEAM, "name": TEAM_NAME, "domain": "nightjar-demo"}}


def blocks_validate(workspace: Workspace, args: Arguments) -> Json:
    """What Slack would say about blocks, a message or a view; exactly one is given."""
    given = [args.value(name) for name in ("blocks", "message", "view") if args.value(name) is not None]
    if len(given) != 1:
        raise Refused("invalid_arguments", "[ERROR] provide exactly one of blocks, message, view")
    blocks = given[0].get("blocks", []) if isinstance(given[0], dict) else given[0]
    found = faults_of(blocks, limit=100 if args.value("view") is not None else 50)
    if found:
        raise Refused("invalid_blocks", *(f"[ERROR] {fault}" for fault in found))
    return {}


def _reacted(workspace: Workspace, args: Arguments) -> tuple[Message, str]:
    name = args.need("name", "invalid_name")
    if not EMOJI.fullmatch(name):
        raise Refused("invalid_name")
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    return workspace.message(channel, args.need("timestamp", "no_item_specified")), name


def reactions_add(workspace: Workspace, args: Arguments) -> Json:
    """The bot reacts."""
    message, name = _reacted(workspace, args)
    workspace.react(message, name, BOT.id, add=True)
    return {}


def reactions_remove(workspace: Workspace, args: Arguments) -> Json:
    """The bot takes its reaction back."""
    message, name = _reacted(workspace, args)
    workspace.react(message, name, BOT.id, add=False)
    return {}


def reactions_get(workspace: Workspace, args: Arguments) -> Json:
    """The message with its reactions."""
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    message = workspace.message(channel, args.need("timestamp", "no_item_specified"))
    return {"type": "message", "channel": channel.id, "message": message.to_json()}


METHODS = (
    Method("api.test", api_test, 4, token="none"),  # noqa: S106 - which kind of token, not a token
    Method("auth.test", auth_test, SPECIAL, token="any"),  # noqa: S106 - the same
    Method("users.info", users_info, 4),
    Method("users.list", users_list, 2),
    Method("bots.info", bots_info, 3),
    Method("team.info", team_info, 3),
    Method("blocks.validate", blocks_validate, 3),
    Method("reactions.add", reactions_add, 3),
    Method("reactions.remove", reactions_remove, 2),
    Method("reactions.get", reactions_get, 3),
)
