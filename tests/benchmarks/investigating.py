"""CPU of the bot's process per investigation, and of the libraries alone doing as much of their own work."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import parts
from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.engine.dbos import DbosEngine
from tests.benchmarks.around import Surroundings
from tests.benchmarks.served import Served, served

IDLE_SECONDS = 4.0


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU per investigation and per idle second; how many steps and Slack calls it makes."""

    cpu: float
    idle: float
    steps: int
    slack_calls: int


async def investigations(around: Surroundings, folder: Path, runs: int, world: str = "small") -> Cost:
    """A batch of mentions at once, drained, less what as many idle seconds cost, which is told apart."""
    async with served(around, folder, world) as bot:
        warm = await _batch(bot, 4)
        await asyncio.sleep(2)
        before = bot.cpu
        await asyncio.sleep(IDLE_SECONDS)
        idle, seen = (bot.cpu - before) / IDLE_SECONDS, len(await bot.traffic())
        before, began = bot.cpu, time.monotonic()
        await _batch(bot, runs, warm)
        cpu = (bot.cpu - before - idle * (time.monotonic() - began)) / runs
        calls = sum(line["kind"] == "call" for line in (await bot.traffic())[seen:]) / runs
        return Cost(cpu, idle, round(bot.steps()), round(calls))


async def _batch(bot: Served, count: int, answered: int = 0) -> int:
    await asyncio.gather(*(bot.say(number, apart=True) for number in range(count)))
    await bot.answered(answered + count)
    await asyncio.sleep(0.5)
    return answered + count


async def bare_dbos(folder: Path, runs: int, steps: int) -> float:
    """A batch of runs of so many steps on the engine alone, each keeping 3 kB."""

    async def noop(given: Steps, deps: Any, payload: Any) -> Any:
        for number in range(steps):
            await given.once(f"s{number}", _payload, dict)
        return {}

    engine = DbosEngine(f"sqlite:///{folder}/bare.sqlite", {"noop": Flow("noop", noop)})

    async def batch(count: int) -> None:
        for number in range(count):
            key = f"k{number}-{time.time()}"
            await engine.start("noop", key, f"lane-{key}", {"text": "x" * 300})
        await engine.drained()

    async with engine.serving(None):
        await batch(4)
        idle = await _idle()
        before, began = time.process_time(), time.monotonic()
        await batch(runs)
        spent = time.process_time() - before
        return (spent * 1000 - idle * (time.monotonic() - began)) / runs


async def _idle() -> float:
    """Milliseconds of CPU a second while nothing happens."""
    before = time.process_time()
    await asyncio.sleep(IDLE_SECONDS)
    return (time.process_time() - before) * 1000 / IDLE_SECONDS


async def _payload() -> dict[str, str]:
    return {"text": "x" * 3_000}


async def bare_anthropic(around: Surroundings, runs: int) -> float:
    """Three streamed turns with tools by the SDK alone, so many conversations at once."""
    import anthropic  # noqa: PLC0415  # as late as in the bot

    tools: Any = [{"name": t.name, "description": t.about, "input_schema": t.schema} for t in parts.all_tools()]
    async with anthropic.AsyncAnthropic(api_key="k", base_url=around.at["model_url"], max_retries=0) as client:

        async def turns() -> None:
            for _ in range(3):
                asked: Any = [{"role": "user", "content": "x" * 4_000}]
                async with client.messages.stream(
                    model="claude-opus-5-5", max_tokens=1_000, messages=asked, tools=tools, system="y" * 2_500
                ) as stream:
                    async for _event in stream:
                        pass

        return await _cpu(runs, turns)


async def bare_slack(around: Surroundings, runs: int, slack_calls: int) -> float:
    """An event through bare Bolt, and as many Slack calls by the SDK alone over one session."""
    async with aiohttp.ClientSession() as session:
        web = AsyncWebClient(around.at["bot_token"], around.at["api_url"], session=session, retry_handlers=[])
        app = AsyncApp(client=web, signing_secret=around.at["signing_secret"])
        app.event("app_mention")(_heard)

        async def calls() -> None:
            event = {"type": "app_mention", "user": "U1", "ts": f"{time.time():.6f}", "channel": "C1", "text": "why?"}
            body = {"type": "event_callback", "team_id": around.at["team_id"], "event": event}
            await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
            posted = await web.chat_postMessage(channel="#general", text="x" * 200)
            for _ in range(slack_calls - 1):
                await web.chat_update(channel=posted["channel"], ts=posted["ts"], text="y" * 400)

        return await _cpu(runs, calls)


async def _heard() -> None:
    """What a bare app does with an event: nothing."""


async def _cpu(runs: int, work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds of one, of a batch at once; four before it warm up."""
    await asyncio.gather(*(work() for _ in range(4)))
    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(runs)))
    return (time.process_time() - began) * 1000 / runs
