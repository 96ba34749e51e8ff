"""A thumb up or down under an answer; down asks for the reason."""

from typing import Any

from bot.domain.plugin import Action
from bot.flows import dispute
from bot.flows.dispute import Disputed
from bot.slack.context import SlackContext
from bot.slack.pressed import pressed
from bot.slack.render import REASON, modal

THANKS = "Thank you. It is kept with this answer."


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Keeps the vote at once, the last of each person counting; the reason is free to give.

    Who disputed the answer before, and holds it for good now, disputes it no more.
    """
    press = await pressed(body, context)
    await context.deps.votes.put(press.key, press.person, press.more)
    if press.more == "up":
        record = await context.deps.audit.get(press.key)
        disputes = record.answer.disputes if record and record.answer else ()
        if any(one.person == press.person for one in disputes):
            await dispute.request(context.deps.engine, Disputed(press.key, press.person, ""), press.trigger)
        await context.tell(press.place, press.person, THANKS)
        return
    where = f"{press.key}|{press.place.channel}|{press.place.thread}"
    await context.client.call("views.open", trigger_id=press.trigger, view=_form(where), patience=2.0)


def _form(where: str) -> dict[str, Any]:
    plain = {"type": "plain_text", "emoji": True}
    element = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 1000}
    label = plain | {"text": "What was wrong, or what was missing?"}
    hint = plain | {"text": "It is shown with the answer, with your name, and told to whoever answers here next."}
    question = {
        "type": "input",
        "block_id": "reason",
        "optional": True,
        "label": label,
        "hint": hint,
        "element": element,
    }
    return modal("What was wrong?", [question], where, callback=REASON, submit="Send")


ACTION = Action("feedback", run)
