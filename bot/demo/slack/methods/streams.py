"""`chat.startStream`, `appendStream`, `stopStream`: a message that grows while it is written."""

import re

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.assistant import set_session
from bot.demo.slack.methods.chat import own, target
from bot.demo.slack.methods.content import check_blocks, read_blocks, read_metadata, with_ids
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Channel, Json, Message, Refused
from bot.demo.slack.stream import CHUNK_TYPES, MAX_BYTES, MAX_MARKDOWN, TASK_STATES, Stream
from bot.demo.slack.workspace import BOT, TEAM, Workspace

RECIPIENT = re.compile(r"[UW][A-Z0-9]+")
MAX_BLOCKS = 50  # those streamed as chunks; stopStream may add as many again
MODES = ("timeline", "plan")


def start(workspace: Workspace, args: Arguments) -> Json:
    """Open a stream; outside direct messages it must name whom it streams to."""
    channel = target(workspace, args)
    thread_ts = workspace.thread_root(channel, args.text("thread_ts"))
    recipient = _recipient(channel, args)
    mode = args.text("task_display_mode", "timeline")
    if mode not in MODES:
        raise Refused("invalid_arguments", "[ERROR] task_display_mode must be timeline or plan")
    message = Message(
        ts=workspace.mint_ts(),
        channel=channel.id,
        user=BOT.id,
        bot_id=BOT.bot_id,
        thread_ts=thread_ts,
        stream=_grown(workspace, args, Stream(workspace.now(), recipient, mode)),
    )
    message.text = message.stream.text() if message.stream else ""
    workspace.post(message)
    return {"channel": channel.id, "ts": message.ts}


def append(workspace: Workspace, args: Arguments) -> Json:
    """Draw more into an open stream."""
    message, stream = _open_stream(workspace, args)
    if not args.text("markdown_text") and not args.value("chunks", "invalid_chunks"):
        raise Refused("no_text")
    previous = message.to_json()
    message.stream = _grown(workspace, args, stream)
    message.text = message.stream.text()
    workspace.changed(message, previous, quiet=True)
    return {"channel": message.channel, "ts": message.ts}


def stop(workspace: Workspace, args: Arguments) -> Json:
    """Close an open stream, with blocks below it when given."""
    message, stream = _open_stream(workspace, args)
    blocks = read_blocks(workspace, args)
    metadata = read_metadata(args)
    previous = message.to_json()
    message.stream = _grown(workspace, args, stream)
    message.text = message.stream.text()
    message.stream.state = "completed"
    message.blocks = blocks
    message.metadata = metadata or message.metadata
    if args.text("session_status"):
        set_session(workspace, message.channel, message.root, args.text("session_status"))
    workspace.changed(message, previous)
    return {"channel": message.channel, "ts": message.ts, "message": message.to_json()}


def _recipient(channel: Channel, args: Arguments) -> str:
    user, team = args.text("recipient_user_id"), args.text("recipient_team_id")
    if user and not RECIPIENT.fullmatch(user):
        raise Refused("invalid_arguments", "[ERROR] recipient_user_id must match ^[UW]")
    if channel.is_direct:
        return user
    if not user:
        raise Refused("missing_recipient_user_id")
    if not team:
        raise Refused("missing_recipient_team_id")
    if team != TEAM:
        raise Refused("team_not_found")
    return user


def _open_stream(workspace: Workspace, args: Arguments) -> tuple[Message, Stream]:
    message = own(workspace, args, "message_not_owned_by_app")
    if message.stream is None or not message.stream.is_open(workspace.now()):
        raise Refused("message_not_in_streaming_state")
    return message, message.stream


def _grown(workspace: Workspace, args: Arguments, stream: Stream) -> Stream:
    chunks = _chunks(workspace, args)
    grown = stream.with_chunks(chunks)
    if grown.size() > MAX_BYTES:
        raise Refused("msg_too_long")
    if len(grown.parts) > MAX_BLOCKS:
        raise Refused("invalid_blocks", f"[ERROR] no more than {MAX_BLOCKS} items allowed")
    return grown


def _chunks(workspace: Workspace, args: Arguments) -> list[Json]:
    text = args.text("markdown_text")
    chunks = args.value("chunks", "invalid_chunks") or []
    if not isinstance(chunks, list):
        raise Refused("invalid_chunks")
    for chunk in chunks:
        _check_chunk(workspace, chunk)
    if len(text) > MAX_MARKDOWN:
        raise Refused("msg_too_long")
    chunks = [c | {"blocks": with_ids(c["blocks"])} if c["type"] == "blocks" else c for c in chunks]
    return [*([{"type": "markdown_text", "text": text}] if text else []), *chunks]


def _check_chunk(workspace: Workspace, chunk: Json) -> None:
    kind = chunk.get("type")
    if kind not in CHUNK_TYPES:
        raise Refused("invalid_chunks", f"[ERROR] unsupported type: {kind}")
    if kind == "blocks":
        check_blocks(workspace, chunk.get("blocks"))
    elif kind == "task_update":
        if not chunk.get("id") or not chunk.get("title") or chunk.get("status") not in TASK_STATES:
            raise Refused("invalid_chunks", "[ERROR] task_update needs id, title and a known status")
    elif not isinstance(chunk.get("text" if kind == "markdown_text" else "title"), str):
        raise Refused("invalid_chunks", f"[ERROR] {kind} needs its text")
    elif len(chunk.get("text", "")) > MAX_MARKDOWN:
        raise Refused("msg_too_long")


METHODS = (
    Method("chat.startStream", start, 2),
    Method("chat.appendStream", append, 4),
    Method("chat.stopStream", stop, 2),
)
