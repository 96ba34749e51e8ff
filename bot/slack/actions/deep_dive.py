"""The same question again, thought through longer, in the same thread; once."""

from dataclasses import replace
from functools import partial
from typing import Any

from bot.domain.plugin import Action
from bot.slack.context import SlackContext
from bot.slack.hearing import put
from bot.slack.pressed import pressed

TWICE = "A deep dive of this question was asked for already."
GONE = "I no longer know this question; please ask it again with `ask … --deep`."


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """A deep question has its own key, so a second press starts nothing."""
    press = await pressed(body, context)
    record = await context.deps.audit.get(press.key)
    if record is None:
        context.after(partial(context.tell, press.place, press.person, GONE))
        return
    deeper = replace(record.question, place=press.place, asker=press.person, depth="deep", accepted=0.0)
    if not await put(context, deeper):
        context.after(partial(context.tell, press.place, press.person, TWICE))


ACTION = Action("deep_dive", run, starts=True)
