"""What was asked too long ago is not answered unasked: one short message in its thread offers to."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from bot.domain.place import Place
from bot.flows import answer, steer
from bot.slack.context import SlackContext
from bot.slack.hearing import Asked
from bot.slack.posting import Content, find, post_once

Json = dict[str, Any]
ACTION = "answer_now"
PART = "offer"
MOST_VALUE = 1_900  # characters; a button's value holds 2,000
GRACE = 10.0  # seconds after which an offer that another process was about to post is posted by this one
PATIENCE = 60.0  # seconds; after that the gap is read again
_DONE = "done"


async def offer(context: SlackContext, asked: Asked) -> bool:
    """Offer to answer, once; False when it was offered, or answered, before. Raises ReplyError when Slack is away."""
    deps, key = context.deps, answer.key_of(asked.question)
    note = f"offer:{key}"
    if await _is_known(context, asked, key):
        return False
    first = await deps.notes.put(note, "")
    if not first:
        if await deps.notes.get(note) == _DONE:
            return False
        await asyncio.sleep(GRACE)
    new = await find(context.client, asked.place, key, "answer") is None  # a restored backup knows less than the thread
    if new:
        await post_once(context.client, asked.place, key, PART, _content(asked), look=True, patience=PATIENCE)
    await deps.notes.put(note, _DONE, replace=True)
    return new and first


async def _is_known(context: SlackContext, asked: Asked, key: str) -> bool:
    """Whether it was accepted, joined another or ran as a command; or, as a follow-up, would not be answered."""
    deps = context.deps
    for note in (asked.heard_key, steer.joined_note(key)):
        if await deps.notes.get(note) is not None:
            return True
    if await deps.audit.get(key) is not None:
        return True
    if any(run.key == key for run in await deps.engine.lane(answer.lane_of(asked.question))):
        return True
    if asked.way != "follow_up":
        return False
    channel = await deps.chat.channel(asked.place.channel)
    return not (channel.direct or deps.policy.is_incident(channel))


def _content(asked: Asked) -> Content:
    at = f"<!date^{int(float(asked.ts))}^{{time}}|{datetime.fromtimestamp(float(asked.ts), UTC):%H:%M} UTC>"
    text = f"I was not there when this was asked ({at}), or heard of it late. It may be settled by now."
    button = {
        "type": "button",
        "action_id": ACTION,
        "text": {"type": "plain_text", "text": "Answer now", "emoji": True},
        "value": pack(asked),
    }
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return Content(text, (section, {"type": "actions", "elements": [button]}))


def pack(asked: Asked) -> str:
    """As a button carries it: without the words when they are too many, or files stand beside them."""
    kept: Json = {"ts": asked.ts, "by": asked.person, "way": asked.way, "thread": asked.place.thread}
    whole = json.dumps(kept | {"words": asked.words}, ensure_ascii=False)
    return whole if len(whole) <= MOST_VALUE and not asked.files else json.dumps(kept)


def unpack(value: str, team: str, channel: str) -> tuple[Asked, bool]:
    """What a button carries, and whether the words are there."""
    kept = json.loads(value)
    place = Place(team, channel, kept["thread"])
    return Asked(place, kept["by"], kept["ts"], kept.get("words", ""), kept["way"]), "words" in kept
