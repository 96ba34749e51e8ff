"""What runs here, and what was answered last."""

from collections.abc import Mapping

from bot.domain.plugin import Command, Heard
from bot.slack.commands._beside import beside_command
from bot.slack.context import SlackContext


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """Answered beside a running investigation; it never queues."""
    await beside_command("status", heard, context)


COMMAND = Command("status", "What runs here, and what was answered last", "status", run)
