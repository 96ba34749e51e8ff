"""`chat.*`: post, edit, delete, whisper, link."""

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.methods.content import read_content
from bot.demo.slack.methods.method import SPECIAL, Method
from bot.demo.slack.records import Channel, Json, Message, Refused
from bot.demo.slack.workspace import BOT, Workspace


def target(workspace: Workspace, args: Arguments) -> Channel:
    """Where a call may post: a channel it is in, or a person's direct message."""
    wanted = args.need("channel", "channel_not_found")
    channel = workspace.direct(wanted) if wanted in workspace.users else workspace.channel(wanted)
    if BOT.id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def own(workspace: Workspace, args: Arguments, code: str) -> Message:
    """The bot's own message a call names; raises `code` for another's."""
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    message = workspace.message(channel, args.need("ts", "message_not_found"))
    if message.user != BOT.id:
        raise Refused(code)
    return message


def post_message(workspace: Workspace, args: Arguments) -> Json:
    """Post as the bot, at the top or in a thread."""
    channel = target(workspace, args)
    content = read_content(workspace, args)
    if content.is_empty:
        raise Refused("no_text")
    message = Message(
        ts=workspace.mint_ts(),
        channel=channel.id,
        user=BOT.id,
        bot_id=BOT.bot_id,
        text=content.text,
        markdown=content.markdown,
        blocks=content.blocks,
        attachments=content.attachments or [],
        metadata=content.metadata or None,
        thread_ts=workspace.thread_root(channel, args.text("thread_ts")),
        broadcast=args.flag("reply_broadcast"),
        username=args.text("username"),
        icon_emoji=args.text("icon_emoji"),
    )
    workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.to_json()}


def update(workspace: Workspace, args: Arguments) -> Json:
    """Edit the bot's own message; what is not given stays, as in Slack."""
    message = own(workspace, args, "cant_update_message")
    if message.stream is not None and message.stream.is_open(workspace.now()):
        raise Refused("streaming_state_conflict")
    content = read_content(workspace, args)
    if content.is_empty and content.blocks is None and content.attachments is None:
        raise Refused("no_text")
    previous = message.to_json()
    if content.text:
        message.text = content.text
        message.markdown = content.markdown
        message.stream = None
        message.blocks = None if content.markdown else message.blocks
    if content.blocks is not None:
        message.blocks, message.stream = content.blocks, None
    if content.attachments is not None:
        message.attachments = content.attachments
    if content.metadata is not None:
        message.metadata = content.metadata or None
    message.edited = {"user": BOT.id, "ts": workspace.mint_ts()}
    workspace.changed(message, previous)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.to_json()}


def delete(workspace: Workspace, args: Arguments) -> Json:
    """Delete the bot's own message."""
    message = own(workspace, args, "cant_delete_message")
    workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(workspace: Workspace, args: Arguments) -> Json:
    """Show a message to one member of the channel only."""
    channel = target(workspace, args)
    user = workspace.user(args.need("user", "user_not_found")).id
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    content = read_content(workspace, args)
    if content.is_empty:
        raise Refused("no_text")
    message = Message(
        ts=workspace.mint_ts(),
        channel=channel.id,
        user=BOT.id,
        bot_id=BOT.bot_id,
        text=content.text,
        markdown=content.markdown,
        blocks=content.blocks,
        thread_ts=workspace.thread_root(channel, args.text("thread_ts")),
        visible_to=user,
    )
    workspace.post(message)
    return {"message_ts": message.ts}


def get_permalink(workspace: Workspace, args: Arguments) -> Json:
    """The link to a message."""
    channel = workspace.channel(args.need("channel", "channel_not_found"))
    message = workspace.message(channel, args.need("message_ts", "message_not_found"))
    return {"channel": channel.id, "permalink": workspace.permalink(message)}


METHODS = (
    Method("chat.postMessage", post_message, SPECIAL),
    Method("chat.update", update, 3),
    Method("chat.delete", delete, 3),
    Method("chat.postEphemeral", post_ephemeral, 4),
    Method("chat.getPermalink", get_permalink, SPECIAL),
)
