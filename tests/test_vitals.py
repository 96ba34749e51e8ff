"""What a running process shows of itself, and when it tells the dead-man's switch that it is well."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot import outward, vitals, wiring
from bot.demo.slack.sandbox import Sandbox
from bot.domain.ports import Load
from bot.flows import heartbeat
from bot.readiness import Readiness, Trouble
from tests.fakes.collector import Collector
from tests.scenarios.stage import reading
from tests.telemetry.test_logs_and_metrics import value


@dataclass
class Switch:
    """A dead-man's switch: counts the beats, and answers as told."""

    status: int = 200
    beats: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.beats.append(head)
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def switched() -> AsyncIterator[tuple[Switch, str]]:
    """A switch and its URL."""
    switch = Switch()
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    async with server:
        yield switch, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping/x"


@asynccontextmanager
async def opened(folder: Path, **more: Any) -> AsyncIterator[wiring.House]:
    """A house with nobody to listen to; Slack's API is there."""
    async with Sandbox() as slack, wiring.open_house(reading(slack.credentials(), folder, **more)) as house:
        yield house


async def until(reached: Callable[[], bool]) -> None:
    """Wait, 5 s at most."""
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


async def test_a_scrape_shows_the_queue_the_parts_and_the_money(tmp_path: Path) -> None:
    """Sampled, so that it costs nothing; gone with the process that knew it."""
    async with opened(tmp_path) as house:
        async with house.vitals.watching():
            await until(lambda: value("spent_today_usd") == 0.0 and value("limit_usd_per_day") == 10.0)
            await until(lambda: value("part_up", part="slack api") == 1.0)
            assert value("part_up", part="database") == value("part_up", part="lease") == 1.0
            await until(lambda: value("workers") == 1.0)
            assert value("disk_free_bytes") > 0
            assert abs(value("clock_skew_seconds")) < 5
            assert value("loop_lag_seconds") >= 0
        assert value("limit_usd_per_day") == 0.0  # nobody says so any more


async def test_what_is_not_known_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue of an hour ago must not look like one of now."""
    monkeypatch.setattr(vitals, "SAMPLE_SECONDS", 0.01)
    loads: list[Load | None] = [Load(waiting=7)]

    async def load() -> Load:
        if (found := loads[-1]) is None:
            raise ConnectionError
        return found

    async with opened(tmp_path) as house:
        monkeypatch.setattr(house.engine, "load", load)
        async with house.vitals.watching():
            await until(lambda: value("runs_waiting") == 7.0)
            loads.append(None)
            await until(lambda: value("runs_waiting") == 0.0)
            assert value("part_up", part="database") == 1.0


async def test_a_loop_that_is_held_up_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest delay of late."""
    monkeypatch.setattr(vitals, "LAG_SECONDS", 0.01)
    async with opened(tmp_path) as house, house.vitals.watching():
        await asyncio.sleep(0.02)
        time.sleep(0.2)  # noqa: ASYNC251  on purpose
        await until(lambda: value("loop_lag_seconds") > 0.1)


async def test_it_beats_through_the_whole_chain(tmp_path: Path) -> None:
    """As a flow: accepted, stored, taken by a worker; the time of the beat is shown."""
    async with switched() as (switch, url), opened(tmp_path, heartbeat_url=url) as house, house.vitals.watching():
        await house.engine.start(heartbeat.NAME, "beat-1", "beat-1", None)
        await until(lambda: len(switch.beats) == 1)
        assert switch.beats[0].startswith(b"POST /ping/x HTTP/1.1")
        await until(lambda: value("heartbeat_timestamp_seconds") > 1.7e9)


async def test_it_is_silent_while_something_stops_the_work(tmp_path: Path) -> None:
    """Silence is what the switch is for; what is merely impaired does not silence it."""
    state = [Trouble("not connected", stops=True)]

    async def look() -> Trouble | None:
        return state[0]

    async with switched() as (switch, url), opened(tmp_path, heartbeat_url=url) as house:
        house.vitals.readiness = Readiness({"slack": look}, house.deps.clock)
        assert await house.vitals.beat() is False
        state[0] = Trouble("slow")
        house.vitals.readiness = Readiness({"slack": look}, house.deps.clock)
        assert await house.deps.beat() is True
        assert len(switch.beats) == 1


async def test_a_switch_that_takes_no_beat_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is noted in the log; the next minute tries again."""
    async with switched() as (switch, url), opened(tmp_path, heartbeat_url=url, log_level="WARNING") as house:
        switch.status = 404
        assert await house.vitals.beat() is False
    async with opened(tmp_path, heartbeat_url="http://127.0.0.1:9/", log_level="WARNING") as house:
        assert await house.vitals.beat() is False
    assert [record.__dict__["status"] for record in caplog.records if "not taken" in record.message] == [404, 0]


async def test_without_a_url_nothing_is_scheduled(tmp_path: Path) -> None:
    """Nobody listens, so nothing runs each minute; whoever starts it gets silence."""
    assert wiring._flows(reading(_nobody(), tmp_path))["heartbeat"].every == ""
    assert wiring._flows(reading(_nobody(), tmp_path, heartbeat_url="http://x"))["heartbeat"].every == "* * * * *"
    async with opened(tmp_path) as house:
        assert await house.deps.beat() is False


def _nobody() -> dict[str, str]:
    return {
        "bot_token": "xoxb-x",
        "app_token": "xapp-x",
        "signing_secret": "x" * 8,
        "api_url": "http://127.0.0.1:9/api/",
    }


async def test_traces_go_where_a_collector_is_named(tmp_path: Path) -> None:
    """Sampled things aside, the process itself sends them, under its own name."""
    async with Collector() as collector:
        async with opened(tmp_path, otel_exporter_otlp_endpoint=f"{collector.url}/") as house, house.vitals.watching():
            await house.engine.start("stop", "stop:ans:T1:C1:1", "stop:ans:T1:C1:1", {"key": "ans:T1:C1:1", "by": "U1"})
            await house.engine.drained()
        assert collector.wrong == []
        assert {span.name for span in collector.spans} >= {"accept", "stop"}
        assert {instance.rpartition("-")[0] for instance in collector.instances} == {socket.gethostname()}


async def test_what_is_posted_to_nobody_is_a_status() -> None:
    """Not an exception; an address that is none, too."""
    for url in ("http://127.0.0.1:9/", "http://[::1", "nonsense"):
        post = outward.Post(url)
        assert await post(b"{}") == 0
        await post.close()
        await post.close()
