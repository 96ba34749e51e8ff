"""From a signed event to its ack, beside bare Bolt that makes the same enqueue."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot import wiring
from tests.benchmarks.around import Surroundings, config

EVENTS_PER_SECOND = 50


async def acks(around: Surroundings, folder: Path, events: int) -> tuple[float, float]:
    """p99 milliseconds from signed event to ack, 50 a second: ours, and bare Bolt with the same enqueue."""
    async with wiring.open_house(config(around, folder), listen=False) as house:
        app = house.slack_app()
        await app.prime()
        bare = _bare(around, house)

        async def ours(body: bytes, headers: dict[str, str]) -> int:
            return (await app.handle_http(body, headers))[0]

        async def theirs(body: bytes, headers: dict[str, str]) -> int:
            return (await bare.async_dispatch(AsyncBoltRequest(body=body.decode(), headers=dict(headers)))).status

        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for block in range(6):
            for name, send in (("ours", ours), ("theirs", theirs)):
                taken = await _flood(send, around.at, f"{name}{block}", events // 6)
                seconds[name] += taken if block else []
        await app.close()
    return _p99(seconds["ours"]), _p99(seconds["theirs"])


def _bare(around: Surroundings, house: wiring.House) -> AsyncApp:
    web = AsyncWebClient(around.at["bot_token"], around.at["api_url"])
    bare = AsyncApp(client=web, signing_secret=around.at["signing_secret"])

    @bare.middleware
    async def accept(body: dict[str, Any], next: Any) -> BoltResponse:
        event = body["event"]
        key = f"bare:{event['ts']}"
        await house.engine.start("answer", key, key + ":lane", {"event": event})
        return BoltResponse(status=200, body="")

    return bare


async def _flood(
    send: Callable[[bytes, dict[str, str]], Awaitable[int]], at: dict[str, Any], name: str, count: int
) -> list[float]:
    taken: list[float] = []

    async def one(number: int) -> None:
        body, headers = _signed(at, f"{time.time():.6f}", f"{name}-{number}")
        began = time.perf_counter()
        assert await send(body, headers) == 200
        taken.append(time.perf_counter() - began)

    began, tasks = time.perf_counter(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / EVENTS_PER_SECOND - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    return taken


def _signed(at: dict[str, Any], ts: str, id: str) -> tuple[bytes, dict[str, str]]:
    event = {
        "type": "app_mention", "user": "U07MIRALIND", "ts": ts, "event_ts": ts, "channel": "C1",
        "text": f"<@{at['bot_user_id']}> why is checkout slow?",
    }  # fmt: skip
    body = json.dumps(
        {"type": "event_callback", "team_id": at["team_id"], "event_id": id, "event": event, "api_app_id": "A"}
    ).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(at["signing_secret"].encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "content-type": "application/json",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signature}",
    }


def _p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000
