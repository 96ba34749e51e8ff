"""The Loki source over a server that speaks its protocol, and over recorded answers."""

import asyncio
import json
import os
import random
import re
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadArguments, SourceDown, SourceRefused, ToolError
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.plugin import SourceHead
from bot.domain.ports import LogStore
from bot.domain.series import service_of
from bot.domain.sources import Instance
from bot.domain.window import Window
from bot.sources import loki
from bot.sources._loki_http import seconds
from bot.sources._loki_pages import told_apart
from tests.sources.loki_server import SECOND, Loki, plain
from tests.sources.opened import resident
from tests.sources.served import Reply, Request, Server, as_json, success

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FIRST = int(START.timestamp()) * SECOND
HOUR = Window(START, START + timedelta(hours=1))
RECORDED = Path(__file__).parents[1] / "fixtures" / "loki" / "2026-08"
REAL = os.environ.get("NIGHTJAR_TEST_LOKI_URL", "")


class Opened:
    """An instance over a fake Loki, or over whatever answers; a busy server is asked again at once."""

    def __init__(self, answer: Any, **more: Any) -> None:
        self.server, self.more = Server(answer), more

    async def __aenter__(self) -> Instance:
        await self.server.__aenter__()
        self.instance = loki.SOURCE.open(
            SourceHead("loki", "prod"), loki.LokiSettings(url=self.server.url, **self.more)
        )
        assert isinstance(self.instance.logs, loki.Loki)
        self.instance.logs.limits.pauses = (0.0, 0.0)
        return self.instance

    async def __aexit__(self, *error: Any) -> None:
        assert self.instance.close is not None
        await self.instance.close()
        await self.server.__aexit__(None, None, None)


async def pieces(instance: Instance, query: LogQuery = LogQuery(), window: Window = HOUR) -> list[LogPiece]:  # noqa: B008
    """All pieces of a window."""
    assert instance.logs is not None
    found = [piece async for piece in instance.logs.read(query, window)]
    for piece in found:
        assert piece.data.endswith(b"\n")
        assert piece.data.count(b"\n") == len(piece.times)
        assert list(piece.times) == sorted(piece.times)
    return found


def lines(found: list[LogPiece]) -> list[str]:
    """The lines of some pieces."""
    return b"".join(piece.data for piece in found).decode().splitlines()


def shop(**more: Any) -> Loki:
    """Two services, a line a second each."""
    held = Loki(**more)
    for service in ("cart", "payment"):
        labels = {"service_name": service, "job": "shop", "instance": f"{service}-1"}
        held.push(labels, [(FIRST + i * SECOND, f"{service} line {i}") for i in range(100)])
    return held


async def test_pages_give_every_line_in_order() -> None:
    """Pages far smaller than the window give each line once, with its time and its stream's labels."""
    async with Opened(shop(), page=7) as instance:
        found = await pieces(instance)
    assert sorted(lines(found)) == sorted(f"{s} line {i}" for s in ("cart", "payment") for i in range(100))
    starts = [piece.times[0] for piece in found]
    assert starts == sorted(starts)
    assert {piece.labels["service_name"] for piece in found} == {"cart", "payment"}
    assert found[0].times[0] == START.timestamp()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.text("ab\u00e9 ", max_size=4)), max_size=60),
    st.integers(2, 9),
    st.integers(2, 9),
)
async def test_paging_is_exact(entries: list[tuple[int, int, str]], page: int, allowed: int) -> None:
    """Whatever shares an instant, and however small the pages the server allows: nothing is lost, nothing doubled."""
    held = Loki(most_lines=allowed)
    for number in range(3):
        unique = dict.fromkeys((FIRST + at, f"{text}{at}") for at, n, text in entries if n == number)
        held.push({"app": f"a{number}"}, sorted(unique))
    async with Opened(held, page=page) as instance:
        found = await pieces(instance)
    got = [(piece.labels["app"], line) for piece in found for line in piece.data.decode().split("\n")[:-1]]
    assert sorted(got) == sorted({(f"a{n}", f"{text}{at}") for at, n, text in entries})


async def test_an_instant_beyond_a_page_is_split_by_what_the_lines_say() -> None:
    """Thousands of lines with one time stamp, in one stream, are read all the same."""
    held = Loki(most_lines=100)
    held.push({"app": "x"}, [(FIRST + 5, f"row {i} of {i % 7}") for i in range(1_500)])
    async with Opened(held, page=100) as instance:
        found = lines(await pieces(instance))
    assert sorted(found) == sorted(f"row {i} of {i % 7}" for i in range(1_500))


async def test_an_instant_of_lines_that_differ_by_an_id() -> None:
    """Where every line has words of its own, parts of them tell the lines apart."""
    made = random.Random(5)
    rows = [f"request {made.getrandbits(128):032x} done" for _ in range(2_000)]
    held = Loki(most_lines=100)
    held.push({"app": "x"}, [(FIRST + 5, row) for row in rows])
    async with Opened(held, page=100) as instance:
        assert sorted(lines(await pieces(instance))) == sorted(rows)


def test_a_line_that_the_sample_misses_is_found() -> None:
    """Two filters of a page always have an entry each, or there are none."""
    page = [({"app": "x"}, [1] * 5_000, ["same", "same and more", *["same"] * 4_998])]
    assert told_apart(page) == ('|= "same and more"', '!= "same and more"')
    assert told_apart([({"app": "x"}, [1], [""]), ({"app": "y"}, [1], [""])]) == ('| app=~"x"', '| app!~"x"')
    assert told_apart([({"app": "x"}, [1, 1], ["", ""])]) == ()


async def test_what_nothing_tells_apart_is_refused() -> None:
    """A server that gives the same page whatever is asked is not read forever, and nothing is dropped in silence."""
    row = {"stream": {"app": "x"}, "values": [[str(FIRST), "same"]] * 2}
    answers = {"/loki/api/v1/labels": success(["app"])}
    page = success({"resultType": "streams", "result": [row]})
    async with Opened(lambda r: answers.get(r.path, page), page=2) as instance:
        with pytest.raises(SourceRefused, match="same nanosecond"):
            await pieces(instance)


async def test_the_servers_limits_are_learned() -> None:
    """A page larger than the server gives is asked for again as it says, and never so large again."""
    held = shop(most_lines=30)
    async with Opened(held) as instance:
        assert len(lines(await pieces(instance))) == 200
        first = held.asked["/loki/api/v1/query_range"]
        assert len(lines(await pieces(instance))) == 200
        assert held.asked["/loki/api/v1/query_range"] == 2 * first - 1
        assert instance.trouble() == ""


@pytest.mark.parametrize("limit", [{"most_length": 17 * SECOND}, {"most_bytes": 300}])
async def test_long_windows_are_cut(limit: dict[str, int]) -> None:
    """What the server will not read at once is read in parts, and its volume is the sum."""
    async with Opened(shop(**limit)) as instance:
        assert len(lines(await pieces(instance, window=Window(START, START + timedelta(minutes=2))))) == 200
        assert instance.logs is not None
        volume = await instance.logs.volume(LogQuery(services=("cart",)), HOUR)
        assert (volume.lines, volume.streams) == (100, 1)


async def test_a_window_that_cannot_be_cut_further_is_told() -> None:
    """When a second is already too much, the server's words reach the caller."""
    async with Opened(shop(most_bytes=3)) as instance:
        with pytest.raises(BadArguments, match="too many bytes"):
            await pieces(instance)


async def test_a_page_too_large_in_bytes_is_halved() -> None:
    """The server's message limit, and our own, lead to smaller pages."""
    held = shop()
    held.refuse = [
        as_json({"status": "success", "data": ["service_name"]}),
        plain(500, "received message larger than max"),
    ]
    async with Opened(held, page=100) as instance:
        assert len(lines(await pieces(instance))) == 200
    async with Opened(shop(), page=5_000) as instance:
        assert isinstance(instance.logs, loki.Loki)
        instance.logs.http.max_bytes = 3_000
        assert len(lines(await pieces(instance))) == 200


@pytest.mark.parametrize(
    "busy", [plain(429, "too many outstanding requests"), plain(400, "too many outstanding requests"), plain(429, "")]
)
async def test_a_busy_server_is_asked_again(busy: Reply) -> None:
    """A few times; then it is refused, with what it said."""
    held = shop()
    held.refuse = [busy, busy]
    async with Opened(held) as instance:
        assert len(lines(await pieces(instance))) == 200
        assert instance.trouble() == ""
        held.refuse = [busy] * 3
        with pytest.raises(SourceRefused, match="too many requests"):
            await pieces(instance)
        assert "too many requests" in instance.trouble()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            plain(400, "parse error at line 1, col 19: syntax error: unexpected $end" + "x" * 900),
            BadArguments,
            "col 19",
        ),
        (plain(401, "no org id"), SourceRefused, "credentials"),
        (plain(403, "no"), SourceRefused, "tenant"),
        (plain(404, "404 page not found"), SourceRefused, "base path"),
        (plain(500, "boom"), SourceDown, "boom"),
        (plain(502, "<html>bad gateway</html>"), SourceDown, "502"),
        (plain(302, ""), SourceRefused, "redirects"),
        (plain(200, "login"), SourceRefused, "instead of JSON"),
        (Reply(b'{"status":"succ', 200), SourceRefused, "no valid JSON"),
        (as_json([]), SourceRefused, "not Loki's"),
        (as_json({"status": "error", "error": "no"}), SourceRefused, "not Loki's: no"),
        (success({"resultType": "matrix", "result": []}), SourceRefused, "matrix where log lines"),
        (
            success({"resultType": "streams", "result": [{"stream": {}, "values": [["x", "y"]]}]}),
            SourceRefused,
            "shape",
        ),
        (success({"resultType": "streams", "result": [{"values": []}]}), SourceRefused, "shape"),
        (success(None), SourceRefused, "shape"),
        (Reply(b"{}", 200, cut=1), SourceDown, "broke off"),
    ],
)
async def test_faults_are_told(reply: Reply, kind: type[ToolError], words: str) -> None:
    """Each as what it is, shortly, in the server's words."""
    answer = {"/loki/api/v1/labels": success(["app"])}
    async with Opened(lambda r: answer.get(r.path, reply)) as instance:
        with pytest.raises(kind, match=words) as caught:
            await pieces(instance)
    assert len(str(caught.value)) < 420


async def test_a_server_that_is_away() -> None:
    """No connection is SourceDown, in health as well."""
    opened = Opened(shop(), timeout=0.5)
    async with opened as instance:
        await opened.server.__aexit__(None, None, None)
        with pytest.raises(SourceDown):
            await pieces(instance)
        assert not (await instance.health()).ok


async def test_volume_is_the_index_s_word() -> None:
    """Bytes, lines and streams without reading; a server without the endpoint knows none."""
    held = shop()
    query = LogQuery(services=("cart",), contains="line 1")
    async with Opened(held) as instance:
        assert instance.logs is not None
        assert await instance.logs.volume(query, HOUR) == LogVolume(
            sum(len(f"cart line {i}") for i in range(100)), 100, 1
        )
        assert held.queries == []
        held.missing = ("/loki/api/v1/index/stats",)
        assert await instance.logs.volume(query, HOUR) == LogVolume(0, None, 0)
        held.missing, held.refuse = (), [as_json({"streams": "many"})]
        with pytest.raises(SourceRefused, match="statistics"):
            await instance.logs.volume(LogQuery(selector='{app="x"}'), HOUR)


async def test_services_are_learned_from_the_labels() -> None:
    """The best label that names a service; its names are asked for each time, the labels once in a while."""
    held = shop()
    held.push({"service_name": "unknown_service"}, [(FIRST, "x")])
    async with Opened(held) as instance:
        assert instance.logs is not None
        assert await instance.logs.services(HOUR) == ("cart", "payment")
        assert await instance.logs.services(HOUR) == ("cart", "payment")
    assert held.asked["/loki/api/v1/labels"] == 1
    async with Opened(Loki()) as instance:
        assert instance.logs is not None
        assert await instance.logs.services(HOUR) == ()
        assert await pieces(instance) == []
        assert await instance.logs.volume(LogQuery(), HOUR) == LogVolume(0, 0)


async def test_the_label_that_knows_a_service_is_used() -> None:
    """Where several labels name services, the one that has the names that are asked for; special letters are safe."""
    held = Loki()
    held.push({"service": "web"}, [(FIRST, "w")])
    held.push({"app": "a.b|c"}, [(FIRST + 1, "x"), (FIRST + 2, 'He said "50%" (.*)\\')])
    held.push({"app": "aXb"}, [(FIRST + 3, "y")])
    async with Opened(held) as instance:
        assert lines(await pieces(instance, LogQuery(services=("a.b|c", "other")))) == ["x", 'He said "50%" (.*)\\']
        assert lines(await pieces(instance, LogQuery(services=("web",)))) == ["w"]
        query = LogQuery(services=("a.b|c",), contains='said "50%" (.*)\\')
        assert lines(await pieces(instance, query)) == ['He said "50%" (.*)\\']
        assert lines(await pieces(instance, LogQuery(selector='{app=~".+"} |= "y"', services=("aXb",)))) == ["y"]


async def test_without_a_label_for_services() -> None:
    """Any label serves to read all, but a service cannot be told, and that is said."""
    held = Loki()
    held.push({"host": "a", "filename": "/var/log/x"}, [(FIRST, "w")])
    async with Opened(held) as instance:
        assert lines(await pieces(instance)) == ["w"]
        assert instance.logs is not None
        assert await instance.logs.services(HOUR) == ()
        with pytest.raises(SourceRefused, match=r"no label of loki names a service.*filename, host"):
            await pieces(instance, LogQuery(services=("web",)))


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"app_kubernetes_io_name": "cart", "container": "main"}, "app_kubernetes_io_name"),
        ({"service_name": "unknown_service", "compose_service": "cart", "host": "a"}, "compose_service"),
        ({"job": "shop/cart", "filename": "/var/log/x"}, "job"),
        ({"container_name": "/Cart", "service": "all"}, "container_name"),
        ({"pod": "cart-7d9f8b6c5-x2x4z", "namespace": "shop"}, "pod"),
        ({"pod": "cart-0", "namespace": "shop", "level": "info"}, "pod"),
    ],
)
async def test_a_service_is_found_under_whatever_label(labels: dict[str, str], label: str) -> None:
    """By its name among the values; its lines say whose they are, and no other service's come along."""
    held = Loki()
    held.push(labels, [(FIRST, "mine")])
    held.push({name: re.sub("(?i)cart", "cart-api", value) for name, value in labels.items()}, [(FIRST, "other")])
    async with Opened(held) as instance:
        found = await pieces(instance, LogQuery(services=("cart",)))
        assert lines(found) == ["mine"]
        assert [service_of(piece.labels) for piece in found] == ["cart"]
        assert held.queries[-1].startswith("{" + label)
        values = sum(count for path, count in held.asked.items() if path.endswith("/values"))
        await pieces(instance, LogQuery(services=("cart",)))
    assert values == sum(count for path, count in held.asked.items() if path.endswith("/values")) <= 14


async def test_the_label_of_the_settings_is_used_alone() -> None:
    """It names each stream's service, whatever other labels say, and what is unknown to it has no lines."""
    held = Loki()
    held.push({"unit": "cart", "service": "host-a"}, [(FIRST, "mine")])
    held.push({"service": "payment"}, [(FIRST, "other")])
    async with Opened(held, service_label="unit") as instance:
        assert instance.logs is not None
        assert await instance.logs.services(HOUR) == ("cart",)
        found = await pieces(instance)
        assert [service_of(piece.labels) for piece in found] == ["cart"]
        assert lines(await pieces(instance, LogQuery(services=("cart",)))) == ["mine"]
        assert await pieces(instance, LogQuery(services=("payment",))) == []


async def test_all_lines_are_read_by_the_label_that_most_streams_have() -> None:
    """One stream with a better label does not hide the others."""
    held = Loki()
    held.push({"service": "web", "app": "web"}, [(FIRST, "w")])
    held.push({"app": "cart"}, [(FIRST + 1, "c")])
    async with Opened(held) as instance:
        assert sorted(lines(await pieces(instance))) == ["c", "w"]
        held.missing = ("/loki/api/v1/index/stats",)
        assert lines(await pieces(instance)) == ["w"]


async def test_looking_for_a_service_is_bounded() -> None:
    """However many labels there are, and whatever they refuse."""
    held = Loki()
    held.push({f"label_{n}": "x" for n in range(200)} | {"app": "web"}, [(FIRST, "w")])
    async with Opened(held) as instance:
        assert await pieces(instance, LogQuery(services=("cart",))) == []
    assert sum(count for path, count in held.asked.items() if path.endswith("/values")) <= 13


async def test_too_many_pods_of_a_service_are_told() -> None:
    """No more than a query may name."""
    held = Loki()
    for number in range(201):
        held.push({"pod": f"cart-{number}"}, [(FIRST, "x")])
    async with Opened(held) as instance:
        with pytest.raises(BadArguments, match="201 values of pod"):
            await pieces(instance, LogQuery(services=("cart",)))


async def test_entries_of_several_lines() -> None:
    """Each line has its entry's time; carriage returns, NUL and a lone surrogate do no harm."""
    held = Loki()
    entries = ["a\r\nb\n", "", "c\rd", "e\0f", "\ud800", "g\n\nh"]
    held.push({"app": "x"}, [(FIRST + i * SECOND, text) for i, text in enumerate(entries)])
    async with Opened(held) as instance:
        (piece,) = await pieces(instance)
    assert piece.data == b"a\nb\n\nc d\nef\n?\ng\n\nh\n"
    assert [at - START.timestamp() for at in piece.times] == [0, 0, 1, 2, 3, 4, 5, 5, 5]


async def test_entries_out_of_order_are_put_in_order() -> None:
    """A page whose stream does not ascend is sorted."""
    row = {"stream": {"app": "x"}, "values": [[str(FIRST + 2), "b"], [str(FIRST + 1), "a"]]}
    answers = {"/loki/api/v1/labels": success(["app"])}
    page = success({"resultType": "streams", "result": [row]})
    async with Opened(lambda r: answers.get(r.path, page)) as instance:
        assert lines(await pieces(instance)) == ["a", "b"]


async def test_health_names_the_version() -> None:
    """Or that it answers, where a gateway hides the endpoint."""
    held = shop()
    async with Opened(held) as instance:
        assert (await instance.health()).detail.startswith("Loki 3.7.8, ")
        held.missing = ("/loki/api/v1/status/buildinfo",)
        assert (await instance.health()).ok


async def test_the_tenant_and_the_credentials_are_sent() -> None:
    """As with every source over HTTP; the address that is pushed to is understood."""
    heard: list[Request] = []

    def answer(request: Request) -> Reply:
        heard.append(request)
        return success([])

    async with Opened(answer, tenant="team-a", username="u", password="p") as instance:
        assert await pieces(instance) == []
    assert heard[0].headers["x-scope-orgid"] == "team-a"
    assert heard[0].headers["authorization"].startswith("Basic ")
    for path in ("/loki/api/v1/push", "/loki/api/v1", ""):
        assert loki.LokiSettings(url=f"http://loki:3100/base{path}").url == "http://loki:3100/base"


async def test_a_long_query_goes_out_as_a_form() -> None:
    """Many services do not fit a URL."""
    held = shop()
    names = tuple(f"service-{i:030}" for i in range(100))
    opened = Opened(held)
    async with opened as instance:
        assert lines(await pieces(instance, LogQuery(services=(*names, "cart"), contains="line 7"))) != []
    assert opened.server.requests[-1].method == "POST"


async def test_a_million_lines_in_flat_memory() -> None:
    """Page by page: what is held is a page, not the log."""
    text = "GET /api/cart 200 duration_ms=27.5 trace_id=8cacbfdb15e2af67"
    rows = {"resultType": "streams", "result": [{"stream": {"app": "x"}, "values": []}]}

    def answer(request: Request) -> Reply:
        if request.path.endswith("labels"):
            return success(["app"])
        start = int(request.params["start"])
        left = min(5_000, (FIRST + 1_000_000_000 - start) // 1_000)
        values = ",".join(f'["{at}","{text}"]' for at in range(start, start + left * 1_000, 1_000))
        return Reply(json.dumps({"status": "success", "data": rows}).replace("[]", f"[{values}]").encode())

    async with Opened(answer) as instance:
        assert instance.logs is not None
        count, sizes = 0, []
        async for piece in instance.logs.read(LogQuery(), HOUR):
            count += len(piece.times)
            sizes.append(resident())
    assert count == 1_000_000
    assert max(sizes) < sizes[10] + 20_000_000


@pytest.mark.parametrize(("text", "length"), [("30d1h", 2_595_600), ("1440h0m0s", 5_184_000), ("1m30s", 90), ("x", 0)])
def test_durations_as_go_writes_them(text: str, length: float) -> None:
    """In seconds."""
    assert seconds(text) == length


def test_it_is_a_log_store() -> None:
    """It has what the port asks for."""
    store: LogStore | None = loki.SOURCE.open(SourceHead("x"), loki.LokiSettings(url="http://x")).logs
    assert isinstance(store, loki.Loki)


def recorded(name: str) -> Reply:
    """What a real server said."""
    held = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return Reply(held["body"].encode(), held["status"], held["content_type"])


async def test_recorded_answers_are_read() -> None:
    """A real server's labels, lines and statistics."""
    paths = {
        "/loki/api/v1/labels": "labels",
        "/loki/api/v1/query_range": "forward",
        "/loki/api/v1/index/stats": "stats",
    }
    async with Opened(lambda r: recorded(paths[r.path]), page=3) as instance:
        (piece,) = await pieces(instance)
        assert piece.labels["service"] == "payment"
        assert piece.times == [1795420967.246998784, 1795420969.955811840]
        assert b"NullPointerException" in piece.data
        assert instance.logs is not None
        assert await instance.logs.volume(LogQuery(), HOUR) == LogVolume(540_672, 2_185, 4)
    async with Opened(lambda r: recorded("labels" if r.path.endswith("labels") else "empty")) as instance:
        assert await pieces(instance) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error-parse", "col 19"),
        ("error-matcher", "at least one regexp or equality matcher"),
        ("error-range", "time range exceeds the limit"),
        ("error-limit", "max entries limit"),
    ],
)
async def test_recorded_errors_keep_their_words(name: str, words: str) -> None:
    """A server that refuses whatever is tried is heard in the end."""
    async with Opened(lambda r: recorded("labels" if r.path.endswith("labels") else name)) as instance:
        with pytest.raises(BadArguments, match=words):
            await pieces(instance)


@pytest.mark.skipif(not REAL, reason="NIGHTJAR_TEST_LOKI_URL names no real Loki")
async def test_a_real_server_gives_back_what_it_was_given() -> None:
    """Lines that share instants, more than a page of them, pushed and read."""
    now = time.time_ns() // SECOND * SECOND - 60 * SECOND
    name = f"nightjar-{now}"
    values = [[str(now + i // 40 * SECOND), f"line {i} (*) of {name}"] for i in range(400)]
    body = json.dumps({"streams": [{"stream": {"service_name": name, "app": name}, "values": values}]}).encode()
    asked = urllib.request.Request(f"{REAL}/loki/api/v1/push", body, {"Content-Type": "application/json"})
    (await asyncio.to_thread(urllib.request.urlopen, asked, timeout=10)).close()
    window = Window(datetime.fromtimestamp(now // SECOND, UTC), datetime.now(UTC))
    instance = loki.SOURCE.open(SourceHead("loki"), loki.LokiSettings(url=REAL, page=13))
    assert instance.close is not None
    try:
        found = lines(await pieces(instance, LogQuery(selector=f'{{app="{name}"}}', contains="(*) OF"), window))
        assert (await instance.health()).ok
    finally:
        await instance.close()
    assert sorted(found) == sorted(line for _, line in values)
