"""Stop what runs; the reply then says who did."""

from typing import Any

from bot.domain.plugin import Action
from bot.flows import stop
from bot.slack.context import SlackContext
from bot.slack.pressed import pressed


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Once per investigation, by the flow's key; a second press is told so."""
    press = await pressed(body, context)
    if not await stop.request(context.deps.engine, press.place.lane, press.key, press.person):
        await context.tell(press.place, press.person, "It is being stopped already, or it is over.")


ACTION = Action("stop", run)
