"""Many metrics in one query."""

import asyncio

import numpy as np

from bot.analysis.frames import Row
from bot.check.promql import check_query
from bot.domain.series import SeriesAnswer
from bot.tools._names import chunks, is_worth, label_sets, named, union
from tests.tools.world import NOW, World


def test_a_union_is_allowed_and_tells_its_metrics_apart() -> None:
    """It passes the same check as a model's query."""
    world = World()
    for name in ("a_total", "b_total"):
        world.gauge(name, 1.0, job="x")
    check_query(union(["a_total", "b_total"]))
    found = asyncio.run(label_sets(world, ["a_total", "b_total"], NOW, asyncio.Semaphore(2)))
    assert found == [{"job": "x", "__name__": "a_total"}, {"job": "x", "__name__": "b_total"}]


def test_chunks_keep_queries_short_and_answers_small() -> None:
    """By the length of the names, and by how many series they have."""
    long = chunks((f"a_rather_long_metric_name_{n}", 1) for n in range(100))
    assert sum(map(len, long)) == 100
    assert max(len(union(part)) for part in long) < 2_000
    assert [len(part) for part in chunks([("a", 500), ("b", 500), ("c", 10)])] == [1, 2]


def test_what_tells_nothing_is_not_asked_for() -> None:
    """Parts of histograms, recordings, runtimes, and what watches; its build_info tells who watches."""
    left_out = ("x_bucket", "x_sum", "a:b", "go_threads", "up", "prometheus_tsdb_head_series", "node_exporter_x")
    assert not any(is_worth(name) for name in left_out)
    assert all(
        is_worth(name) for name in ("x_count", "x_total", "prometheus_build_info", "node_filesystem_avail_bytes")
    )


def test_a_row_gets_its_own_name_back() -> None:
    """The label of the union becomes the name."""
    row = Row({"metric_name": "m", "a": "1"}, np.zeros(1))
    assert named(row).labels == {"a": "1", "__name__": "m"}
    assert named(Row({"a": "1"}, np.zeros(1))).labels == {"a": "1"}


def test_a_large_answer_is_asked_for_in_halves() -> None:
    """Until nothing is left out; what one metric alone leaves out stays a sample, what is refused is skipped."""

    class Crowded(World):
        async def instant(self, query: str, at: object) -> SeriesAnswer:
            answer = await World.instant(self, query, NOW)
            return SeriesAnswer(answer.series, query, left_out=1 if " or " in query else 0)

    world = Crowded(refused='"c"')
    for name in ("a", "b", "c"):
        world.gauge(name, 1.0)
    found = asyncio.run(label_sets(world, ["a", "b"], NOW, asyncio.Semaphore(2)))
    assert [labels["__name__"] for labels in found] == ["a", "b"]
    assert asyncio.run(label_sets(world, ["c"], NOW, asyncio.Semaphore(2))) == []
