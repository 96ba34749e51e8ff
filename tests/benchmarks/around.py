"""The side process, and the settings of a bot that talks to it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import settings


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
async def surroundings(*options: str) -> AsyncIterator[Surroundings]:
    """Slack, model and sources, beside this process; `options` are those of its command."""
    command = (sys.executable, "-m", "tests.benchmarks.surroundings", *options)
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


def environment(around: Surroundings, folder: Path, world: str = "small") -> dict[str, str]:
    """The settings of a bot whose Slack, model and sources are the side process's."""
    at = around.at
    return {
        "SLACK_BOT_TOKEN": at["bot_token"], "SLACK_APP_TOKEN": at["app_token"],
        "SLACK_SIGNING_SECRET": at["signing_secret"], "SLACK_API_URL": at["api_url"],
        "ANTHROPIC_API_KEY": "k-" + os.urandom(8).hex(), "ANTHROPIC_BASE_URL": at["model_url"],
        "PROMETHEUS_URL": at["worlds"][world]["prometheus_url"],
        "ALERTMANAGER_URL": at["worlds"][world]["alertmanager_url"],
        "DATABASE_URL": f"sqlite:///{folder}/nightjar.sqlite", "LOG_LEVEL": "ERROR", "PORT": "0",
    }  # fmt: skip


def config(around: Surroundings, folder: Path, world: str = "small", **more: Any) -> settings.Settings:
    """The same as settings; `more` overrides."""
    given = environment(around, folder, world)
    named: dict[str, Any] = {name.lower(): value for name, value in given.items() if name != "PORT"}
    return settings.read(**{**named, **more})
