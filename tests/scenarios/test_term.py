"""The bot is told to end in mid-answer, as by every deploy."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bot import wiring
from bot.demo.slack.sandbox import Sandbox
from tests.fakes.messages_server import Request, Said
from tests.scenarios.stage import (
    CHANNEL,
    HEAD,
    QUESTION,
    Scene,
    connected,
    free_port,
    looks_then_answers,
    reading,
    served,
    text_of,
    watched,
)

GRACE = 10.0  # seconds that container runtimes give by default


@contextlib.asynccontextmanager
async def worker(given: dict[str, Any], slack: Sandbox, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`nightjar serve` as a process that hears the sandbox; never left behind."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    names = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url}
    kept |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PORT": str(free_port()), **names}
    kept |= {name.upper(): str(value) for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=kept)
    try:
        await slack.wait_connected(2, 60)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_ends_in_time_and_is_finished_by_the_next(home: Path) -> None:
    """While the model writes: gone within ten seconds with code 0; the next process gives one whole answer."""
    hangs = True

    def written(request: Request) -> Said:
        said = looks_then_answers(request)
        return Said(*said.blocks, ending="stall") if hangs and len(said.blocks) == 1 else said

    url = f"sqlite:///{home / 'nightjar.sqlite'}"
    async with watched() as sources, served(written) as (model, claude), Sandbox() as slack:
        given = {**sources, **claude, "database_url": url, "log_level": "ERROR", "log_format": "text"}
        async with worker(given, slack, home) as process:
            await slack.say(CHANNEL, QUESTION)
            assert model is not None
            await slack.wait_for(lambda: len(model.requests) == 2 and slack.workspace.live_streams(), 30)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            assert time.monotonic() - began < GRACE
        hangs = False
        async with wiring.open_house(reading(slack.credentials(), home, **given)) as house:
            async with connected(slack, house, "socket"):
                scene = Scene(slack, house, model)
                (answer,) = await scene.answers()
        assert HEAD in text_of(answer)
        assert (scene.posts(), scene.streaming, len(model.requests)) == (1, 0, 3)
