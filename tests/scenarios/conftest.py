"""Both transports for every scenario, and writers that do not wait as long as on real Slack."""

import asyncio
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from bot import wiring
from bot.engine import dbos
from bot.slack import pace, reply, stream
from tests.scenarios.stage import LLAMA, Scene, reading, stage

Play = Callable[..., AbstractAsyncContextManager[Scene]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work begins and progress is written within hundredths of a second."""
    monkeypatch.setattr(dbos, "_POLL_SECONDS", 0.05)
    monkeypatch.setattr(pace, "LEAST_INTERVAL", 0.02)
    monkeypatch.setattr(pace, "PER_STREAM", 0.0)
    monkeypatch.setattr(reply, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(stream, "EDIT_SECONDS", 0.05)
    monkeypatch.setattr(pace, "BURST", 100)


async def _once(folder: Path) -> None:
    nobody = dict.fromkeys(("bot_token", "app_token", "signing_secret"), secrets.token_hex(8))
    nobody["api_url"] = "http://127.0.0.1:9/api/"  # never called
    async with wiring.open_house(reading(nobody, folder)):
        pass


@pytest.fixture(scope="session")
def used_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The databases of a house that was open before: the engine takes a second to notice queues that are new."""
    folder = tmp_path_factory.mktemp("used")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbos, "_POLL_SECONDS", 0.05)
        asyncio.run(_once(folder))
    return folder


@pytest.fixture
def home(used_before: Path, tmp_path: Path) -> Path:
    """A folder with a house's databases, empty."""
    return Path(shutil.copytree(used_before, tmp_path / "home"))


EITHER_MODEL = pytest.mark.parametrize("play", ["socket", "http", "llama"], indirect=True)
"""For what a model could do otherwise: once more with Llama, in channels whose questions reach no hosted model."""
ONE_WAY = pytest.mark.parametrize("play", ["socket"], indirect=True)
"""For what no transport could change."""


@pytest.fixture(params=["socket", "http"])
def play(request: pytest.FixtureRequest, quick: None, home: Path) -> Play:
    """Opens the whole house on a transport, or with Llama: `async with play(script=…) as scene`."""
    if request.param == "llama":
        return partial(stage, home, "socket", mind=LLAMA, in_house=True)
    return partial(stage, home, request.param)
