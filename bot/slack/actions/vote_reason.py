"""The reason of a vote, from its form."""

from typing import Any

from bot.domain.place import Place
from bot.domain.plugin import Action
from bot.flows import reveal
from bot.slack.actions.feedback import THANKS
from bot.slack.context import SlackContext
from bot.slack.sides import VOTE_REASON


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Kept with the vote, and shown once the names are."""
    view = body["view"]
    key, channel, thread = str(view["private_metadata"]).split("|")
    reason = str(view["state"]["values"]["reason"]["reason"].get("value") or "")
    person = str(body["user"]["id"])
    await reveal.explain(context.deps, key, person, reason, str(view["id"]))
    await context.tell(Place((await context.client.me()).team, channel, thread), person, THANKS)


ACTION = Action(VOTE_REASON, run, view=True)
