"""The server's doors: loopback names, no foreign page, files, control over HTTP, a process of its own."""

import asyncio
import json
import sys

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.records import Refused
from bot.demo.slack.remote import Remote
from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.conftest import client_of, code_of
from tests.demo.slack.showcase import png

FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:80"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/_sandbox/state", "/_sandbox/live", "/api/api.test", "/link/", "/page/app.js"])
async def test_strangers_are_turned_away(slack: Sandbox, headers: dict[str, str], path: str) -> None:
    """A name that is not loopback's, or another site's page, gets 403 everywhere."""
    async with aiohttp.ClientSession() as session, session.get(slack.url + path, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:80", "[::1]"])
async def test_loopback_names_are_welcome(slack: Sandbox, host: str) -> None:
    """With a port or without."""
    async with aiohttp.ClientSession() as session, session.get(slack.url, headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_the_page_runs_no_inline_script_and_loads_nothing_from_outside(slack: Sandbox) -> None:
    """The policy says so, and the files keep to it."""
    async with aiohttp.ClientSession() as session:
        async with session.get(slack.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            html = await answer.text()
        async with session.get(f"{slack.url}/page/blocks.js") as script:
            assert script.content_type == "text/javascript"
            assert "innerHTML" not in await script.text()
        async with session.get(f"{slack.url}/page/..%2fserver.py") as outside:
            assert outside.status == 404
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "http" not in html


async def test_a_file_comes_back_as_it_went_up(slack: Sandbox, client: AsyncWebClient) -> None:
    """Uploaded into a thread, shown as a picture, downloadable."""
    asked = await slack.say("inc-checkout", "@nightjar show me")
    where = {"channel": asked["channel"], "thread_ts": asked["ts"]}
    made = await client.files_upload_v2(
        content=png(), filename="p95.png", alt_txt="p95", initial_comment="see", **where
    )
    shared = slack.thread(asked["channel"], asked["ts"])[1]
    token = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(made["file"]["url_private"], headers=token) as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", png())
        async with session.get(made["file"]["url_private"], allow_redirects=False) as answer:
            assert answer.status == 302
    assert (shared["subtype"], shared["text"], shared["files"][0]["alt_txt"]) == ("file_share", "see", "p95")


async def test_an_upload_of_another_length_is_refused(slack: Sandbox, client: AsyncWebClient) -> None:
    """And a file without bytes cannot be shared."""
    given = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=b"four") as answer:
        assert answer.status == 400
    complete = client.files_completeUploadExternal(files=[{"id": given["file_id"], "title": "a"}])
    assert await code_of(complete) == "file_not_found"


async def test_every_verb_is_reachable_over_http(slack: Sandbox) -> None:
    """A remote driver says, looks and breaks; what the sandbox refuses is refused there too."""
    async with aiohttp.ClientSession() as session:
        remote = Remote(slack.url, session)
        said = await remote.do("say", channel="general", text="@nightjar hi", user="sam")
        thread = await remote.wait_for(lambda: remote.do("thread", channel="general", ts=said["ts"]))
        await remote.do("fail", method="*", kind="server_error")
        calls = await remote.do("calls", method="chat.postMessage")
        for verb, arguments, word in (
            ("say", {"channel": "nowhere", "text": "x"}, "channel_not_found"),
            ("explode", {}, "unknown_verb"),
            ("say", {"loudly": True}, "TypeError"),
        ):
            with pytest.raises(Refused, match=word):
                await remote.do(verb, **arguments)
        with pytest.raises(TimeoutError):
            await remote.wait_for(lambda: remote.do("view", user="sam"), timeout=0.1)
    assert (thread[0]["text"], calls) == (f"<@{slack.bot_user_id}> hi", [])


async def test_control_takes_json_only(slack: Sandbox) -> None:
    """A form, which another site could send without asking, is refused."""
    url = f"{slack.url}/_sandbox/do/heal"
    async with aiohttp.ClientSession() as session, session.post(url, data={"a": "b"}) as answer:
        assert answer.status == 415


async def test_the_traffic_list_shows_bodies(slack: Sandbox, client: AsyncWebClient) -> None:
    """All lines, those after a number, or one."""
    await client.api_test(foo="bar")
    await client.auth_test()
    async with aiohttp.ClientSession() as session:

        async def lines(query: str) -> list[str]:
            async with session.get(f"{slack.url}/_sandbox/traffic{query}") as answer:
                return [line["name"] for line in (await answer.json())["traffic"]]

        assert await lines("") == ["api.test", "auth.test"]
        assert await lines("?after=1") == ["auth.test"]
        assert await lines("?number=1") == ["api.test"]
        assert await lines("?after=noon") == ["api.test", "auth.test"]


async def test_the_live_stream_begins_with_everything_and_goes_on(slack: Sandbox) -> None:
    """A snapshot first, then each change as it happens; it ends with the sandbox."""
    await slack.say("general", "before")
    async with aiohttp.ClientSession() as session, session.get(f"{slack.url}/_sandbox/live") as live:
        snapshot = json.loads((await live.content.readuntil(b"\n\n")).removeprefix(b"data: "))
        await slack.say("general", "after")
        change = json.loads((await live.content.readuntil(b"\n\n")).removeprefix(b"data: "))
        slack.live.close()
        rest = await live.content.read()
    channels = {channel["name"]: channel for channel in snapshot["data"]["channels"] if not channel["is_im"]}
    assert [message["text"] for message in channels["general"]["messages"]] == ["before"]
    assert (change["kind"], change["message"]["text"]) == ("message", "after")
    assert rest.count(b"no_connection") == rest.count(b'"kind": "events_api"')


async def test_it_runs_in_a_process_of_its_own() -> None:
    """Its first line signs a bot in; a taken port is said in a word; SIGTERM ends it cleanly."""
    command = (sys.executable, "-m", "bot.demo.slack")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, "--channel", "ops", stdout=pipe)
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    client = AsyncWebClient(token=told["bot_token"], base_url=told["api_url"])
    assert (await client.auth_test())["user_id"] == told["bot_user_id"]
    port = told["url"].rpartition(":")[2]
    second = await asyncio.create_subprocess_exec(*command, "--port", port, stderr=pipe)
    _, words = await second.communicate()
    process.terminate()
    assert (await process.wait(), second.returncode) == (0, 1)
    assert f"cannot listen on port {port}" in words.decode()


async def test_a_wait_that_fails_says_what_happened_last() -> None:
    """A test's time-out names the traffic before it."""
    async with Sandbox() as slack:
        await client_of(slack).api_test()
        with pytest.raises(TimeoutError, match=r"last traffic: api\.test ok"):
            await slack.wait_for(slack.view, timeout=0.05)


async def test_a_response_url_that_is_not_understood_says_why(slack: Sandbox) -> None:
    """An unknown one is 404; a body that is no JSON object is 400."""
    await slack.slash("/oncall", "status")
    known = slack.traffic.of("slash_commands")[0].sent["response_url"]
    async with aiohttp.ClientSession() as session:
        for url, body, wanted in (
            (f"{slack.url}/hooks/nobody", b'{"text": "x"}', (404, "no_such_url")),
            (known, b"{", (400, "invalid_payload")),
            (known, b"{}", (400, "no_text")),
            (known, b'{"blocks": [{"type": "hologram"}]}', (400, "invalid_blocks")),
        ):
            async with session.post(url, data=body) as answer:
                assert (answer.status, await answer.text()) == wanted
