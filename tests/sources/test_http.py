"""The door to HTTP: what goes out, and how each fault is told."""

import asyncio
import gzip
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.errors import BadArguments, SourceDown, SourceRefused, ToolError
from bot.sources._http import Http, PathMissing
from bot.sources._settings import HttpSettings
from tests.sources.opened import door
from tests.sources.served import Reply, Request, Server, as_json

PAGE = b"<html><body>Sign in</body></html>"
FAULTS: dict[str, tuple[Reply, type[ToolError], str]] = {
    "login page": (Reply(PAGE, 200, "text/html"), SourceRefused, "text/html instead of JSON"),
    "garbage": (Reply(b'{"status": "succ'), SourceRefused, "no valid JSON: it was cut short"),
    "deep": (Reply(b"[" * 100_000), SourceRefused, "no valid JSON"),
    "unauthorized": (Reply(b"Unauthorized", 401, "text/plain"), SourceRefused, "username and password"),
    "forbidden": (as_json({"message": "no"}, 403), SourceRefused, "grant them access"),
    "not found": (Reply(b"404 page not found", 404, "text/plain"), PathMissing, "base path of its URL"),
    "moved": (Reply(b"", 302, headers=(("Location", "/login"),)), SourceRefused, "set its final URL"),
    "too many": (Reply(b"slow down", 429, "text/plain"), SourceRefused, "too many requests"),
    "unavailable": (Reply(b"upstream connect error", 503, "text/plain"), SourceDown, "upstream connect error"),
    "query timeout": (as_json({"error": "query timed out in query execution"}, 503), SourceDown, "ask for less"),
    "bad query": (as_json({"status": "error", "error": "parse error: x"}, 400), BadArguments, "parse error: x"),
    "bare string": (as_json("bad matcher format: bad{", 400), BadArguments, "bad matcher format"),
    "code and message": (as_json({"code": 612, "message": "must match"}, 422), BadArguments, "must match"),
    "400 in plain text": (Reply(b"to an HTTPS server", 400, "text/plain"), SourceRefused, "to an HTTPS server"),
    "cut": (Reply(b"x" * 1000, cut=100), SourceDown, "broke off"),
}


def always(reply: Reply) -> Callable[[Request], Reply]:
    """The same answer to everything."""
    return lambda request: reply


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_kind_and_its_word(name: str) -> None:
    """A fault becomes one of our errors, and its message names the source and says what is wrong."""
    reply, kind, word = FAULTS[name]
    async with Server(always(reply)) as server, door(server.url) as http:
        with pytest.raises(kind, match=word) as caught:
            await http.get("/api/v1/query")
    assert type(caught.value) is kind
    assert "prom" in str(caught.value)


async def test_a_slow_server_is_left_after_the_timeout() -> None:
    """A request ends at the source's own time-out, and the message says how long that was."""
    async with Server(always(Reply(b"{}", delay=30))) as server, door(server.url, timeout=0.2) as http:
        with pytest.raises(SourceDown, match=r"did not answer within 0\.2 s"):
            await http.get("/")


async def test_nobody_listens() -> None:
    """An address where nothing listens is named, with the port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with door(url) as http:
            with pytest.raises(SourceDown, match=rf"{url.removeprefix('http://')}\) cannot be reached"):
                await http.get("/")


async def test_a_huge_answer_is_cut_off() -> None:
    """Beyond its size a body is not read on, packed or not; the model is told to ask for less."""
    big = b'{"x": "' + b"x" * 3_000_000 + b'"}'
    packed = Reply(gzip.compress(big), headers=(("Content-Encoding", "gzip"),))
    for reply in (Reply(big), packed):
        async with Server(always(reply)) as server, door(server.url) as http:
            http.max_bytes = 1_000_000
            with pytest.raises(BadArguments, match="larger than 1 MB"):
                await http.get("/")


async def test_packed_answers_are_read() -> None:
    """A gzip body arrives as what was packed; a broken one is told as broken."""
    good = Reply(gzip.compress(b'{"a": 1}'), headers=(("Content-Encoding", "gzip"),))
    bad = Reply(b"not gzip at all", headers=(("Content-Encoding", "gzip"),))
    async with Server(lambda r: good if r.path == "/good" else bad) as server, door(server.url) as http:
        assert await http.get("/good") == {"a": 1}
        with pytest.raises(SourceDown, match="broke off"):
            await http.get("/bad")


async def test_one_connection_serves_many_requests() -> None:
    """Requests one after another share a connection, and no more than the cap run at once."""
    async with Server(always(Reply(b"{}", delay=0.01))) as server, door(server.url, connections=3) as http:
        for _ in range(5):
            await http.get("/")
        assert server.connections == 1
        await asyncio.gather(*(http.get("/") for _ in range(12)))
        assert server.connections <= 3


async def test_a_dropped_connection_is_tried_once_more() -> None:
    """When a kept connection breaks, the read is sent again and nobody notices; twice is told."""
    replies = iter([Reply(b"{}" * 9, cut=1), Reply(b'{"a": 1}')])
    async with Server(lambda request: next(replies)) as server, door(server.url) as http:
        assert await http.get("/") == {"a": 1}
        assert len(server.requests) == 2


async def test_what_is_under_way_when_it_closes_opens_nothing_new() -> None:
    """A request in flight breaks off, one that waits is refused, and the server sees no further connection."""
    arrived = asyncio.Event()

    def slow(request: Request) -> Reply:
        arrived.set()
        return Reply(b"{}", delay=30)

    async with Server(slow) as server:
        async with door(server.url, connections=1) as http:
            asked = [asyncio.ensure_future(http.get("/")) for _ in range(2)]
            await asyncio.wait_for(arrived.wait(), 5)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [SourceDown, SourceDown]
        assert server.connections == 1


async def test_credentials_headers_and_tenant_are_sent() -> None:
    """Basic authentication, a tenant and own headers stand in every request; a form goes out as a form."""
    word = secrets.token_urlsafe(12)
    async with Server(always(Reply(b"{}"))) as server:
        settings = {"username": "jo", "password": word, "tenant": "team-a", "headers": {"X-Team": "blue"}}
        async with door(f"{server.url}/prom/", **settings) as http:
            await http.post("/api/v1/query", [("query", "up")])
    request = server.requests[0]
    assert request.path == "/prom/api/v1/query"
    assert request.params == {"query": "up"}
    assert request.headers["authorization"].startswith("Basic ")
    assert (request.headers["x-scope-orgid"], request.headers["x-team"]) == ("team-a", "blue")


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """A rotated token is used without a restart; a file that is not there is named."""
    file = tmp_path / "token"
    first, second = secrets.token_hex(8), secrets.token_hex(9)
    async with Server(always(Reply(b"{}"))) as server, door(server.url, token_file=str(file)) as http:
        with pytest.raises(SourceRefused, match="token_file"):
            await http.get("/")
        for token, age in ((first, 1), (second, 2)):
            file.write_text(f"{token}\n")
            os.utime(file, (age, age))
            await http.get("/")
    assert [r.headers["authorization"] for r in server.requests] == [f"Bearer {first}", f"Bearer {second}"]


async def test_no_message_holds_a_secret() -> None:
    """A server that echoes what it was sent does not bring the password or token into a message."""

    def echo(request: Request) -> Reply:
        return Reply(str(request.headers).encode(), 500, "text/plain")

    word, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    for settings in ({"username": "jo", "password": word}, {"token": token}, {"headers": {"X-Key": token}}):
        async with Server(echo) as server, door(server.url, **settings) as http:
            with pytest.raises(SourceDown) as caught:
                await http.get("/")
        sent = server.requests[0].headers.get("authorization", "").partition(" ")[2] or "absent"
        assert not any(secret in str(caught.value) for secret in (word, token, sent))


def test_a_second_event_loop_gets_its_own_connections() -> None:
    """The same source may be asked from two event loops, one after the other."""

    async def asked() -> object:
        async with Server(always(Reply(b'{"a": 1}'))) as server:
            http.settings = http.settings.model_copy(update={"url": server.url})
            try:
                return await http.get("/")
            finally:
                await http.close()

    http = Http("prom", HttpSettings(url="http://127.0.0.1"))
    assert [asyncio.run(asked()), asyncio.run(asked())] == [{"a": 1}, {"a": 1}]
