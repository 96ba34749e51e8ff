"""A local Slack and a simulated shop on a thread of their own, for verbs that run their own event loop."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.demo.shop import Shop
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors


@dataclass
class Town:
    """What a verb can be pointed at."""

    slack: Sandbox
    vendors: Vendors
    loop: asyncio.AbstractEventLoop

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a verb use it."""
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "PROMETHEUS_URL": self.vendors.prometheus_url,
            "ALERTMANAGER_URL": self.vendors.alertmanager_url,
        }


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """Slack and shop, with a bad deploy under way."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    slack, vendors = Sandbox(), Vendors(Shop(3, "bad_deploy"))
    for entered in (slack, vendors):
        asyncio.run_coroutine_threadsafe(entered.__aenter__(), loop).result(20)
    asyncio.run_coroutine_threadsafe(vendors.warmed(), loop).result(60)  # its first answers would wait for that
    yield Town(slack, vendors, loop)
    for left in (vendors, slack):
        asyncio.run_coroutine_threadsafe(left.__aexit__(None, None, None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine counts, and files are written in a folder of their own."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY", "PROMETHEUS_URL", "ALERTMANAGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PORT", "9")  # nobody of ours listens there
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def runner() -> CliRunner:
    """Runs verbs in this process."""
    return CliRunner()
