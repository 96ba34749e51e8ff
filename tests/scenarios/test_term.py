"""The bot is told to end in mid-answer, as by every deploy."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bot import settings, wiring
from bot.demo.slack.sandbox import Sandbox
from tests.fakes.messages_server import Request, Said
from tests.scenarios.stage import (
    CHANNEL,
    HEAD,
    QUESTION,
    Scene,
    connected,
    environment,
    free_port,
    given,
    looks_then_answers,
    served,
    text_of,
    watched,
)

GRACE = 10.0  # seconds that container runtimes give by default


@contextlib.asynccontextmanager
async def serving(slack: Sandbox, variables: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`nightjar serve` as a process that hears the sandbox; never left behind."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=variables)
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

    async with watched() as sources, served(written) as (model, claude), Sandbox() as slack:
        told = given(slack.credentials(), home, **sources, **claude, port=free_port())
        async with serving(slack, environment(told, home)) as process:
            await slack.say(CHANNEL, QUESTION)
            assert model is not None
            await slack.wait_for(lambda: len(model.requests) == 2 and slack.workspace.live_streams(), 30)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            assert time.monotonic() - began < GRACE
        hangs = False
        async with wiring.open_house(settings.read(**told)) as house, connected(slack, house, "socket"):
            scene = Scene(slack, house, model)
            (answer,) = await scene.answers()
        assert HEAD in text_of(answer)
        assert (scene.posts(), scene.streaming, len(model.requests)) == (1, 0, 3)
