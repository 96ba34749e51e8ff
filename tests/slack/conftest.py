"""Running bots."""

from collections.abc import AsyncIterator

import pytest

from bot.slack import pace, reply, stream
from tests.slack.house import House, open_house


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A running bot whose writers do not wait as long as on real Slack."""
    monkeypatch.setattr(pace, "LEAST_INTERVAL", 0.02)
    monkeypatch.setattr(pace, "PER_STREAM", 0.0)
    monkeypatch.setattr(reply, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(stream, "EDIT_SECONDS", 0.05)
    async with open_house() as house:
        yield house
