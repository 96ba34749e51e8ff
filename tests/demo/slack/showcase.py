"""Messages of every kind, posted through the real client: what the page has to be able to draw."""

import struct
import zlib
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox

Json = dict[str, Any]
HOURS = [f"14:{minute:02d}" for minute in range(0, 60, 5)]
P95 = [210, 215, 208, 220, 232, 410, 890, 1240, 1310, 1290, 1335, 1302]
ERRORS = [3, 2, 3, 4, 3, 40, 180, 260, 255, 270, 262, 268]

ANSWER = """**checkout p95 is 1.3 s since 14:25 (6× normal), likely the database pool of `payments`.**
Errors at the edge follow two minutes later. Next: look at connection waits on `payments-db`.

| Service | p95 now | before | errors | since |
|:--------|--------:|-------:|-------:|:------|
| checkout | 1.30 s | 0.21 s | 4.1 % | 14:27 |
| payments | 1.21 s | 0.09 s | 0.2 % | 14:25 |
| cart | 0.08 s | 0.08 s | 0.0 % | – |

1. `payments` deployed **v2.41** at 14:24 ([diff](https://git.example.com/payments/compare/v2.40...v2.41))
2. Its pool went from 40 to 4 connections
   - waits rose from 0 to 380 per second
3. ~~Traffic~~ is unchanged

```
histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="payments"}[5m])))
```
> Not looked at: logs (Loki is not plugged in)."""


def png(width: int = 240, height: int = 90) -> bytes:
    """A small picture made here: a slope in two colours."""
    rows = b"".join(
        b"\x00"
        + b"".join(b"\x5b\x4f\xd0" if x * height > (height - y) * width else b"\xf6\xf4\xfa" for x in range(width))
        for y in range(height)
    )
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def chart(kind: str, title: str, unit: str, **series: list[int]) -> Json:
    """A native chart over the same twelve instants."""
    data = [
        {"name": name, "data": [{"label": hour, "value": value} for hour, value in zip(HOURS, values, strict=True)]}
        for name, values in series.items()
    ]
    axis = {"categories": HOURS, "y_label": unit}
    return {"type": "data_visualization", "title": title, "chart": {"type": kind, "series": data, "axis_config": axis}}


def closing() -> list[Json]:
    """What stands below an answer: charts, details, buttons, feedback."""
    evidence = {
        "type": "container",
        "title": plain("Details"),
        "subtitle": plain("4 queries, 2 sources, 11 s"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "*E1* p95 by service, `prod · eu-1`\n*E2* deploys"}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "model: playbook · no model was used"}]},
        ],
    }
    buttons = [
        {"type": "button", "action_id": "deep", "text": plain("Look deeper"), "value": "1", "style": "primary"},
        {"type": "button", "action_id": "stop", "text": plain("Stop"), "style": "danger", "value": "2"},
        {
            "type": "overflow",
            "action_id": "more",
            "options": [
                {"text": plain("Copy queries"), "value": "copy"},
                {"text": plain("Open page"), "value": "open"},
            ],
        },
    ]
    votes = {
        "type": "feedback_buttons",
        "action_id": "vote",
        "positive_button": {"text": plain("Useful"), "value": "up"},
        "negative_button": {"text": plain("Not useful"), "value": "down"},
    }
    return [
        chart("line", "p95 latency", "milliseconds", checkout=P95, payments=[value - 80 for value in P95]),
        chart("area", "Failed requests", "per minute", checkout=ERRORS),
        evidence,
        {"type": "actions", "elements": buttons},
        {"type": "context_actions", "elements": [votes]},
    ]


TASKS = (
    ("t1", "Read what is firing", "complete", "3 alerts, the earliest at 14:27"),
    ("t2", "Find the biggest movers", "complete", "payments p95 +1,240 %"),
    ("t3", "Look for deploys before 14:25", "complete", "payments v2.41 at 14:24"),
    ("t4", "Read the logs", "error", "no log source is plugged in"),
)


async def stream(client: AsyncWebClient, slack: Sandbox, root: Json, *, finish: bool) -> str:
    """A streamed answer with a plan, stopped or left in the middle; returns its ts."""
    where = {"channel": root["channel"], "thread_ts": root["ts"]}
    started = await client.chat_startStream(
        **where, recipient_team_id=slack.team_id, recipient_user_id=root["user"], task_display_mode="plan"
    )
    chunks: list[Json] = [{"type": "plan_update", "title": "Finding out why checkout is slow"}]
    for number, (task, title, status, output) in enumerate(TASKS):
        now = status if finish or number < 2 else "in_progress" if number == 2 else "pending"
        chunks.append({"type": "task_update", "id": task, "title": title, "status": now, "output": output})
    at = {"channel": root["channel"], "ts": started["ts"]}
    await client.chat_appendStream(**at, chunks=chunks)
    if not finish:
        await client.chat_appendStream(**at, markdown_text="`payments` is 13 times slower than an hour ago, and")
        return str(started["ts"])
    await client.chat_stopStream(**at, markdown_text=ANSWER, blocks=closing())
    return str(started["ts"])


async def fill(slack: Sandbox) -> Json:
    """A workspace with something of everything; returns the thread's root."""
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    channel = "inc-checkout"
    await slack.post_as_bot(
        channel,
        attachments=[
            {
                "color": "danger",
                "title": "[FIRING:2] CheckoutSlow (eu-1)",
                "title_link": "http://alertmanager.example.com/#/alerts",
                "text": "*p95 above 1 s for 5 minutes* on `checkout`",
                "fields": [{"title": "severity", "value": "critical"}, {"title": "since", "value": "14:27"}],
            }
        ],
    )
    await slack.say(channel, "anyone else seeing timeouts at the till? <https://status.example.com>", user="sam")
    await slack.say(channel, "yes, *every third* payment :eyes:", user="sam")
    root = await slack.say(channel, "@nightjar why is checkout slow?", user="mira")
    await slack.react(channel, root["ts"], "eyes", "sam")
    await stream(client, slack, root, finish=True)
    await client.files_upload_v2(content=png(), filename="p95.png", title="p95, denser", alt_txt="p95 rises at 14:25",
                                 channel=root["channel"], thread_ts=root["ts"])  # fmt: skip
    await slack.say(channel, "thanks, rolling `payments` back", user="sam", thread_ts=root["ts"])
    ids = {user.name: user.id for user in slack.workspace.users.values()}
    await client.chat_postEphemeral(channel=root["channel"], user=ids["mira"], text="Budget is at *80 %* today.")
    second = await slack.say(channel, "@nightjar and is cart affected?", user="sam")
    await stream(client, slack, second, finish=False)
    await client.assistant_threads_setStatus(
        channel_id=root["channel"], thread_ts=second["ts"], status="is reading metrics…"
    )
    await client.agents_sessions_setStatus(channel_id=root["channel"], thread_ts=second["ts"], status="processing")
    return root
