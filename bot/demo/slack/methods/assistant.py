"""`assistant.threads.*` and `agents.sessions.*`: what the bot says about its work beside its messages."""

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Json, Refused
from bot.demo.slack.surfaces import SESSION_STATES
from bot.demo.slack.workspace import Happening, Workspace

MAX_TITLE = 200
MAX_PROMPTS = 4


def set_session(workspace: Workspace, channel: str, thread_ts: str, status: str, title: str = "") -> None:
    """Put an agent session into a state; raises `invalid_arguments` for an unknown one."""
    if status not in SESSION_STATES:
        raise Refused("invalid_arguments", f"[ERROR] status must be one of {', '.join(SESSION_STATES)}")
    if len(title) > MAX_TITLE:
        raise Refused("invalid_arguments", f"[ERROR] title must be less than {MAX_TITLE + 1} characters")
    session = workspace.surfaces.sessions.setdefault((channel, thread_ts), {})
    session.update({"status": status} | ({"title": title} if title else {}))
    workspace.emit(Happening("session", channel, data={"thread_ts": thread_ts} | session))


def _thread(workspace: Workspace, args: Arguments) -> tuple[str, str]:
    channel = workspace.channel(args.need("channel_id", "channel_not_found"))
    return channel.id, workspace.thread_root(channel, args.text("thread_ts")) or ""


def set_status(workspace: Workspace, args: Arguments) -> Json:
    """The status line under a thread; an empty one takes it away."""
    channel, thread_ts = _thread(workspace, args)
    status = args.text("status")
    workspace.surfaces.statuses[(channel, thread_ts)] = status
    workspace.emit(Happening("status", channel, data={"thread_ts": thread_ts, "status": status}))
    return {}


def set_title(workspace: Workspace, args: Arguments) -> Json:
    """The title of a direct-message thread."""
    channel, thread_ts = _thread(workspace, args)
    workspace.surfaces.titles[(channel, thread_ts)] = args.need("title")
    return {}


def set_suggested_prompts(workspace: Workspace, args: Arguments) -> Json:
    """Up to four prompts to click."""
    channel, _ = _thread(workspace, args)
    prompts = args.value("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MAX_PROMPTS:
        raise Refused("invalid_arguments", f"[ERROR] prompts must be 1 to {MAX_PROMPTS}")
    workspace.surfaces.prompts[channel] = prompts
    workspace.emit(Happening("prompts", channel, data={"prompts": prompts}))
    return {}


def set_session_status(workspace: Workspace, args: Arguments) -> Json:
    """The life of an agent session; `processing` shows the stop button."""
    channel, thread_ts = _thread(workspace, args)
    set_session(workspace, channel, thread_ts, args.need("status"), args.text("title"))
    return {"session": workspace.surfaces.sessions[(channel, thread_ts)]}


def rename_session(workspace: Workspace, args: Arguments) -> Json:
    """Another title for a session; raises `session_not_found`."""
    key = _thread(workspace, args)
    session = workspace.surfaces.sessions.get(key)
    if session is None:
        raise Refused("session_not_found")
    set_session(workspace, *key, session["status"], args.need("title"))
    return {"session": workspace.surfaces.sessions[key]}


METHODS = (
    Method("assistant.threads.setStatus", set_status, 3),
    Method("assistant.threads.setTitle", set_title, 3),
    Method("assistant.threads.setSuggestedPrompts", set_suggested_prompts, 3),
    Method("agents.sessions.setStatus", set_session_status, 3),
    Method("agents.sessions.rename", rename_session, 3),
)
