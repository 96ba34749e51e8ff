"""What every log store keeps to: a server and files alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import BadArguments
from bot.domain.logs import LogQuery
from bot.domain.plugin import SourceHead
from bot.domain.sources import Instance
from bot.domain.window import Window
from bot.sources import files, loki
from tests.sources.loki_server import SECOND, Loki
from tests.sources.served import Server

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HALF = Window(START + timedelta(seconds=100), START + timedelta(seconds=400))
BAD = {"loki": '{app="cart"} | json', "files": "no-such-file"}


@asynccontextmanager
async def over_loki(folder: Path) -> AsyncIterator[Instance]:
    """A Loki with a line a second of two services."""
    held = Loki(most_lines=50)
    for service in ("cart", "payment"):
        first = int(START.timestamp()) * SECOND
        held.push({"service": service}, [(first + i * SECOND, f"{service} says {i}") for i in range(600)])
    async with Server(held) as server:
        instance = loki.SOURCE.open(SourceHead("logs", "prod", "eu"), loki.LokiSettings(url=server.url))
        yield instance
        assert instance.close is not None
        await instance.close()


@asynccontextmanager
async def over_files(folder: Path) -> AsyncIterator[Instance]:
    """The same on disk."""
    for service in ("cart", "payment"):
        rows = (f"{START + timedelta(seconds=i):%Y-%m-%d %H:%M:%S} {service} says {i}\n" for i in range(600))
        (folder / f"{service}.log").write_text("".join(rows))
    yield files.SOURCE.open(SourceHead("logs", "prod", "eu"), files.FilesSettings(paths=(f"{folder}/*.log",)))


@pytest.fixture(params=["loki", "files"])
async def instance(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Instance]:
    """Each implementation in turn."""
    async with {"loki": over_loki, "files": over_files}[request.param](tmp_path) as opened:
        yield opened


async def read(instance: Instance, query: LogQuery, window: Window = HALF) -> list[tuple[float, str]]:
    """Times and what was said, in order of time."""
    assert instance.logs is not None
    found: list[tuple[float, str]] = []
    starts = []
    async for piece in instance.logs.read(query, window):
        texts = piece.data.decode().split("\n")
        assert texts.pop() == ""
        starts.append(piece.times[0])
        found += [(at, text[-20:].strip()) for at, text in zip(piece.times, texts, strict=True)]
    assert starts == sorted(starts)
    return sorted(found)


async def test_a_window_holds_its_start_and_not_its_end(instance: Instance) -> None:
    """Every line of it once, with its time."""
    found = await read(instance, LogQuery())
    assert [at - START.timestamp() for at, _ in found] == [i for i in range(100, 400) for _ in "ab"]
    assert len(set(found)) == 600


async def test_a_query_narrows(instance: Instance) -> None:
    """By service, by text in any case, by both."""
    assert len(await read(instance, LogQuery(services=("cart",)))) == 300
    assert len(await read(instance, LogQuery(services=("cart", "payment")))) == 600
    assert len(await read(instance, LogQuery(contains="CART Says 1"))) == 100
    assert len(await read(instance, LogQuery(services=("payment",), contains="says 39"))) == 10
    assert await read(instance, LogQuery(services=("nobody",))) == []
    assert await read(instance, LogQuery(contains="says 3.9")) == []


async def test_nothing_in_the_window_is_no_error(instance: Instance) -> None:
    """It is empty."""
    assert await read(instance, LogQuery(), Window(START - timedelta(hours=2), START - timedelta(hours=1))) == []


async def test_volume_and_services_come_before_reading(instance: Instance) -> None:
    """What would be read, and who wrote."""
    assert instance.logs is not None
    assert await instance.logs.services(HALF) == ("cart", "payment")
    volume = await instance.logs.volume(LogQuery(), HALF)
    assert volume.size > 5_000
    assert volume.lines in (None, 600)
    assert volume.streams == 2


async def test_a_bad_selector_is_told(instance: Instance) -> None:
    """In words that help."""
    with pytest.raises(BadArguments):
        await read(instance, LogQuery(selector=BAD[instance.kind]))


async def test_it_says_who_it_is_and_is_well(instance: Instance) -> None:
    """Name, kind, environment, cluster; health in a word; it serves logs and nothing else."""
    assert (instance.name, instance.shown, instance.trouble()) == ("logs", "prod · eu", "")
    assert (await instance.health()).ok
    assert instance.serves("logs")
    assert not instance.serves("series")
