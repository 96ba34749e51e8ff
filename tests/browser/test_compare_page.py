"""A comparison in a real browser: two answers, a click, a few seconds, and who wrote them."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from bot.flows.reveal import BLIND_SECONDS
from tests.browser.conftest import ANSWER, running
from tests.browser.test_demo_page import ENTER, pytestmark
from tests.demo.slack.test_page import Page
from tests.fakes.messages_server import MessagesServer, Said, Text

__all__ = ["pytestmark"]


@pytest.fixture
async def answering() -> AsyncIterator[str]:
    """The address of a demo with one model, which answers at once, beside the playbook."""
    async with MessagesServer(lambda _: Said(Text(ANSWER))) as server:
        given = {**os.environ, "ANTHROPIC_API_KEY": secrets.token_hex(8), "ANTHROPIC_BASE_URL": server.url}
        stack = ExitStack()
        try:
            yield await asyncio.to_thread(stack.enter_context, running(given))
        finally:
            await asyncio.to_thread(stack.close)


async def test_a_vote_is_a_click_and_names_come_after_it(page: Page, answering: str) -> None:
    """Blind at first; the vote is noted at once, and later the same message says who wrote what."""
    await page.open(answering, drawn="#messages .attachment")
    await page.type("#composer textarea", "@nightjar compare why is checkout slow?" + ENTER)
    await page.see("#replies .block-button", "A is better")
    blind = str(await page.ask("document.querySelector('#replies').innerText"))
    assert "card-network" in blind
    assert not any(name in blind for name in ("opus", "playbook", "tokens"))
    await page.click("#replies .block-button", "B is better")
    await page.see("#replies", "Your vote is noted: B")
    await asyncio.sleep(BLIND_SECONDS - 2)
    shown = await page.see("#replies", "tokens read")
    assert all(part in shown for part in ("claude-opus-5-5", "no model (playbook)", "voted B", "figures backed"))
    assert "A is better" not in shown
