"""`serve`, `web` and `worker` as processes of their own, as an init system starts and ends them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.demo.slack.remote import Remote
from bot.domain.errors import SetupError
from bot.engine._file import only_worker
from tests.cli.conftest import Town

ROOT = Path(__file__).parents[2]
CHANNEL = "inc-checkout"
QUESTION = "@nightjar which service is unhealthy and since when?"


@dataclass
class Process:
    """A process of ours, with what it says on standard error as it comes."""

    running: asyncio.subprocess.Process
    said: list[str]
    reading: asyncio.Task[None]

    async def ended(self, seconds: float) -> int:
        """Its exit code; TimeoutError when it does not end."""
        async with asyncio.timeout(seconds):
            await self.reading
            return await self.running.wait()

    async def until(self, word: str, seconds: float = 30.0) -> None:
        """Wait for a line with the word; fails at once with what was said when the process ends without it."""
        async with asyncio.timeout(seconds):
            while not any(word in line for line in self.said):
                assert not self.reading.done(), self.said
                await asyncio.sleep(0.02)

    async def stop(self) -> int:
        """What an init system does; the exit code, within 10 s."""
        self.running.send_signal(signal.SIGTERM)
        return await self.ended(10)


@asynccontextmanager
async def started(folder: Path, verb: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """`python -m bot verb` in a folder that is not the checkout; ended, if it has to be, by force."""
    python = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", verb, cwd=folder, env={**os.environ, **python, **environment},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said: list[str] = []
    process = Process(running, said, asyncio.create_task(_read(running, said)))
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await process.ended(10)


async def _read(running: asyncio.subprocess.Process, said: list[str]) -> None:
    assert running.stderr is not None
    while line := await running.stderr.readline():
        said.append(line.decode())


@dataclass
class Slack:
    """The sandbox in its own process."""

    remote: Remote
    signing: dict[str, str]

    async def answer(self) -> str:
        """Ask in the incident channel; the finished answer, as the thread shows it."""
        asked = await self.remote.do("say", channel=CHANNEL, text=QUESTION)

        async def look() -> str:
            replies = (await self.remote.do("thread", channel=asked["channel"], ts=asked["ts"]))[1:]
            shown = json.dumps(replies, ensure_ascii=False)
            return shown if "payments" in shown and '"stop"' not in shown else ""

        return await self.remote.wait_for(look, 20)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """A workspace that outlives the bot."""
    command = (sys.executable, "-m", "bot.demo.slack", "--retry-delays", "0,0.2,0.5")
    running = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert running.stdout is not None
    known = json.loads(await asyncio.wait_for(running.stdout.readline(), 30))
    names = {"bot_token": "SLACK_BOT_TOKEN", "app_token": "SLACK_APP_TOKEN", "api_url": "SLACK_API_URL"}
    signing = {variable: known[name] for name, variable in names.items()}
    async with aiohttp.ClientSession() as session:
        yield Slack(Remote(known["url"], session), {**signing, "SLACK_SIGNING_SECRET": known["signing_secret"]})
    running.terminate()
    await running.communicate()


@pytest.fixture
def settings(town: Town, slack: Slack) -> dict[str, str]:
    """What makes a process find Slack and its sources; any free port."""
    sources = {name: value for name, value in town.environment.items() if not name.startswith("SLACK")}
    return {**sources, **slack.signing, "PORT": str(free_port()), "LOG_FORMAT": "text"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def over_http(settings: Mapping[str, str]) -> dict[str, str]:
    """The same by HTTP; no app token is needed then."""
    return {**settings, "SLACK_TRANSPORT": "http", "SLACK_APP_TOKEN": ""}


async def told(slack: Slack, settings: Mapping[str, str]) -> None:
    """Give Slack the request URL; it is tried by Slack's challenge."""
    url = f"http://127.0.0.1:{settings['PORT']}/slack/events"
    assert await slack.remote.do("set_request_url", url=url)


async def test_serve_by_socket_mode(slack: Slack, settings: dict[str, str], tmp_path: Path) -> None:
    """A mention is answered in its thread; SIGTERM ends the process well, and no log line is a traceback."""
    async with started(tmp_path, "serve", settings) as bot:
        await bot.until("ready")
        await slack.remote.do("wait_connected", sockets=2)
        assert "payments" in await slack.answer()
        assert await bot.stop() == 0
        assert "Traceback" not in "".join(bot.said)


async def test_it_is_stopped_while_slack_does_not_answer(settings: dict[str, str], tmp_path: Path) -> None:
    """A start that hangs on Slack does not keep an init system waiting."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await over.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
        async with started(tmp_path, "serve", {**settings, "SLACK_API_URL": url}) as bot:
            await asyncio.wait_for(asked.wait(), 30)
            bot.running.send_signal(signal.SIGTERM)
            assert await bot.ended(6) == 0
            assert "Traceback" not in "".join(bot.said)
        over.set()


async def test_serve_by_http(slack: Slack, settings: dict[str, str], tmp_path: Path) -> None:
    """The same over signed requests; the bot knew itself before it said that it was ready."""
    given = over_http(settings)
    async with started(tmp_path, "serve", given) as bot:
        await bot.until("ready")
        await told(slack, given)
        assert "payments" in await slack.answer()
        assert await bot.stop() == 0
        assert "Traceback" not in "".join(bot.said)


@pytest.mark.postgres
async def test_web_and_worker_share_one_database(
    slack: Slack, settings: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    """`web` accepts a mention while no worker runs; the worker that starts later answers it."""
    given = {**over_http(settings), "DATABASE_URL": postgres_url}
    async with started(tmp_path, "web", given) as web:
        await web.until("ready")
        await told(slack, given)
        asking = asyncio.create_task(slack.answer())
        async with started(tmp_path, "worker", given) as worker:
            assert "payments" in await asking
            assert [await worker.stop(), await web.stop()] == [0, 0]
            assert "Traceback" not in "".join([*web.said, *worker.said])


async def refused(folder: Path, verb: str, given: Mapping[str, str]) -> str:
    """Start what cannot start: it must end by itself, with an exit code, one line and no traceback; our line."""
    async with started(folder, verb, given) as process:
        code = await process.ended(30)
    assert code == 2, process.said
    assert "Traceback" not in "".join(process.said)
    (line,) = [line for line in process.said if line.startswith("nightjar: ")]
    return line


async def test_without_tokens_it_says_which(tmp_path: Path) -> None:
    """Every missing variable is named, and where to find them."""
    line = await refused(tmp_path, "serve", {})
    assert "SLACK_BOT_TOKEN" in line
    assert "SLACK_APP_TOKEN" in line
    assert "nightjar init" in line


async def test_a_wrong_bot_token_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    """Slack's own word for it, and the variable."""
    line = await refused(tmp_path, "serve", {**settings, "SLACK_BOT_TOKEN": "xoxb-wrong"})
    assert "SLACK_BOT_TOKEN does not work" in line
    assert "invalid_auth" in line


def test_a_wrong_app_token_is_named(runner: CliRunner, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that will never work is not tried for ever, as the SDK would."""
    for name, value in {**town.environment, "SLACK_APP_TOKEN": "xapp-wrong"}.items():
        monkeypatch.setenv(name, value)
    error = runner.invoke(app, ["serve"]).exception
    assert isinstance(error, SetupError)
    assert "SLACK_APP_TOKEN does not work: invalid_auth" in str(error)


async def test_a_taken_port_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    """Somebody else listens there already."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = await refused(tmp_path, "serve", {**settings, "PORT": str(port)})
    assert f"127.0.0.1:{port}" in line


async def test_a_second_one_on_the_same_file_is_refused(settings: dict[str, str], tmp_path: Path) -> None:
    """Two processes on one SQLite file would take each other's work."""
    with only_worker(tmp_path / "nightjar-engine.sqlite"):
        line = await refused(tmp_path, "serve", settings)
    assert "another process already works on" in line
    assert "nightjar-engine.sqlite" in line
