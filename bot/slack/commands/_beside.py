"""What `alerts`, `metrics` and `status` share."""

from bot.domain.investigations import Question
from bot.domain.plugin import Heard
from bot.flows import beside
from bot.slack.context import SlackContext


async def beside_command(name: str, heard: Heard, context: SlackContext) -> None:
    """One write, in a lane of its own."""
    question = Question(
        place=heard.place,
        text=heard.rest,
        asker=heard.person,
        ts=heard.ts,
        way="command",
        command=name,
        response_url=heard.response_url,
        accepted=context.client.clock.time(),
    )
    await beside.request(context.deps.engine, question)
