"""The page in a real browser: typing, streaming, clicking, forms, safety, and a phone's width."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.conftest import bolt_of, client_of, socket_mode
from tests.demo.slack.showcase import fill, stream
from tests.demo.slack.test_interactions import FORM

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"),
]
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
)
ROOM = "inc-checkout"
NASTY = """<img src=x onerror="document.title='owned'"> [click](javascript:document.title='owned') <b>bold</b>"""


class Page:
    """A browser on the sandbox's page; every method may block, so each runs beside the loop."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome

    async def run(self, work: Callable[[], Any]) -> Any:
        """Do blocking work without stopping the sandbox."""
        return await asyncio.to_thread(work)

    async def open(self, url: str, drawn: str = "#channels .entry") -> None:
        """Go there and wait until something is drawn."""
        await self.run(lambda: self.chrome.get(url))
        await self.see(drawn)

    async def see(self, css: str, text: str = "") -> str:
        """Wait for an element that shows the text; its whole text. Raises TimeoutException."""

        def look(chrome: Chrome) -> str | None:
            shown = (one for one in chrome.find_elements(By.CSS_SELECTOR, css) if one.is_displayed())
            return next((one.text or "-" for one in shown if text in one.text), None)

        wait = WebDriverWait(self.chrome, 30, ignored_exceptions=[StaleElementReferenceException])
        return str(await self.run(lambda: wait.until(look)))

    async def click(self, css: str, text: str = "") -> None:
        """Wait for it, then click it as a person would."""
        await self.see(css, text)
        picked = f"[...document.querySelectorAll({css!r})].find((one) => one.textContent.includes({text!r})).click()"
        await self.run(lambda: self.chrome.execute_script(picked))

    async def type(self, css: str, text: str) -> None:
        """Type into a box, Enter included when it is in the text."""
        await self.see(css)
        await self.run(lambda: self.chrome.find_element(By.CSS_SELECTOR, css).send_keys(text))

    async def count(self, css: str) -> int:
        """How many such elements there are now."""
        return len(await self.run(lambda: self.chrome.find_elements(By.CSS_SELECTOR, css)))

    def complaints(self) -> list[Any]:
        """What the browser logged since it was last asked."""
        return list(self.chrome.get_log("browser"))  # type: ignore[no-untyped-call]

    async def gone(self, css: str) -> None:
        """Wait until no such element is left. Raises TimeoutException."""
        wait = WebDriverWait(self.chrome, 30)
        await self.run(lambda: wait.until(lambda chrome: not chrome.find_elements(By.CSS_SELECTOR, css)))

    async def ask(self, script: str) -> Any:
        """The value of an expression."""
        return await self.run(lambda: self.chrome.execute_script(f"return {script}"))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    """One headless browser for the module."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, "--window-size=1280,800"):
        options.add_argument(flag)
    browser = Chrome(options=options, service=Service(DRIVER))
    yield browser
    browser.quit()


@pytest.fixture
def page(chrome: Chrome) -> Page:
    """The browser at desktop size."""
    size(chrome, 1280, 800)
    return Page(chrome)


def size(chrome: Chrome, width: int, height: int) -> None:
    """Set the viewport, also below the narrowest window."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def answering(slack: Sandbox) -> AsyncApp:
    """A bot that streams an answer to a mention, opens a form on a vote, and takes it."""
    app = bolt_of(slack)

    @app.event("app_mention")
    async def mention(event: dict[str, Any], client: AsyncWebClient) -> None:
        await stream(client, slack, event, finish=True)

    @app.action("vote")
    async def vote(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.view("why")
    async def why(ack: AsyncAck, body: dict[str, Any]) -> None:
        said = body["view"]["state"]["values"]["b"]["reason"]["value"]
        if said:
            await ack()
        else:
            await ack(response_action="errors", errors={"b": "Say a word more."})

    @app.event("message")
    async def other() -> None:
        return

    return app


async def test_a_typed_question_brings_the_streamed_answer(slack: Sandbox, page: Page) -> None:
    """Typed with completion, sent with Enter; plan, table, charts and buttons appear in the thread."""
    async with socket_mode(slack, answering(slack)):
        await page.open(slack.url)
        assert "connected" in await page.see("#link-state", "Nightjar is connected")
        await page.type("#composer textarea", "@nig")
        await page.see(".completions", "Nightjar")
        await page.type("#composer textarea", Keys.TAB + "why is checkout slow?" + Keys.ENTER)
        await page.click(".thread-link", "1 reply")
        await page.see("#replies .md", "checkout p95 is 1.3 s since 14:25")
        assert await page.see("#replies td", "1.30 s") == "1.30 s"
        assert "3 of 4 done" in await page.see("#replies .plan > summary")
        assert (await page.count("#replies .chart svg"), await page.count("#replies .block-button")) == (2, 2)
    assert slack.history(ROOM)[0]["text"] == f"<@{slack.bot_user_id}> why is checkout slow?"


async def test_a_vote_opens_a_form_that_says_what_is_missing(slack: Sandbox, page: Page) -> None:
    """The modal shows the app's error at its field, and goes when it is taken."""
    async with socket_mode(slack, answering(slack)):
        asked = await slack.say(ROOM, "@nightjar why?")
        await slack.wait_for(lambda: slack.thread(ROOM, asked["ts"])[1:])
        await page.open(f"{slack.url}/#{asked['channel']}/{asked['ts']}")
        await page.click("#replies .feedback button[title='Not useful']")
        await page.see("#modal h2", "Why not useful?")
        await page.click("#modal .primary", "Send")
        await page.see("#modal .error", "Say a word more.")
        await page.type("#modal textarea", "too long")
        await page.click("#modal .primary", "Send")
        await slack.wait_for(lambda: slack.view() is None)
        await page.gone("#modal[open]")


async def test_text_grows_while_it_is_streamed(slack: Sandbox, page: Page) -> None:
    """An open stream shows what is there, and more when more comes; a killed one says so."""
    root = await slack.say(ROOM, "@nightjar why?")
    client = client_of(slack)
    at = {"channel": root["channel"], "ts": await stream(client, slack, root, finish=False)}
    await page.open(f"{slack.url}/#{root['channel']}/{root['ts']}")
    await page.see("#replies .content.writing", "13 times slower")
    await client.chat_appendStream(**at, markdown_text=" rising.")
    await page.see("#replies .content.writing", "and rising.")
    await slack.kill_streams()
    await page.see("#replies .cut-note", "cut")


async def test_nothing_in_a_message_is_read_as_html(slack: Sandbox, page: Page) -> None:
    """Tags stay text, script links are no links, in Markdown as in mrkdwn and in names."""
    client = client_of(slack)
    await client.chat_postMessage(channel=f"#{ROOM}", markdown_text=NASTY)
    await client.chat_postMessage(channel=f"#{ROOM}", text=NASTY, username="<i>x</i>")
    await slack.say(ROOM, NASTY)
    await page.open(slack.url)
    await page.see("#messages .message:last-child", "<b>bold</b>")
    assert await page.count("#messages img, #messages b b, #messages a[href^=javascript]") == 0
    assert "owned" not in await page.ask("document.title")


async def test_the_other_person_sees_other_things(slack: Sandbox, page: Page) -> None:
    """A whisper to Mira is hidden from Sam; what is typed then comes from Sam."""
    mira = slack.workspace.person("mira").id
    await client_of(slack).chat_postEphemeral(channel=f"#{ROOM}", user=mira, text="only Mira")
    await page.open(slack.url)
    await page.see("#messages .private", "only Mira")
    await page.click("#me .person:nth-of-type(2)")
    await page.type("#composer textarea", "hello" + Keys.ENTER)
    await page.see("#messages .who", "Sam Okoro")
    assert await page.count("#messages .private") == 0
    await page.click("#me .person:nth-of-type(1)")


async def test_a_command_in_a_thread_is_explained(slack: Sandbox, page: Page) -> None:
    """As Slack does: commands do not work there; an unknown one is named anywhere."""
    said = await slack.say(ROOM, "look")
    await page.open(f"{slack.url}/#{said['channel']}/{said['ts']}")
    await page.type("#thread-composer textarea", "/oncall status" + Keys.ENTER)
    await page.see(".toast.bad", "does not work in threads")
    await page.type("#composer textarea", "/nonsense" + Keys.ENTER)
    await page.see(".toast.bad", "/nonsense is not a command here")
    assert slack.traffic.of("slash_commands") == []


async def test_faults_and_traffic_are_a_click_away(slack: Sandbox, page: Page) -> None:
    """A fault button does what it says; the traffic list shows lines with their JSON."""
    await page.open(slack.url)
    await page.click("#open-faults")
    await page.click(".faults button", "500 on the next call")
    await page.see(".toast", "done")
    client = client_of(slack)
    with pytest.raises(SlackApiError):
        await client.auth_test()
    await client.api_test(foo="bar")
    await page.click("#open-traffic")
    await page.see("#drawer .line", "server_error")
    await page.click("#drawer .line:last-child summary")
    await page.see("#drawer .line pre", '"foo": "bar"')


async def test_a_phone_shows_one_pane_at_a_time(slack: Sandbox, page: Page) -> None:
    """At 390 px nothing is wider than the screen, and back leads from thread to channel to list."""
    root = await fill(slack)
    size(page.chrome, 390, 844)
    await page.open(f"{slack.url}/#{root['channel']}/{root['ts']}", drawn="#replies .message")
    await page.see("#replies .chart")
    assert await page.ask("document.documentElement.scrollWidth") == 390
    widest = (
        "Math.max(...[...document.querySelectorAll('#replies .row')].map((one) => one.getBoundingClientRect().right))"
    )
    assert await page.ask(widest) <= 390
    await page.click("#thread .back")
    await page.see("#messages .message")
    await page.click("#main .back")
    await page.see("#channels .entry", ROOM)
    assert not await page.ask("document.getElementById('main').offsetParent")


async def test_the_page_comes_back_when_the_sandbox_does(page: Page) -> None:
    """While it is gone a line says so; then everything is drawn anew."""
    async with Sandbox() as first:
        await page.open(first.url)
        port = int(first.url.rpartition(":")[2])
    await page.see("#lost", "does not answer")
    async with Sandbox(port=port) as second:
        await second.say(ROOM, "back again")
        await page.see("#messages .md", "back again")


async def test_everything_of_the_showcase_is_drawn(slack: Sandbox, page: Page) -> None:
    """No block of it is unknown to the page, and the browser has nothing to complain about."""
    root = await fill(slack)
    page.complaints()
    await page.open(f"{slack.url}/#{root['channel']}/{root['ts']}")
    await page.see("#replies .image img")
    await page.see("#messages .attachment", "FIRING")
    assert await page.count(".unknown") == 0
    assert page.complaints() == []
