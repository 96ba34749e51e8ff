"""Files are read from Slack by the bot's token, which goes nowhere else."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from bot.demo.slack.sandbox import SCOPES, Sandbox
from bot.domain.errors import SourceDown, SourceRefused
from bot.domain.investigations import PostedFile
from bot.flows import steer
from bot.slack.client import SlackClient, open_client
from bot.slack.files import SlackFiles
from bot.slack.mention import files_of
from bot.slack.settings import SlackSettings
from tests.slack.house import House, open_house, settings_of

CONTENT = bytes(range(256)) * 1_000
TOKEN = "xoxb-test"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running bot."""
    async with open_house() as house:
        yield house


async def posted(slack: Sandbox, content: bytes = CONTENT) -> PostedFile:
    """A file that a person posted."""
    given = {"name": "a.png", "content": base64.b64encode(content).decode()}
    (file,) = files_of(await slack.say("inc-checkout", "@nightjar look", files=[given]))
    return file


@pytest.fixture
async def client() -> AsyncIterator[tuple[Sandbox, SlackClient]]:
    """A sandbox, and a client of it."""
    async with Sandbox() as slack:
        client = open_client(settings_of(slack))
        yield slack, client
        await client.close()


async def test_a_file_is_read(client: tuple[Sandbox, SlackClient]) -> None:
    """Whole when it fits, else one byte more than was allowed, so that it is seen to be too long."""
    slack, web = client
    file = await posted(slack)
    assert file == PostedFile(file.id, "a.png", "image/png", len(CONTENT), file.url)
    assert await SlackFiles(web).read(file, len(CONTENT)) == CONTENT
    assert await SlackFiles(web).read(file, 1_000) == CONTENT[:1_001]


async def test_without_the_scope_it_is_refused() -> None:
    """Slack sends a token without files:read to its sign-in page; that is not followed, and the remedy is named."""
    async with Sandbox(scopes=[scope for scope in SCOPES if scope != "files:read"]) as slack:
        client = open_client(settings_of(slack))
        with pytest.raises(SourceRefused, match="files:read"):
            await SlackFiles(client).read(await posted(slack), 1_000)
        await client.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1:9/files/a.png",
        "https://files.slack.com.evil.example/a.png",
        "https://evil.example/files.slack.com/a.png",
        "https://files.slack.com@evil.example/a.png",
        "https://me@files.slack.com/a.png",
        "http://files.slack.com/a.png",
        "https://files.slack.com:8443/a.png",
        "https://other.slack.com/a.png",
        "file:///etc/passwd",
        "https://[",
    ],
)
async def test_other_hosts_are_not_asked(url: str) -> None:
    """Nothing goes to a host that is not Slack's, however it is written."""
    client = open_client(SlackSettings(TOKEN))
    with pytest.raises(SourceRefused, match="does not lie with Slack"):
        await SlackFiles(client).read(PostedFile("F1", url=url), 10)
    assert client.web.session is None


def test_slacks_own_host_for_files_is_known() -> None:
    """The public one and the government's, each beside its API only."""
    for home, host, fits in (
        ("https://slack.com/api/", "files.slack.com", True),
        ("https://slack-gov.com/api/", "files.slack-gov.com", True),
        ("https://slack.com/api/", "files.slack-gov.com", False),
    ):
        files = SlackFiles(open_client(SlackSettings(TOKEN, base_url=home)))
        assert files._is_slacks(f"https://{host}/files-pri/T1-F1/a.png") is fits


@dataclass
class Elsewhere:
    """A server that answers as it is told, and keeps who asked with which token."""

    answer: web.StreamResponse | None = None
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Keep the token and answer; without an answer the connection is cut."""
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.answer is None and request.transport is not None:
            request.transport.abort()
        return self.answer or web.Response()


@asynccontextmanager
async def elsewhere(answer: web.StreamResponse | None) -> AsyncIterator[Elsewhere]:
    """One of them, on a port."""
    server = Elsewhere(answer)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_leads_nowhere(status: int) -> None:
    """The other server is never asked, with or without the token."""
    async with elsewhere(web.Response(body=CONTENT)) as other:
        moved = web.Response(status=status, headers={"Location": f"{other.url}/a.png"})
        async with elsewhere(moved) as slack:
            client = open_client(SlackSettings(TOKEN, base_url=f"{slack.url}/api/"))
            with pytest.raises(SourceRefused):
                await SlackFiles(client).read(PostedFile("F1", url=f"{slack.url}/files-pri/a.png"), 10)
            await client.close()
        assert (slack.tokens, other.tokens) == ([f"Bearer {TOKEN}"], [])


async def test_a_cut_connection_is_no_answer() -> None:
    """It comes as a source that is down, whose text holds no address."""
    async with elsewhere(None) as slack:
        client = open_client(SlackSettings(TOKEN, base_url=f"{slack.url}/api/"))
        with pytest.raises(SourceDown, match=r"^Slack did not send it$"):
            await SlackFiles(client).read(PostedFile("F1", url=f"{slack.url}/a.png"), 10)
        await client.close()


async def test_a_question_carries_references(house: House) -> None:
    """Of a mention's files only ids, names, types, sizes and addresses are kept; what is no file is left out."""
    given = [{"name": f"{'n' * 300}.png", "content": ""}] * 12
    await house.slack.say("inc-checkout", "@nightjar why?", files=given)
    await house.said()
    (question,) = house.engine.questions()
    assert len(question.files) == 10
    assert {len(file.name) for file in question.files} == {120}
    assert {file.media_type for file in question.files} == {"image/png"}
    gone = {"id": "F1", "mode": "tombstone"}
    assert files_of({"files": [gone, "x", {"url_private": "u", "size": "1"}]}) == (PostedFile("file-0", url="u"),)
    assert files_of({}) == ()


async def test_a_picture_alone_asks(house: House) -> None:
    """Without words a mention with a file is a question of its own; with a file it joins nothing that runs."""
    await house.slack.say("inc-checkout", "@nightjar", files=[{"name": "a.png", "content": ""}])
    await house.said()
    (question,) = house.engine.questions()
    assert question.text.startswith("What does this picture show")
    instruction = replace(question, text="look at the cache")
    assert not steer.joins(instruction)
    assert steer.joins(replace(instruction, files=()))
