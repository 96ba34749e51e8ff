"""A reply under way, with writers that do not wait as long as on real Slack."""

import asyncio

from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.slack.reply import SlackReply
from tests.slack.house import House
from tests.slack.test_reply import KEY, place_in

MIRA = "U07MIRALIND"


async def begun(house: House, recipient: str = MIRA) -> tuple[Place, Posted, SlackReply]:
    """A reply under way in a thread."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    return place, posted, house.replies.open(place, KEY, posted, recipient)


async def drawn(work: SlackReply) -> None:
    """Wait until everything shown has been written."""
    async with asyncio.timeout(5):
        while work._wake.is_set() or not work._board.is_drawn:  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)


def streamed(house: House) -> str:
    """All text that was streamed and taken, in order."""
    taken = [
        call
        for call in house.slack.calls()
        if call.name in ("chat.startStream", "chat.appendStream") and call.answer.get("ok")
    ]
    chunks = [chunk for call in taken for chunk in call.sent.get("chunks", [])]
    return "".join(chunk.get("text", "") for chunk in chunks)
