"""An environment picked where a question fits several; the thread keeps the choice."""

from dataclasses import replace
from functools import partial
from typing import Any

from bot.domain.plugin import Action
from bot.flows import compare
from bot.slack.context import SlackContext
from bot.slack.hearing import put
from bot.slack.posting import marked
from bot.slack.pressed import Pressed, pressed
from bot.slack.render import escape


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Asks the same question again in that environment; each environment once."""
    press = await pressed(body, context)
    record = await context.deps.audit.get(press.key)
    if record is None:
        again = f"Please ask again and name {press.more} in the question."
        context.after(partial(context.tell, press.place, press.person, again))
        return
    await context.deps.notes.put(f"env:{press.place.lane}", press.more, replace=True)
    asked = replace(record.question, place=press.place, asker=press.person, env=press.more, accepted=0.0)
    if asked.command == compare.NAME:
        await compare.request(context.deps.engine, asked)
    else:
        await put(context, asked)
    context.after(partial(_settle, press, context))


async def _settle(press: Pressed, context: SlackContext) -> None:
    """Take the buttons away and say what was picked, by whom."""
    kept = [block for block in press.message.get("blocks") or [] if block.get("type") != "actions"]
    picked = f"*{escape(press.more)}*, picked by <@{press.person}>"
    await context.client.call(
        "chat.update",
        channel=press.place.channel,
        ts=press.ts,
        text=str(press.message.get("text") or press.more),
        blocks=[*kept, {"type": "context", "elements": [{"type": "mrkdwn", "text": picked}]}],
        metadata=marked(press.key, "answer"),
        repeat=True,
        patience=5.0,
    )


ACTION = Action("env", run, starts=True)
