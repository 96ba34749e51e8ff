"""A question that was offered late is wanted still: it is taken as if it had just been asked, once."""

from dataclasses import replace
from functools import partial
from typing import Any

from bot.domain.plugin import Action, Command
from bot.flows import answer
from bot.plugins import discover
from bot.slack import commands
from bot.slack.context import SlackContext
from bot.slack.flatten import plain
from bot.slack.hearing import Asked, Hearing
from bot.slack.mention import files_of
from bot.slack.offer import PART, unpack
from bot.slack.posting import marked
from bot.slack.pressed import Pressed, pressed

GONE = "I can no longer read what was asked; please ask again."


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Its words, place and ts are the original ones; what a button does not hold is read from Slack after the ack."""
    press = await pressed(body, context)
    asked, whole = unpack(str(body["actions"][0]["value"]), press.place.team, press.place.channel)
    if whole:
        await _take(asked, press, context)
    else:
        context.after(partial(_read, asked, press, context))


async def _take(asked: Asked, press: Pressed, context: SlackContext) -> None:
    await Hearing(context, discover(commands, "COMMAND", Command)).take(asked)
    context.after(partial(_settle, asked, press, context))


async def _read(asked: Asked, press: Pressed, context: SlackContext) -> None:
    me = await context.client.me()
    found = await context.client.call(
        "conversations.replies", channel=asked.place.channel, ts=asked.ts, limit=1, repeat=True
    )
    said = [message for message in found.data.get("messages", ()) if message.get("ts") == asked.ts]
    if not said:
        await context.tell(press.place, press.person, GONE)
        return
    words = " ".join(plain(str(said[0].get("text") or "").replace(f"<@{me.user}>", " ")).split())
    await _take(replace(asked, words=words, files=files_of(said[0])), press, context)


async def _settle(asked: Asked, press: Pressed, context: SlackContext) -> None:
    """The offer is taken: no button any more, and who pressed it."""
    text = f"<@{press.person}> asked for the answer."
    await context.client.call(
        "chat.update",
        channel=press.place.channel,
        ts=press.ts,
        text=text,
        blocks=[{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}],
        metadata=marked(answer.key_of(asked.question), PART, "final"),
        repeat=True,
        patience=5.0,
    )


ACTION = Action("answer_now", run, starts=True)
