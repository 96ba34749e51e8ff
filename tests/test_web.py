"""The HTTP door: Slack's requests in, health and metrics out, and an end when told to."""

import asyncio
import hashlib
import hmac
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot import telemetry, web
from bot.domain.errors import SetupError
from bot.readiness import Report, Trouble
from tests.slack.house import House, open_house

CHALLENGE = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()


async def well() -> Report:
    """All parts are well."""
    return Report({"database": None})


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """The application behind a real socket, and a client for it."""
    stop, port = asyncio.Event(), free_port()
    serving = asyncio.create_task(web.serve(app, "127.0.0.1", port, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    stop.set()
    await asyncio.wait_for(serving, 5)


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Slack's headers for a body."""
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/json",
    }


async def slack_answer(house: House, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """What Slack would get."""
    async with served(web.application(well, house.app.handle_http)) as client:
        return await client.post("/slack/events", content=body, headers=headers)


async def test_health_says_that_the_process_lives() -> None:
    """It depends on nothing."""
    async with served(web.application(well)) as client:
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_ready_names_what_is_not_well() -> None:
    """200 while the work goes on, with what it goes on without; 503 with why and since when where it does not."""
    parts: dict[str, Trouble | None] = {"database": None}

    async def ready() -> Report:
        return Report(parts)

    async with served(web.application(ready)) as client:
        assert (await client.get("/readyz")).json() == {"ok": True, "wrong": {}, "impaired": {}}
        parts["prom-eu"] = Trouble("no answer within 2 s", since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        said = {"prom-eu": {"why": "no answer within 2 s", "since": "2026-01-02T03:04:05Z"}}
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["impaired"]) == (200, said)
        parts["lease"] = Trouble("lost", stops=True)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["ok"]) == (503, False)
        assert answer.json()["wrong"] == {"lease": {"why": "lost", "since": ""}}


async def test_metrics_are_prometheus_text() -> None:
    """What was counted is exposed, in the format Prometheus scrapes."""
    telemetry.count("slack_calls", method="test.web", outcome="ok")
    async with served(web.application(well)) as client:
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'method="test.web"' in answer.text


async def test_what_slack_signed_is_taken() -> None:
    """The challenge by which Slack tries a request URL is answered."""
    async with open_house() as house:
        answer = await slack_answer(house, CHALLENGE, signed(CHALLENGE, house.slack.signing_secret))
        assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


async def test_what_somebody_else_signed_is_refused() -> None:
    """401, with nothing said about why."""
    async with open_house() as house:
        answer = await slack_answer(house, CHALLENGE, signed(CHALLENGE, secrets.token_hex(16)))
        assert (answer.status_code, answer.content) == (401, b"")


async def _chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 100_000):
        yield b"x" * 100_000


def _counting(seen: list[bytes]) -> web.Handle:
    async def handle(body: bytes, _: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        seen.append(body)
        return 200, {}, b""

    return handle


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 200), (1_100_000, 413)])
async def test_a_body_over_a_megabyte_is_not_read_on(size: int, status: int) -> None:
    """It is refused by size before anyone looks at it, also when no length is announced."""
    seen: list[bytes] = []
    async with served(web.application(well, _counting(seen))) as client:
        answer = await client.post("/slack/events", content=_chunks(size))
        assert (answer.status_code, [len(body) for body in seen]) == (status, [size] if status == 200 else [])


async def test_a_sender_that_goes_away_is_forgotten() -> None:
    """Half a request never reaches Bolt, and the next one is served."""
    seen: list[bytes] = []
    async with served(web.application(well, _counting(seen))) as client:
        host, port = client.base_url.host, client.base_url.port
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await client.post("/slack/events", content=b"whole")).status_code == 200
        assert seen == [b"whole"]


async def test_without_slack_over_http_there_is_no_such_address() -> None:
    """Under Socket Mode nothing can be sent in; with HTTP only POST is taken."""
    async with served(web.application(well)) as client:
        assert (await client.post("/slack/events", content=CHALLENGE)).status_code == 404
    async with served(web.application(well, _counting([]))) as client:
        assert (await client.get("/slack/events")).status_code == 405


async def test_what_is_under_way_is_finished_at_the_end() -> None:
    """A request that came before the end is answered; the next one finds nobody."""
    begun, stop, port = asyncio.Event(), asyncio.Event(), free_port()

    async def slow(body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        begun.set()
        await asyncio.sleep(0.3)
        return 200, {}, b"done"

    serving = asyncio.create_task(web.serve(web.application(well, slow), "127.0.0.1", port, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        asking = asyncio.create_task(client.post("/slack/events", content=b"x"))
        await asyncio.wait_for(begun.wait(), 5)
        stop.set()
        assert (await asking).content == b"done"
        await asyncio.wait_for(serving, 5)
        with pytest.raises(httpx.ConnectError):
            await client.get("/healthz")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


async def test_a_taken_port_is_named(taken: int) -> None:
    """The error says which address, and what to set."""
    with pytest.raises(SetupError, match=rf"127\.0\.0\.1:{taken}: .*set HOST or PORT"):
        await web.serve(web.application(well), "127.0.0.1", taken, asyncio.Event())


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b"])
async def test_an_address_that_is_none_is_named(host: str) -> None:
    """A wrong HOST is a setting that does not fit, not a crash."""
    nobody: Any = None
    with pytest.raises(SetupError, match="cannot listen on"):
        await web.serve(nobody, host, 0, asyncio.Event())
