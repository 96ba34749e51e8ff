"""An investigation is one trace, sent without ever being waited for."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.engine.dbos import DbosEngine
from bot.outward import Post
from bot.telemetry import Exporter, mark, no_span, otlp, span, trace_of
from bot.telemetry.spans import Span, taking, trace_id
from tests.engine.test_dbos import FLOWS, Ground
from tests.fakes.collector import Collector
from tests.telemetry.test_logs_and_metrics import value

KEY = "ans:T1:C1:1700.5"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued is sent at once; the end does not wait long."""
    monkeypatch.setattr(otlp, "EVERY", 0.01)
    monkeypatch.setattr(otlp, "LAST", 0.2)


def work(names: list[str], key: str = KEY) -> None:
    """Spans of these names."""
    for name in names:
        with span(name, key):
            mark(rows=3, share=0.5, whole=True, tool="alerts")


async def until(reached: Callable[[], bool]) -> None:
    """Wait, 5 s at most."""
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.005)


def spans(outcome: str) -> float:
    """How many were sent or dropped so far."""
    return value("spans_total", outcome=outcome)


def test_ids_come_from_the_key() -> None:
    """Whoever goes on with a run, in whatever process, goes on with its trace; a stop belongs to what it stops."""
    taken: list[Span] = []
    with taking(taken.append):
        with span("accept", KEY, first=True):
            pass
        work(["begin"])
        work(["stop"], f"stop:{KEY}")
    root, begin, stop = taken
    assert {one.trace for one in taken} == {trace_id(trace_of(KEY))}
    assert (root.parent, begin.parent, stop.parent) == ("", root.id, root.id)
    assert len({one.id for one in taken}) == 3


def test_what_is_no_investigation_makes_no_span() -> None:
    """A schedule that runs each minute would fill the collector; nor is there one that was taken back."""
    taken: list[Span] = []
    work(["unheard"])
    with taking(taken.append):
        work(["beat"], "every:heartbeat:2026-01-01T00:00:00")
        with span("accept", KEY, first=True):
            no_span()
    mark(nothing="of no span")
    no_span()
    assert taken == []


def test_a_span_says_how_it_failed_and_nothing_more() -> None:
    """The kind of the error; its text may hold what somebody wrote. A name holds no text either."""
    taken: list[Span] = []
    with taking(taken.append), pytest.raises(ValueError, match="secret"), span("tools:a b<c>\n" + "x" * 200, KEY):
        raise ValueError("secret")
    assert (taken[0].failed, taken[0].name) == ("ValueError", "tools:a_b_c__" + "x" * 87)


async def test_a_collector_reads_them(quick: None) -> None:
    """Ids, times, kinds of values and the error arrive as OTLP has them."""
    async with Collector() as collector:
        post = Post(f"{collector.url}/v1/traces")
        async with Exporter(post, "host-1").running():
            work(["begin"])
            with pytest.raises(KeyError), span("model:claude", KEY):
                raise KeyError
            await until(lambda: len(collector.spans) == 2)
        await post.close()
    begin, model = collector.spans
    assert collector.wrong == []
    assert collector.instances == {"host-1"}
    assert begin.attributes == {"nightjar.key": KEY, "rows": 3, "share": 0.5, "whole": True, "tool": "alerts"}
    assert (model.failed, model.name) == ("KeyError", "model:claude")


async def test_what_is_left_at_the_end_is_sent() -> None:
    """A process that ends at once has told of its last step."""
    async with Collector() as collector:
        post = Post(f"{collector.url}/v1/traces")
        async with Exporter(post).running():
            work(["finish"] * 300)
        await post.close()
    assert (len(collector.spans), len(collector.bodies)) == (300, 2)


async def test_a_collector_that_is_away_costs_nothing_but_its_spans(quick: None) -> None:
    """They are kept, so many; the oldest go, and are counted."""
    before = spans("dropped")
    post = Post("http://127.0.0.1:9/v1/traces")
    async with Exporter(post).running():
        began = time.perf_counter()
        work(["step"] * (otlp.MOST + 100))
        assert time.perf_counter() - began < 1
        await asyncio.sleep(0.05)
        assert spans("dropped") - before == 100
    await post.close()
    assert spans("dropped") - before == otlp.MOST + 100


async def test_a_busy_collector_gets_them_later(quick: None) -> None:
    """503 keeps the batch; 400 means that it will never be taken."""
    async with Collector(status=503) as collector:
        post = Post(f"{collector.url}/v1/traces")
        async with Exporter(post).running():
            work(["begin"])
            await until(lambda: len(collector.bodies) >= 2)
            assert len({bytes(body) for body in collector.bodies}) == 1
            collector.status = 200
            await until(lambda: len(collector.spans) == 1)
            before, collector.status = spans("dropped"), 400
            work(["context"])
            await until(lambda: spans("dropped") == before + 1)
        await post.close()


async def test_a_collector_that_hangs_holds_nobody_up(quick: None) -> None:
    """The end waits for it so long and no longer."""
    before = spans("dropped")
    async with Collector(hangs=True) as collector:
        post = Post(f"{collector.url}/v1/traces")
        async with Exporter(post).running():
            work(["begin"])
            await until(lambda: len(collector.bodies) == 1)
            began = time.perf_counter()
        assert time.perf_counter() - began < 1
        await post.close()
        collector.hangs = False
    assert spans("dropped") == before + 1


async def test_what_is_dropped_while_it_is_sent_is_counted_once(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch under way is not taken from the queue a second time."""
    monkeypatch.setattr(otlp, "MOST", 2)
    sent, before = Sender(), spans("dropped")
    async with Exporter(sent.send).running():
        work(["one"])
        await until(lambda: sent.busy)
        work(["two", "three"])
        sent.go.set()
        await until(lambda: len(sent.names) == 3)
    assert sent.names == ["one", "two", "three"]
    assert spans("dropped") == before + 1


class Sender:
    """A sender that waits for its first go."""

    def __init__(self) -> None:
        self.go, self.busy, self.names = asyncio.Event(), False, list[str]()
        self.send: Callable[[bytes], Awaitable[int]] = self._send

    async def _send(self, body: bytes) -> int:
        self.busy = True
        await self.go.wait()
        read: dict[str, Any] = json.loads(body)
        self.names += [one["name"] for one in read["resourceSpans"][0]["scopeSpans"][0]["spans"]]
        return 200


async def test_a_run_that_goes_on_elsewhere_goes_on_with_its_trace(tmp_path: Path) -> None:
    """What was done before makes no second span; what was cut off is seen as that."""
    taken: list[Span] = []
    url, ground = f"sqlite:///{tmp_path}/engine.sqlite", Ground()
    with taking(taken.append):
        engine = DbosEngine(url, FLOWS)
        async with engine.serving(ground, drain_seconds=0.05):
            assert await engine.start("wait", KEY, "lane", None)
            assert not await engine.start("wait", KEY, "lane", None)
            await ground.began.wait()
        ground.go.set()
        engine = DbosEngine(url, FLOWS)
        async with engine.serving(ground):
            await engine.drained()
    assert [(one.name, one.failed) for one in taken] == [
        ("accept", ""),
        ("first", ""),
        ("second", "CancelledError"),
        ("second", ""),
    ]
    assert {one.trace for one in taken} == {trace_id(trace_of(KEY))}
    assert {one.parent for one in taken[1:]} == {taken[0].id}
