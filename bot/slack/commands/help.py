"""How to ask, and which incident this is."""

from collections.abc import Mapping
from functools import partial

from bot.domain.plugin import Command, Heard
from bot.slack.context import SlackContext


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """List every command; `rest` holds what was not understood."""
    context.after(partial(_help, heard, context, commands))


async def _help(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    lines = [f"I did not understand `{_bare(heard.rest)}`."] if heard.rest else []
    lines.append(await _taken(heard, context))
    lines.append("By `/oncall …`, or in a thread by mention (slash commands do not work inside threads):")
    lines += [f"• `{command.usage}` {command.about}" for command in commands.values()]
    lines.append("Or just mention me with a question, and use “Investigate this” on any alert message.")
    await context.tell_asker(heard, "\n".join(lines))


async def _taken(heard: Heard, context: SlackContext) -> str:
    channel = await context.deps.chat.channel(heard.place.channel)
    if channel.direct:
        return "Here every message is a question; no mention is needed."
    if context.deps.policy.is_incident(channel):
        return f"This channel is one incident to me: *{channel.name}*."
    return "This channel is no incident to me: each thread stands for itself."


def _bare(text: str) -> str:
    return text.replace("`", "").replace("<", "").replace(">", "")[:80]


COMMAND = Command("help", "This list", "help", run)
