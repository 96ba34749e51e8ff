"""`files.*`, the second version: ask for a URL, send the bytes there, then share them."""

import base64
import mimetypes

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Json, Message, Refused, StoredFile
from bot.demo.slack.workspace import BOT, Workspace

MAX_BYTES = 50_000_000


def get_upload_url(workspace: Workspace, args: Arguments) -> Json:
    """A place to send the bytes to."""
    length = args.number("length", 0, most=MAX_BYTES)
    name = args.need("filename").replace("/", "_")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = StoredFile(workspace.mint_id("F"), name, length, alt_text=args.text("alt_txt"), mimetype=kind)
    workspace.files[file.id] = file
    return {"upload_url": f"{workspace.base_url}/upload/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, args: Arguments) -> Json:
    """Name the uploaded files and share them, in a thread when asked."""
    wanted = args.value("files")
    if not isinstance(wanted, list) or not wanted:
        raise Refused("invalid_arguments", "[ERROR] missing required field: files")
    channels = [workspace.channel(name) for name in args.names("channels") or args.names("channel_id")]
    if any(BOT.id not in channel.members for channel in channels):
        raise Refused("not_in_channel")
    files = [_named(workspace, item, channels[0].id if channels else None) for item in wanted]
    bodies = [file.to_json(workspace.base_url, BOT.id) for file in files]
    for channel in channels:
        message = Message(
            ts=workspace.mint_ts(),
            channel=channel.id,
            user=BOT.id,
            bot_id=BOT.bot_id,
            text=args.text("initial_comment"),
            subtype="file_share",
            files=bodies,
            thread_ts=workspace.thread_root(channel, args.text("thread_ts")),
        )
        workspace.post(message)
    return {"files": bodies}


def share(workspace: Workspace, given: Json, user: str, channel: str) -> Json:
    """A file that a person posts, as shown: `name`, `content` in base64, `mimetype` where the name tells another."""
    content = base64.b64decode(given["content"])
    name = str(given["name"]).replace("/", "_")
    kind = given.get("mimetype") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = StoredFile(workspace.mint_id("F"), name, len(content), mimetype=kind, content=content, shared_in=(channel,))
    workspace.files[file.id] = file
    return file.to_json(workspace.base_url, user)


def _named(workspace: Workspace, item: Json, channel: str | None) -> StoredFile:
    file = workspace.files.get(item.get("id", ""))
    if file is None or file.content is None:
        raise Refused("file_not_found")
    workspace.files[file.id] = file.shared(item.get("title", ""), channel)
    return workspace.files[file.id]


def info(workspace: Workspace, args: Arguments) -> Json:
    """One file."""
    file = workspace.files.get(args.need("file", "file_not_found"))
    if file is None or file.content is None:
        raise Refused("file_not_found")
    return {"file": file.to_json(workspace.base_url, BOT.id)}


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, 4),
    Method("files.completeUploadExternal", complete_upload, 4),
    Method("files.info", info, 4),
)
