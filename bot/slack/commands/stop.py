"""Stop what runs here."""

from collections.abc import Mapping

from bot.domain.place import Place
from bot.domain.plugin import Command, Heard
from bot.flows import stop
from bot.slack.context import SlackContext


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """In a thread what runs in its lane or, as a comparison does, beside; by slash command the channel's newest."""
    engine, lane = context.deps.engine, heard.place.lane
    stopped = bool(heard.place.thread) and await stop.request(engine, lane, "", heard.person)
    if not stopped and (key := await _newest(context, heard.place)):
        stopped = await stop.request(engine, lane, key, heard.person)
    if not stopped:
        context.whisper(heard, "Nothing is running here.")


async def _newest(context: SlackContext, place: Place) -> str:
    recent = await context.deps.audit.recent(place)
    return next((record.flow for record in recent if record.state == "running"), "")


COMMAND = Command("stop", "Stop what runs here", "stop", run)
