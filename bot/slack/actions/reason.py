"""Why an answer was no help, from the modal behind the thumb down."""

from typing import Any

from bot.domain.place import Place
from bot.domain.plugin import Action
from bot.flows import dispute
from bot.flows.dispute import Disputed
from bot.slack.actions.feedback import THANKS
from bot.slack.context import SlackContext


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Keeps the reason with the vote, and marks the answer as disputed."""
    view = body["view"]
    key, channel, thread = str(view["private_metadata"]).split("|")
    reason = context.deps.redact(str(view["state"]["values"]["reason"]["reason"].get("value") or ""))
    person = str(body["user"]["id"])
    await context.deps.votes.put(key, person, "down", reason)
    await dispute.request(context.deps.engine, Disputed(key, person, reason), str(view["id"]))
    await context.tell(Place((await context.client.me()).team, channel, thread), person, THANKS)


ACTION = Action("reason", run, view=True)
