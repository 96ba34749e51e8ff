"""`views.*`: modals by trigger, and the Home tab."""

from typing import Any

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.blocks import MAX_VIEW_BLOCKS, faults_of
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Json, Refused
from bot.demo.slack.surfaces import MAX_STACK, View
from bot.demo.slack.workspace import BOT, TEAM, Happening, Workspace

SHORT = 24  # characters of a title, a submit or a close label
LIMITS = {"private_metadata": 3000, "callback_id": 255}


def check_view(view: Any, kind: str) -> Json:
    """A view that Slack would take; raises `invalid_arguments` saying where it is wrong."""
    if not isinstance(view, dict):
        raise Refused("invalid_arguments", "[ERROR] missing required field: view")
    found = [] if view.get("type") == kind else [f"type must be {kind}"]
    for key in ("title", "submit", "close"):
        label = (view.get(key) or {}).get("text", "")
        if len(label) > SHORT or (kind == "modal" and key == "title" and not label):
            found.append(f"{key} must be 1 to {SHORT} characters")
    found += [f"{key} is too long" for key, most in LIMITS.items() if len(str(view.get(key, ""))) > most]
    blocks = view.get("blocks", [])
    found += faults_of(blocks, limit=MAX_VIEW_BLOCKS)
    if not found and any(block["type"] == "input" for block in blocks) and kind == "modal" and not view.get("submit"):
        found.append("a view with input blocks needs submit")
    if found:
        raise Refused("invalid_arguments", *(f"[ERROR] {fault}" for fault in found))
    return dict(view)


def show(workspace: Workspace, view: View, kind: str) -> Json:
    """Store a view, tell the page, and answer with it."""
    workspace.surfaces.put_view(view)
    body = view.to_json(TEAM) | {"app_id": f"A{BOT.bot_id[1:]}", "bot_id": BOT.bot_id}
    workspace.emit(Happening(kind, user=view.user, data={"view": body}))
    return {"view": body}


def open_view(workspace: Workspace, args: Arguments) -> Json:
    """A first modal for whoever pulled the trigger."""
    body = check_view(args.value("view"), "modal")
    user = workspace.surfaces.spend_trigger(args.need("trigger_id", "invalid_trigger_id"))
    workspace.surfaces.close_views(user)
    return show(workspace, View(workspace.mint_id("V"), user, body), "view_opened")


def push_view(workspace: Workspace, args: Arguments) -> Json:
    """One more modal on top, three at the most."""
    body = check_view(args.value("view"), "modal")
    user = workspace.surfaces.spend_trigger(args.need("trigger_id", "invalid_trigger_id"))
    return show(workspace, stacked(workspace, user, body), "view_opened")


def stacked(workspace: Workspace, user: str, body: Json) -> View:
    """A view on top of the user's modals; raises `push_limit_reached`."""
    top = workspace.surfaces.top_view(user)
    stack = (*top.stack, top.id) if top else ()
    if len(stack) >= MAX_STACK:
        raise Refused("push_limit_reached")
    return View(workspace.mint_id("V"), user, body, stack)


def update_view(workspace: Workspace, args: Arguments) -> Json:
    """Another content for an open view; `hash` guards against a newer one."""
    view = workspace.surfaces.find_view(args.text("view_id"), args.text("external_id"))
    body = check_view(args.value("view"), view.body["type"])
    if args.text("hash") and args.text("hash") != view.body["hash"]:
        raise Refused("hash_conflict")
    view.body = body
    return show(workspace, view, "view_updated")


def publish_view(workspace: Workspace, args: Arguments) -> Json:
    """A user's Home tab."""
    body = check_view(args.value("view"), "home")
    user = workspace.user(args.need("user_id", "user_not_found")).id
    before = workspace.surfaces.homes.get(user)
    if args.text("hash") and before is not None and args.text("hash") != before.body["hash"]:
        raise Refused("hash_conflict")
    return show(workspace, View(before.id if before else workspace.mint_id("V"), user, body), "home_published")


METHODS = (
    Method("views.open", open_view, 4),
    Method("views.push", push_view, 4),
    Method("views.update", update_view, 4),
    Method("views.publish", publish_view, 4),
)
