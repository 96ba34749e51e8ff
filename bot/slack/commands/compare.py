"""Ask two models the same, blind."""

from collections.abc import Mapping

from bot.domain.investigations import Question
from bot.domain.plugin import Command, Heard
from bot.flows import compare
from bot.slack.context import SlackContext

EMPTY = "What should two models answer? For example: `compare why is checkout slow since 14:00?`"


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """One write; `--deep` lets both think longer."""
    words = heard.rest.split()
    text = " ".join(word for word in words if word != "--deep")
    if not text:
        context.whisper(heard, EMPTY)
        return
    question = Question(
        place=heard.place,
        text=text,
        asker=heard.person,
        ts=heard.ts,
        way="command" if heard.slash else "mention",
        depth="deep" if "--deep" in words else "normal",
        response_url=heard.response_url,
        accepted=context.client.clock.time(),
    )
    await compare.request(context.deps.engine, question)


COMMAND = Command("compare", "Two models answer side by side; you vote", "compare <question> [--deep]", run)
