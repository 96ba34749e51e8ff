"""Asks for the reason of a vote."""

from typing import Any

from bot.domain.plugin import Action
from bot.slack.context import SlackContext
from bot.slack.pressed import pressed
from bot.slack.render import modal, plain
from bot.slack.sides import VOTE_REASON, WHY

FIRST = "Please vote first; then say why."


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """A form for who has voted."""
    press = await pressed(body, context)
    voted = {person: reason for person, _, reason in await context.deps.votes.all(press.key)}
    if press.person not in voted:
        await context.tell(press.place, press.person, FIRST)
        return
    where = f"{press.key}|{press.place.channel}|{press.place.thread}"
    view = _form(where, voted[press.person])
    await context.client.call("views.open", trigger_id=press.trigger, view=view, patience=2.0)


def _form(where: str, before: str) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 1000}
    element |= {"initial_value": before} if before else {}
    label, hint = plain("What decided your vote?"), plain("It is shown with your name below the two answers.")
    question = {"type": "input", "block_id": "reason", "label": label, "hint": hint, "element": element}
    return modal("Why this one?", [question], where, callback=VOTE_REASON, submit="Send")


ACTION = Action(WHY, run)
