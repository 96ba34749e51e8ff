"""The Prometheus source beyond its contract."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import BadArguments, SourceDown, SourceRefused
from bot.domain.window import last
from tests.sources.opened import opened
from tests.sources.recorded import GENERATIONS, exchange, reply
from tests.sources.served import Reply, Request, Server, as_json, success

NOW = datetime(2026, 11, 23, 12, 0, 7, 500_000, UTC)
WINDOW = last(timedelta(hours=1), NOW)
EMPTY = {"resultType": "matrix", "result": []}
MISSING = Reply(b"404 page not found", 404, "text/plain")
SPOKEN = {
    "error-parse": (BadArguments, "unexpected end of input inside braces"),
    "error-type": (BadArguments, "expected type range vector"),
    "error-function": (BadArguments, 'unknown function with name "foo"'),
    "error-many-to-many": (BadArguments, "many-to-many|group_left|duplicate"),
    "error-11000": (BadArguments, "exceeded maximum resolution"),
    "error-timeout": (SourceDown, "timed out.*ask for less"),
    "404": (SourceRefused, "base path"),
    "405": (SourceRefused, "405"),
}


@pytest.mark.parametrize("generation", [pair[0] for pair in GENERATIONS])
@pytest.mark.parametrize("name", SPOKEN)
async def test_recorded_errors_keep_their_words(name: str, generation: str) -> None:
    """What real servers say of a bad query reaches the caller, as the right kind."""
    kind, words = SPOKEN[name]
    held = exchange("prometheus", generation, name)
    query = (held["request"]["params"] or {}).get("query", "up")
    async with Server(lambda r: reply("prometheus", generation, name)) as server, opened("prometheus", server.url) as p:
        assert p.series is not None
        with pytest.raises(kind, match=words):
            await p.series.evaluate(query, NOW)  # type: ignore[attr-defined]


async def test_what_is_sent() -> None:
    """A range query goes out aligned, with a time-out and a limit; a long one as a form."""
    async with Server(lambda r: success(EMPTY)) as server, opened("prometheus", server.url, timeout=2.5) as p:
        assert p.series is not None
        await p.series.range("up", WINDOW)
        await p.series.range("up + " * 9 + f'up{{job=~"{"x" * 280}"}}', WINDOW)
        long = " + ".join(f'up{{job="{"x" * 250}"}}' for _ in range(7))
        await p.series.instant(long, NOW)
    first, second, third = server.requests
    assert (first.method, second.method, third.method) == ("GET", "GET", "POST")
    assert first.params["step"] == "15"
    assert int(first.params["start"]) % 15 == int(first.params["end"]) % 15 == 0
    assert (first.params["timeout"], first.params["limit"]) == ("2.5", "1000")
    assert (third.params["query"], third.params["time"]) == (long, "1795435207.5")


@pytest.mark.parametrize("query", ['{__name__=~".+"}', "up[8d:1s]", "x" * 2_001, "rate(up[5m:1m][5m:1m])"])
async def test_what_could_hurt_is_never_sent(query: str) -> None:
    """A query beyond the policy is refused before the server hears of it."""
    async with Server(lambda r: success(EMPTY)) as server, opened("prometheus", server.url) as p:
        assert p.series is not None
        with pytest.raises(BadArguments):
            await p.series.instant(query, NOW)
    assert [r.path for r in server.requests] in ([], ["/api/v1/format_query"])


async def test_unparsed_queries_are_never_run() -> None:
    """Where the server understands what we do not, or cannot say, our own words stand, and nothing is evaluated."""
    for answer in (success("formatted"), MISSING):
        async with Server(lambda r, a=answer: a) as server, opened("prometheus", server.url) as p:  # type: ignore[misc]
            assert p.series is not None
            with pytest.raises(BadArguments, match="Not valid PromQL"):
                await p.series.range("future_syntax(up, ~)", WINDOW)
        assert {r.path for r in server.requests} == {"/api/v1/format_query"}


async def test_a_server_without_rules_or_targets() -> None:
    """Mimir and others lack them: no rules is empty, targets come from `up`, alerts are refused, not empty."""
    row = {"metric": {"__name__": "up", "job": "a"}, "value": [1, "0"]}

    def answer(request: Request) -> Reply:
        return success({"resultType": "vector", "result": [row]}) if "query" in request.path else MISSING

    async with Server(answer) as server, opened("prometheus", server.url) as p:
        assert p.rules is not None
        assert p.alerts is not None
        assert await p.rules.rules() == ()
        assert [target.up for target in await p.rules.targets()] == [False]
        with pytest.raises(SourceRefused, match="configure its Alertmanager"):
            await p.alerts.alerts()
        assert (await p.health()).detail.startswith("answers queries")


async def test_a_silence_is_not_prometheus_business() -> None:
    """Prometheus knows no silences and takes no matchers."""
    async with opened("prometheus", "http://127.0.0.1:9") as p:
        assert p.alerts is not None
        assert await p.alerts.silences() == ()
        with pytest.raises(BadArguments, match="ask Alertmanager"):
            await p.alerts.alerts(["a=b"])


async def test_the_catalogue_is_read_once() -> None:
    """Two searches in a row ask the server once; a server without metadata still gives names."""

    def answer(request: Request) -> Reply:
        return success(["up", "http_requests_total"]) if request.path.endswith("/values") else MISSING

    async with Server(answer) as server, opened("prometheus", server.url) as p:
        assert p.series is not None
        first = await p.series.metrics("requests")
        assert [metric.type for metric in first] == ["counter"]
        assert await p.series.metrics("requests") == first
    assert len(server.requests) == 2


async def test_victoriametrics_answers_an_empty_build_info() -> None:
    """A server whose build info is empty is asked a query instead, and is healthy."""

    def answer(request: Request) -> Reply:
        return success({}) if request.path.endswith("buildinfo") else success(EMPTY)

    async with Server(answer) as server, opened("prometheus", server.url) as p:
        assert (await p.health()).ok


async def test_many_at_once_stay_within_the_cap() -> None:
    """Twenty queries at once share the source's connections, and each gets its own answer."""

    def answer(request: Request) -> Reply:
        row = {"metric": {"n": request.params["query"]}, "value": [1, "1"]}
        return Reply(success({"resultType": "vector", "result": [row]}).body, delay=0.005)

    async with Server(answer) as server, opened("prometheus", server.url, connections=4) as p:
        assert p.series is not None
        asked = [f"m_{n}" for n in range(20)]
        told = await asyncio.gather(*(p.series.instant(query, NOW) for query in asked))
        assert [answer.series[0].labels["n"] for answer in told] == asked
        assert server.connections <= 4


async def test_health_says_what_to_do() -> None:
    """A source that refuses is unhealthy, with the remedy as its detail."""
    for kind in ("prometheus", "alertmanager"):
        told = Reply(b"Unauthorized", 401, "text/plain")
        async with Server(lambda r, told=told: told) as server, opened(kind, server.url) as instance:  # type: ignore[misc]
            health = await instance.health()
        assert not health.ok
        assert "username and password" in health.detail
    async with Server(lambda r: as_json({"no": "prometheus"})) as server, opened("prometheus", server.url) as p:
        assert "not Prometheus'" in (await p.health()).detail
