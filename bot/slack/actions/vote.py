"""Which of two answers serves better: the last vote of each person counts until it is shown who wrote them."""

from functools import partial
from typing import Any

from bot.domain.plugin import Action
from bot.flows import reveal
from bot.slack.context import SlackContext
from bot.slack.pressed import pressed
from bot.slack.sides import VOTE, VOTED

NOTED = "Your vote is noted: {}. You may change it until it is shown who wrote them, in a few seconds."
CLOSED = "It is known by now who wrote them, so no further vote counts."


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Two writes before the ack: the vote, and that it will be shown."""
    press = await pressed(body, context)
    counts = await reveal.cast(context.deps, press.key, press.person, press.more)
    text = NOTED.format(VOTED[press.more]) if counts else CLOSED
    context.after(partial(context.tell, press.place, press.person, text))


ACTION = Action(VOTE, run, starts=True)
