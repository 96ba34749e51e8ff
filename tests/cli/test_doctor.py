"""What `doctor` says of the work that waits, of the disk, and of a bot that runs beside it."""

import asyncio
import socket
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import settings, web
from bot.cli import doctor
from bot.domain.checks import Check
from bot.domain.errors import SetupError
from bot.domain.plugin import Flow
from bot.domain.ports import Load, Steps
from bot.engine.dbos import DbosEngine
from bot.engine.glance import glance
from bot.readiness import Report, Trouble
from tests.test_web import served

Usage = namedtuple("Usage", "total used free")


async def nothing(steps: Steps, deps: Any, payload: Any) -> Any:
    """A flow that does nothing."""


FLOWS = {"nothing": Flow("nothing", nothing)}


def read(**more: Any) -> settings.Settings:
    """Settings of the folder the test runs in."""
    return settings.read(**more)


async def test_the_engine_is_looked_at_from_outside(engine_url: str) -> None:
    """How much waits and who works, on each kind of database, without taking part."""
    looked: list[Load | None] = []
    door = DbosEngine(engine_url, FLOWS)
    async with door.serving(None, listen=False):
        await door.start("nothing", "k", "lane", None)
        looked.append(await asyncio.to_thread(glance, engine_url))
    worker = DbosEngine(engine_url, FLOWS)
    async with worker.serving(None):
        await worker.drained()
        looked.append(await asyncio.to_thread(glance, engine_url))
    seen = [(load.waiting, load.working, load.workers) for load in looked if load]
    assert seen == [(1, 0, 0), (0, 0, 1)]


def test_an_engine_that_never_was(tmp_path: Path) -> None:
    """No file, or a file without its tables: nothing was ever asked. One that is no database says so."""
    url = f"sqlite:///{tmp_path}/engine.sqlite"
    assert glance(url) is None
    file = tmp_path / "engine.sqlite"
    file.touch()
    assert glance(url) is None
    file.write_text("no database" * 100)
    with pytest.raises(SetupError, match="cannot be read: file is not a database"):
        glance(url)


def test_a_server_that_is_away() -> None:
    """What cannot be reached is told from what is empty."""
    with pytest.raises(SetupError, match="cannot be read"):
        glance("postgresql://127.0.0.1:1/x")


@pytest.mark.parametrize(
    ("load", "ok", "said"),
    [
        (None, True, "nothing was ever asked"),
        (Load(0, 0, 0.0, 0, 0), True, "0 wait, 0 work, 0 workers"),
        (Load(1, 2, 3.0, 0, 1), True, "1 wait, 2 work, 1 worker"),
        (Load(2, 0, 3.0, 0, 0), False, "start `nightjar serve`"),
        (Load(2, 1, 300.0, 0, 1), False, "the oldest has waited 300 s"),
    ],
)
def test_what_the_engine_line_says(load: Load | None, ok: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is no fault while somebody works on it, and has not waited long."""
    monkeypatch.setattr(doctor, "glance", lambda url: load)
    (check,) = doctor._engine(read())
    assert check.ok == ok
    assert said in f"{check.detail} {check.remedy}"
    assert check.ok or check.remedy


def test_what_was_given_up_is_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has to look at it."""
    monkeypatch.setattr(doctor, "glance", lambda url: Load(given_up=2, workers=1))
    engine, given_up = doctor._engine(read())
    assert (engine.ok, given_up.ok, given_up.detail) == (True, False, "2 in the last day")


def test_an_engine_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason, and which settings to look at."""

    def broken(url: str) -> Load:
        raise SetupError("it cannot")

    monkeypatch.setattr(doctor, "glance", broken)
    assert doctor._engine(read()) == [Check("engine", False, "it cannot", "check DATABASE_URL and ENGINE_URL")]


def test_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of SQLite's files only."""
    assert doctor._disk(read(database_url="postgresql://h/n")) == []
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(100e9, 0, 50e9))
    (check,) = doctor._disk(read())
    assert check.ok
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(100e9, 0, 1e6))
    (check,) = doctor._disk(read())
    assert (check.ok, check.detail.startswith("1 MB free at"), check.remedy) == (False, True, "make room")


async def test_a_bot_beside_it_is_asked() -> None:
    """Each part that is not well is a line; one that is well says so in one line."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    parts: dict[str, Trouble | None] = {"slack": None}

    async def ready() -> Report:
        return Report(parts)

    async with served(web.application(ready)) as client:
        given = read(port=client.base_url.port)
        assert await doctor._running(given) == [Check("running bot", True, "all is well")]
        parts |= {"prom": Trouble("502", since=since), "slack": Trouble("not connected", stops=True, since=since)}
        lines = await doctor._running(given)
    assert [(line.ok, line.detail) for line in lines] == [
        (False, "slack: not connected (since 2026-01-01T00:00:00Z)"),
        (False, "prom: 502 (since 2026-01-01T00:00:00Z)"),
    ]
    (absent,) = await doctor._running(given)
    assert (absent.ok, absent.detail.startswith("none at http://127.0.0.1:")) == (True, True)


async def test_something_else_listens_there() -> None:
    """Another program, or a bot that hangs, is told from none."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, family=socket.AF_INET)
    async with server:
        (check,) = await doctor._running(read(port=server.sockets[0].getsockname()[1]))
    assert (check.ok, "does not answer as one" in check.detail, bool(check.remedy)) == (False, True, True)
