"""Charts too dense for Slack's own block, as PNG with alt text in the thread; never twice, even where one is lost."""

from collections.abc import Callable

from bot.domain.answers import Answer
from bot.domain.evidence import Chart
from bot.domain.ports import Notes
from bot.slack.charts import MAX_CHARTS, block_of
from bot.slack.client import SlackClient
from bot.slack.stream import Spot

Draw = Callable[[Chart], tuple[bytes, str]]
MAX_ALT = 1_000


async def share(client: SlackClient, notes: Notes, spot: Spot, answer: Answer, draw: Draw) -> None:
    """Upload each chart that has no native block; what Slack refuses stays a line of text in the answer."""
    for number, chart in enumerate(answer.charts[:MAX_CHARTS]):
        dense = block_of(chart, answer.zone) is None and any(series.values for series in chart.series)
        if dense and await notes.put(f"picture:{spot.key}:{number}", "1"):
            await _upload(client, spot, chart, draw)


async def _upload(client: SlackClient, spot: Spot, chart: Chart, draw: Draw) -> None:
    data, alt = draw(chart)
    name = "chart.png"
    asked = await client.call(
        "files.getUploadURLExternal", filename=name, length=len(data), alt_txt=alt[:MAX_ALT], repeat=True, patience=10.0
    )
    if not asked.ok or not await client.send_bytes(str(asked.data["upload_url"]), data):
        return
    await client.call(
        "files.completeUploadExternal",
        files=[{"id": asked.data["file_id"], "title": chart.title[:150] or "chart"}],
        channel_id=spot.posted.channel,
        thread_ts=spot.place.thread or spot.posted.ts,
        patience=10.0,
    )
