"""A source that is down, slow or not itself: the answer says so, and never calls it not configured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.scenarios.conftest import Play
from tests.scenarios.stage import free_port, text_of

GARBAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"


@asynccontextmanager
async def broken(kind: str) -> AsyncIterator[dict[str, Any]]:
    """The settings of a source that is down, slow or garbage."""
    waiting: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        waiting.add(task)
        while await reader.readuntil(b"\r\n\r\n"):
            if kind == "slow":
                await asyncio.sleep(60)
            writer.write(GARBAGE)

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    if kind == "down":
        yield {"url": f"http://127.0.0.1:{free_port()}", "timeout": 0.5}
        return
    server = await asyncio.start_server(end, "127.0.0.1", 0)
    try:
        yield {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "timeout": 0.5}
    finally:
        server.close()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("kind", ["down", "slow", "garbage"])
async def test_one_of_two_is_broken(play: Play, kind: str) -> None:
    """The other one still gives the cause, and the broken one stands under what was not looked at."""
    async with (
        broken(kind) as wrong,
        play(sources={"prom-old": {"kind": "prometheus", "env": "prod", **wrong}}) as scene,
    ):
        await scene.ask()
        (answer,) = await scene.answers()
        assert "cart is unhealthy" in text_of(answer)
        assert answer["text"].startswith("No metrics from prom-old (see below why): this is from the others.")
        assert "Not looked at" in text_of(answer)
        assert "prom-old" in text_of(answer)
        assert "not configured" not in scene.sent()


@pytest.mark.parametrize("kind", ["down", "slow", "garbage"])
async def test_every_source_is_broken(play: Play, kind: str) -> None:
    """The answer says that the cause is not known, and which source did not answer."""
    async with broken(kind) as wrong:
        given = {"prometheus": {"kind": "prometheus", **wrong}, "alertmanager": {"kind": "alertmanager", **wrong}}
        async with play(sources=given, prometheus_url="", alertmanager_url="") as scene:
            root = await scene.ask()
            (answer,) = await scene.answers()
            assert "not known" in text_of(answer)
            assert answer["text"].startswith("No metrics from prometheus (see below why): this is from what is left.")
            assert "not configured" not in scene.sent()
            await scene.ask("@nightjar alerts", thread=root["ts"])
            _, command = await scene.answers(2)
            assert "Not known" in text_of(command)


async def test_what_a_fault_says_is_no_figure_without_source(play: Play) -> None:
    """The playbook quotes why a source could not be used; that it waited half a second for it is no claim."""
    async with (
        broken("slow") as wrong,
        play(sources={"prometheus": {"kind": "prometheus", **wrong}}, prometheus_url="") as scene,
    ):
        await scene.ask()
        (answer,) = await scene.answers(seconds=30.0)
        (record,) = await scene.records()
        assert record.answer is not None
        assert "0.5 s" in f"{record.answer.head} {record.answer.body} {record.answer.missing}"
        assert record.answer.numbers.unbacked == ()
        assert "(unverified)" not in text_of(answer)
