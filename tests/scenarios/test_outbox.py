"""What leaves the bot leaves once: after a restored backup, behind a closed fence, late, and from an older version."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from bot import settings, wiring
from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import Happening
from bot.engine import _keeper
from bot.flows import opening
from bot.slack import render
from tests.fakes.messages_server import Request, Said
from tests.scenarios.conftest import Play
from tests.scenarios.stage import (
    CHANNEL,
    HEAD,
    Scene,
    connected,
    given,
    looks_then_answers,
    served,
    text_of,
    watched,
)
from tests.scenarios.test_redelivery import carried


def slowly(request: Request) -> Said:
    """The same model, slow enough to be disturbed."""
    return Said(*looks_then_answers(request).blocks, pace=0.05)


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[tuple[Sandbox, dict[str, Any]]]:
    """A Slack and everything around it, which outlive the houses that are opened in it."""
    async with AsyncExitStack() as stack:
        sources = await stack.enter_async_context(watched())
        _, claude = await stack.enter_async_context(served(slowly))
        slack = await stack.enter_async_context(Sandbox(channels=(CHANNEL,), retry_delays=(0, 0.05, 0.05)))
        yield slack, given(slack.credentials(), folder, **sources, **claude)


@asynccontextmanager
async def opened(slack: Sandbox, told: dict[str, Any]) -> AsyncIterator[Scene]:
    """A house in the town."""
    async with wiring.open_house(settings.read(**told)) as house, connected(slack, house, "socket"):
        yield Scene(slack, house)


def copied(home: Path, to: Path) -> None:
    """A copy of each database as it is now, while it is in use."""
    to.mkdir()
    for file in sorted(home.glob("*.sqlite")):
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to / file.name)) as target:
            source.backup(target)


def restored(home: Path, copy: Path) -> None:
    """The databases as they were."""
    for file in home.glob("*.sqlite*"):
        file.unlink()
    for file in copy.iterdir():
        shutil.copy(file, home / file.name)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("begun", [False, True], ids=["before it began", "in the middle"])
async def test_a_restored_backup_answers_nothing_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    """A question that was answered after the copy was made keeps its one answer, and its text."""
    monkeypatch.setattr(opening, "FRESH_SECONDS", 0.5)
    async with town(home) as (slack, told):
        async with opened(slack, told) as scene:
            if not begun:
                copied(home, tmp_path / "copy")
            said = await scene.ask()
            await scene.at_work()
            if begun:
                copied(home, tmp_path / "copy")
            (answer,) = await scene.answers()
        restored(home, tmp_path / "copy")
        async with opened(slack, told) as scene:
            if not begun:
                message = slack.workspace.channel(CHANNEL).messages[said["ts"]]
                for envelope in slack._events.of(Happening("message", message.channel, message.user, message)):
                    assert (await carried(scene, envelope, 1)).ok
            await scene.quiet()
            (left,) = await scene.answers()
            assert left["ts"] == answer["ts"]
            assert HEAD in text_of(left)
            assert scene.posts() == 1


def written(slack: Sandbox) -> int:
    """How many calls Slack got that write."""
    return sum(not call.name.startswith(("conversations.", "users.")) for call in slack.calls())


@pytest.mark.usefixtures("quick")
async def test_nothing_is_written_behind_a_closed_fence(home: Path) -> None:
    """A worker that lost its lease in mid-answer writes nothing until it may again; then the answer comes."""
    async with town(home) as (slack, told), opened(slack, told) as scene:
        await scene.ask()
        await slack.wait_for(lambda: scene.streaming)
        fence = scene.house.engine.fence  # type: ignore[union-attr]
        fence.seconds = 0.0
        before = -1
        async with asyncio.timeout(15):
            while before != written(slack):  # what was on its way arrives
                before = written(slack)
                await asyncio.sleep(0.5)
        await asyncio.sleep(1.0)
        assert written(slack) == before
        fence.seconds = float("inf")
        (answer,) = await scene.answers()
        assert HEAD in text_of(answer)
        assert scene.streaming == 0


async def test_a_late_answer_says_so(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins with when it was asked, and of when it is."""
    monkeypatch.setattr(render, "LATE_SECONDS", 0.0)
    async with play(script=looks_then_answers) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        assert answer["text"].startswith("Late: asked at ")
        assert "what follows is as of" in answer["blocks"][0]["elements"][0]["text"]


@pytest.mark.usefixtures("quick")
async def test_what_another_version_recorded_begins_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that do not fit are dropped, the investigation begins again in the same message, and its answer says so."""
    monkeypatch.setattr(_keeper, "SECONDS", 0.2)
    async with town(home) as (slack, told):
        async with opened(slack, told) as scene:
            said = await scene.ask()
            held = await scene.at_work()
            await slack.wait_for(lambda: scene.streaming)
            copied(home, tmp_path / "copy")
            (run,) = await scene.house.engine.lane(f"{slack.team_id}:{held['channel']}:{said['ts']}")
            await scene.house.engine.cancel(run.key)
        renamed = "UPDATE operation_outputs SET function_name = 'read' WHERE function_name = 'context'"
        with closing(sqlite3.connect(tmp_path / "copy" / "nightjar-engine.sqlite")) as connection, connection:
            assert connection.execute(renamed).rowcount == 1
        restored(home, tmp_path / "copy")
        async with opened(slack, told) as scene:
            (answer,) = await scene.answers(seconds=30.0)
            assert answer["ts"] == held["ts"]
            assert HEAD in text_of(answer)
            assert "begun again by version" in text_of(answer)
            assert scene.posts() == 1
