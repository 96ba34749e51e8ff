"""Entering the public channels of an incident."""

from bot.domain.place import Channel
from bot.flows import hello
from bot.slack.context import SlackContext

PAGES = 20  # of 200 channels; a larger workspace is entered by the channels' own events


async def enter(context: SlackContext, channel: str) -> bool:
    """Join, then say hello (once per channel, by the flow); False when Slack does not let us."""
    outcome = await context.client.call("conversations.join", channel=channel, repeat=True)
    if outcome.ok:
        me = await context.client.me()
        await hello.request(context.deps.engine, me.team, channel, me.user)
    return outcome.ok


async def sweep(context: SlackContext) -> int:
    """Join the incident channels that were made while nobody listened; returns how many."""
    if not context.deps.policy.join:
        return 0
    entered, cursor = 0, ""
    for _ in range(PAGES):
        outcome = await context.client.call(
            "conversations.list", types="public_channel", exclude_archived=True, limit=200, cursor=cursor, repeat=True
        )
        for item in outcome.data.get("channels", ()):
            known = Channel(item["id"], item.get("name", ""))
            if not item.get("is_member") and context.deps.policy.is_incident(known):
                entered += await enter(context, known.id)
        cursor = (outcome.data.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            break
    return entered
