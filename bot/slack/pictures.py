"""Charts that Slack's own block cannot hold, as PNG with alt text in the thread; never twice, even if one is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bot.check.output import defuse
from bot.domain.answers import Answer
from bot.domain.errors import ReplyError
from bot.domain.evidence import Chart
from bot.domain.ports import Notes
from bot.slack.charts import MAX_CHARTS, block_of, sparklines, title_of
from bot.slack.client import SlackClient
from bot.slack.posting import SHORTLY, Content, post_once
from bot.slack.render import escape, monospace
from bot.slack.stream import Spot

Draw = Callable[[Chart, str], tuple[bytes, str]]
MAX_ALT = 1_000


async def share(client: SlackClient, notes: Notes, spot: Spot, answer: Answer, draw: Draw) -> None:
    """Upload each chart that has no native block; where Slack refuses the picture, a line of text stands for it."""
    for number, chart in enumerate(answer.charts[:MAX_CHARTS]):
        lacks = block_of(chart, answer.zone) is None and any(series.values for series in chart.series)
        if not lacks or not await notes.put(f"picture:{spot.key}:{number}", "1"):
            continue
        if not await _upload(client, spot, chart, partial(draw, chart, answer.zone)):
            await _in_text(client, spot, chart, f"chart:{number}")


async def _in_text(client: SlackClient, spot: Spot, chart: Chart, part: str) -> None:
    """The last fallback; the answer stands already, so that a second refusal is let go."""
    place = replace(spot.place, thread=spot.place.thread or spot.posted.ts)
    content = Content(escape(title_of(chart)), (monospace(defuse(sparklines(chart))),))
    with suppress(ReplyError):
        await post_once(client, place, spot.key, part, content, look=False, patience=SHORTLY)


async def _upload(client: SlackClient, spot: Spot, chart: Chart, drawn: Callable[[], tuple[bytes, str]]) -> bool:
    data, alt = await asyncio.to_thread(drawn)
    asked = await client.call(
        "files.getUploadURLExternal",
        filename="chart.png",
        length=len(data),
        alt_txt=alt[:MAX_ALT],
        repeat=True,
        patience=10.0,
    )
    if not asked.ok or not await client.send_bytes(str(asked.data["upload_url"]), data):
        return False
    done = await client.call(
        "files.completeUploadExternal",
        files=[{"id": asked.data["file_id"], "title": title_of(chart)}],
        channel_id=spot.posted.channel,
        thread_ts=spot.place.thread or spot.posted.ts,
        patience=10.0,
    )
    return done.ok or not done.sure
