"""Which model the votes speak for."""

from collections.abc import Mapping

from bot.domain.investigations import Question
from bot.domain.plugin import Command, Heard
from bot.flows import scoreboard
from bot.slack.context import SlackContext

UNKNOWN = "`scoreboard` counts what was compared in this channel, `scoreboard all` everywhere."


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """One write, in a lane of its own."""
    where = heard.rest.lower()
    if where not in ("", "here", scoreboard.EVERYWHERE):
        context.whisper(heard, UNKNOWN)
        return
    asked = Question(
        heard.place,
        where,
        heard.person,
        heard.ts,
        way="command",
        command="scoreboard",
        accepted=context.client.clock.time(),
    )
    await scoreboard.request(context.deps.engine, asked)


COMMAND = Command("scoreboard", "How the compared models did, by your votes", "scoreboard [here | all]", run)
