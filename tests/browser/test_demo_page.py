"""The real demo in a real browser: a question, its answer growing, what its buttons do, a follow-up, a phone."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.demo.slack.test_page import CHROMIUM, DRIVER, Page, size

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"),
]
WATCH = """
window.seen = [];
const note = () => {
  const list = document.querySelector('#replies');
  window.seen.push([list.innerText, list.querySelectorAll('.plan .task').length]);
};
new MutationObserver(note).observe(document.querySelector('#replies'), {childList: true, subtree: true});
"""
ENTER = Keys.ENTER


async def ask(page: Page, demo: str, text: str) -> None:
    """Open the demo anew and type a question into the channel."""
    await page.open("about:blank", drawn="body")
    await page.open(demo, drawn="#messages .attachment")
    await page.run(lambda: page.chrome.execute_script(WATCH))
    await page.type("#composer textarea", text + ENTER)


async def sideways(page: Page) -> Any:
    """By how many pixels the page or either list could be scrolled to the side."""
    lists = "['html', '#messages', '#replies'].map((css) => document.querySelector(css))"
    return await page.ask(f"Math.max(...{lists}.map((one) => one.scrollWidth - one.clientWidth))")


async def test_a_strangers_first_question_is_answered_before_their_eyes(page: Page, demo: str) -> None:
    """The thread opens by itself; placeholder, steps and answer follow each other there, and nothing is left over."""
    await ask(page, demo, "@nightjar which service is unhealthy, and since when?")
    await page.see("#replies .block-button", "Deep dive")
    assert "payments" in await page.see("#replies .md strong")
    assert "confirmed" in (frame := await page.see("#replies .context", "shop")) or "likely" in frame
    await page.see("#replies .chart figcaption", "card-network")
    seen = await page.ask("window.seen")
    assert any("Looking into it" in text for text, _ in seen)
    assert any("firing since" in text or "Biggest mover" in text for text, _ in seen)
    await page.gone("#replies .plan")
    assert await page.count("#replies .message") == 2
    assert "Looking into it" not in await page.ask("document.querySelector('#replies').innerText")


async def test_details_and_thumbs_do_what_they_say(page: Page, demo: str) -> None:
    """Details shows the evidence with its queries; a thumb up stays pressed, a thumb down asks why."""
    await ask(page, demo, "@nightjar why is checkout slow?")
    await page.click("#replies .block-button", "Details")
    await page.see("#modal .section", "Evidence")
    assert await page.count("#modal code") >= 2
    await page.click("#modal footer button", "Close")
    await page.gone("#modal[open]")
    await page.click("#replies .feedback button[title='👍']")
    await page.see("#replies .feedback [aria-pressed=true]")
    await page.click("#replies .feedback button[title='👎']")
    await page.see("#modal textarea")
    await page.click("#modal footer button", "Close")


async def test_a_follow_up_in_the_thread_is_answered_there(page: Page, demo: str) -> None:
    """Without a mention, for one person alone talks with the bot; the first answer stays. One message each: the third
    question is answered after all that the second one brought."""
    await ask(page, demo, "@nightjar why is checkout slow?")
    await page.see("#replies .block-button", "Deep dive")
    await page.type("#thread-composer textarea", "and 2 hours ago?" + ENTER)
    assert "Nothing is wrong" in await page.see("#replies .message:nth-of-type(4) .md", "Nothing")
    await page.gone("#replies .plan")
    await page.see("#replies .message:nth-of-type(4) .block-button", "Deep dive")
    await page.type("#thread-composer textarea", "and now?" + ENTER)
    await page.see("#replies .message:nth-of-type(6) .block-button", "Deep dive")
    await page.see("#replies .message:nth-of-type(5)", "and now?")
    await page.see("#replies .message:nth-of-type(6) .md", "payments")


async def test_a_command_is_completed_and_answered(page: Page, demo: str) -> None:
    """The commands offered are the bot's own; what comes back is seen by the asker alone."""
    await page.open(demo)
    await page.type("#composer textarea", "/oncall he")
    await page.see(".completions", "/oncall help")
    await page.type("#composer textarea", Keys.TAB + ENTER)
    assert "/oncall" in await page.see("#messages .private", "Investigate this")


async def test_a_phone_shows_the_whole_answer_without_scrolling_sideways(page: Page, demo: str) -> None:
    """At 390 px: the hint leads to the thread, and nothing is wider than the screen."""
    size(page.chrome, 390, 844)
    await ask(page, demo, "@nightjar why is checkout slow?")
    assert await sideways(page) <= 0
    await page.click("#messages .message:last-child .thread-link", "1 reply")
    await page.see("#replies .block-button", "Deep dive")
    await page.see("#replies .chart svg")
    assert await sideways(page) <= 0


async def test_a_model_is_watched_at_work(page: Page, with_claude: str) -> None:
    """While Claude works the thread shows what code knows, the steps with their ticks and the words as they come."""
    await ask(page, with_claude, "@nightjar why is checkout slow?")
    await page.see("#replies .md", "Biggest mover")
    await page.see("#replies .block-button", "Deep dive")
    seen = await page.ask("window.seen")
    assert max(tasks for _, tasks in seen) >= 2
    assert any("query metrics" in text for text, _ in seen)
    assert not any("CAUSE" in text for text, _ in seen)
    assert any("its calls to card-network" in text and "Deep dive" not in text for text, _ in seen)
    await page.gone("#replies .plan")
    assert "payments is slow" in await page.see("#replies .md strong")
    await page.see("#replies .chart svg")
