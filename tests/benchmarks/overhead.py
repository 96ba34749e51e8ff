"""What the bot costs beside bare Bolt, DBOS and the SDKs, measured side by side in one run.

python -m tests.benchmarks.overhead [--json] [--runs 20] [--events 400]
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot import settings, wiring
from bot.demo.slack.remote import Remote
from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.domain.window import last
from bot.engine.dbos import DbosEngine
from tests.benchmarks.queries import RANGES

GOALS = {
    "ack_p99_ms": 100.0, "ack_ratio": 1.5, "cpu_ms": 90.0, "cpu_ms_own": 25.0, "first_request_bytes": 12_000,
    "start_s": 4.5, "rss_mb": 190.0, "evidence_ratio": 1.5,
}  # fmt: skip
QUESTION = "@nightjar why is checkout slow?"
STEPS = 9
SLACK_CALLS = 4
EVENTS_PER_SECOND = 50


@dataclass
class Surroundings:
    """The side process: addresses first, then what the model was asked."""

    process: asyncio.subprocess.Process
    at: dict[str, Any]
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def follow(self) -> None:
        """Keep reading its lines."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.requests.append(json.loads(line))


@asynccontextmanager
async def surroundings() -> AsyncIterator[Surroundings]:
    """Slack, model and sources, beside this process."""
    command = (sys.executable, "-m", "tests.benchmarks.surroundings")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    found = Surroundings(process, json.loads(await process.stdout.readline()))
    reader = asyncio.create_task(found.follow())
    try:
        yield found
    finally:
        process.terminate()
        await process.wait()
        await reader


def environment(around: Surroundings, folder: Path) -> dict[str, str]:
    """The settings of a bot that talks to the side process."""
    at = around.at
    return {
        "SLACK_BOT_TOKEN": at["bot_token"], "SLACK_APP_TOKEN": at["app_token"],
        "SLACK_SIGNING_SECRET": at["signing_secret"], "SLACK_API_URL": at["api_url"],
        "ANTHROPIC_API_KEY": "k-" + os.urandom(8).hex(), "ANTHROPIC_BASE_URL": at["model_url"],
        "PROMETHEUS_URL": at["prometheus_url"], "ALERTMANAGER_URL": at["alertmanager_url"],
        "DATABASE_URL": f"sqlite:///{folder}/nightjar.sqlite", "LOG_LEVEL": "ERROR", "PORT": "0",
    }  # fmt: skip


def config(around: Surroundings, folder: Path) -> settings.Settings:
    """The same as settings."""
    given = {name.lower(): value for name, value in environment(around, folder).items() if name != "PORT"}
    return settings.read(**given)


async def investigations(around: Surroundings, folder: Path, runs: int) -> float:
    """CPU milliseconds of this process per scripted two-tool investigation, through Socket Mode, warm."""
    async with (
        wiring.open_house(config(around, folder)) as house,
        aiohttp.ClientSession() as session,
        house.listening(),
    ):
        remote = Remote(around.at["url"], session)
        await remote.do("wait_connected")
        for _ in range(3):
            await _one(house, remote, around.at["team_id"])
        began = time.process_time()
        for _ in range(runs):
            await _one(house, remote, around.at["team_id"])
        return (time.process_time() - began) * 1000 / runs


async def _one(house: wiring.House, remote: Remote, team: str) -> None:
    said = await remote.do("say", channel="inc-checkout", text=QUESTION)
    key = f"ans:{team}:{said['channel']}:{said['ts']}"
    while (record := await house.deps.audit.get(key)) is None or record.state == "running":  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)


async def bare_dbos(folder: Path, runs: int) -> float:
    """CPU milliseconds of a run of as many no-op steps on the engine alone."""

    async def noop(steps: Steps, deps: Any, payload: Any) -> Any:
        for number in range(STEPS):
            await steps.once(f"s{number}", _payload, dict)
        return {}

    engine = DbosEngine(f"sqlite:///{folder}/bare.sqlite", {"noop": Flow("noop", noop)})
    async with engine.serving(None):
        return await _cpu(runs, lambda n: _drained(engine, n))


async def _payload() -> dict[str, str]:
    return {"text": "x" * 3_000}


async def _drained(engine: DbosEngine, number: int) -> None:
    await engine.start("noop", f"k{number}-{time.time()}", f"lane{number}", {"text": "x" * 300})
    await engine.drained()


async def bare_anthropic(around: Surroundings, runs: int) -> float:
    """CPU milliseconds of three streamed turns with tools by the SDK alone."""
    import anthropic  # noqa: PLC0415

    tools: Any = [{"name": t.name, "description": t.about, "input_schema": t.schema} for t in wiring.all_tools()]
    async with anthropic.AsyncAnthropic(api_key="k", base_url=around.at["model_url"], max_retries=0) as client:

        async def turns(number: int) -> None:
            for _ in range(3):
                asked: Any = [{"role": "user", "content": "x" * 4_000}]
                async with client.messages.stream(
                    model="claude-opus-5-5", max_tokens=1_000, messages=asked, tools=tools, system="y" * 2_500
                ) as stream:
                    async for _event in stream:
                        pass

        return await _cpu(runs, turns)


async def bare_slack(around: Surroundings, runs: int) -> float:
    """CPU milliseconds of as many Slack calls by the SDK alone, over one session."""
    async with aiohttp.ClientSession() as session:
        web = AsyncWebClient(around.at["bot_token"], around.at["api_url"], session=session, retry_handlers=[])

        async def calls(number: int) -> None:
            posted = await web.chat_postMessage(channel="#general", text="x" * 200)
            for _ in range(SLACK_CALLS - 1):
                await web.chat_update(channel=posted["channel"], ts=posted["ts"], text="y" * 400)

        return await _cpu(runs, calls)


async def _cpu(runs: int, work: Callable[[int], Awaitable[None]]) -> float:
    await work(-1)
    began = time.process_time()
    for number in range(runs):
        await work(number)
    return (time.process_time() - began) * 1000 / runs


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


async def start(around: Surroundings, folder: Path) -> tuple[float, float]:
    """Seconds from a process's start to its first request to the model, with compiled bytecode; its RSS then, in MB."""
    given = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    given |= environment(around, folder) | {"PYTHONPYCACHEPREFIX": str(folder / "pyc"), "PORT": str(_free_port())}
    best, rss = 1e9, 0.0
    async with aiohttp.ClientSession() as session:
        remote = Remote(around.at["url"], session)
        for attempt in range(3):
            before, began = len(around.requests), time.time()
            bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=given)
            try:
                await remote.do("wait_connected", timeout=30)
                await remote.do("say", channel="inc-checkout", text=QUESTION)
                while len(around.requests) == before:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                if attempt:  # the first one compiles
                    best = min(best, around.requests[before]["at"] - began)
                    rss = max(rss, _rss(bot.pid))
                await asyncio.sleep(1.5)
            finally:
                bot.terminate()
                await bot.wait()
    return best, rss


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _rss(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


async def evidence(around: Surroundings) -> float:
    """Alerts and 12 range queries through the sources, against the same requests by a bare keep-alive client."""
    own = settings.read(
        prometheus_url=around.at["prometheus_url"], alertmanager_url=around.at["alertmanager_url"], sources={}
    )
    instances = wiring.open_sources(own)
    series, alerts = instances.of("series")[0].series, next(i for i in instances.instances if i.kind == "alertmanager")
    assert series is not None
    assert alerts.alerts is not None
    window = last(timedelta(hours=1), datetime.now(UTC))
    ours: list[float] = []
    raw: list[float] = []
    async with httpx.AsyncClient(timeout=30) as client:
        for attempt in range(8):
            began = time.perf_counter()
            await asyncio.gather(alerts.alerts.alerts(), *(series.range(query, window, 60) for query in RANGES))
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            await asyncio.gather(_raw_alerts(client, around), *(_raw(client, around, q, window) for q in RANGES))
            raw.append(time.perf_counter() - began)
            if not attempt:
                ours, raw = [], []
    for instance in instances.instances:
        if instance.close is not None:
            await instance.close()
    return statistics.median(ours) / statistics.median(raw)


async def _raw_alerts(client: httpx.AsyncClient, around: Surroundings) -> Any:
    return (await client.get(f"{around.at['alertmanager_url']}/api/v2/alerts")).json()


async def _raw(client: httpx.AsyncClient, around: Surroundings, query: str, window: Any) -> Any:
    given = {"query": query, "start": window.start.timestamp(), "end": window.end.timestamp(), "step": 60}
    return (await client.get(f"{around.at['prometheus_url']}/api/v1/query_range", params=given)).json()


async def measure(runs: int, events: int) -> dict[str, float]:
    """Every figure."""
    async with surroundings() as around:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for part in ("a", "b", "c", "d"):
                (folder / part).mkdir()
            cpu = await investigations(around, folder / "a", runs)
            first = max(around.requests, key=lambda request: 0 if request["tools"] else -1)
            dbos = await bare_dbos(folder / "b", runs)
            sdk = await bare_anthropic(around, runs)
            slack = await bare_slack(around, runs)
            ours, bare = await acks(around, folder / "c", events)
            seconds, rss = await start(around, folder / "d")
            ratio = await evidence(around)
    return {
        "ack_p99_ms": ours, "ack_ratio": ours / bare, "cpu_ms": cpu, "cpu_ms_own": cpu - dbos - sdk - slack,
        "first_request_bytes": first["bytes"], "first_request_tools": first["tools"], "start_s": seconds,
        "rss_mb": rss, "evidence_ratio": ratio, "cpu_ms_dbos": dbos, "cpu_ms_anthropic": sdk, "cpu_ms_slack": slack,
    }  # fmt: skip


def main() -> None:
    """Measure, print, and say which goals hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--events", type=int, default=600)
    given = parser.parse_args()
    figures = {name: round(value, 3) for name, value in asyncio.run(measure(given.runs, given.events)).items()}
    if given.json:
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        return
    for name, value in figures.items():
        goal = GOALS.get(name)
        verdict = "" if goal is None else f"   goal {goal:g}: {'holds' if value <= goal else 'MISSED'}"
        sys.stdout.write(f"{name:<22}{value:>10.2f}{verdict}\n")


if __name__ == "__main__":
    main()
