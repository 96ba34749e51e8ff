"""The evaluator against a real Prometheus: the same samples, the same queries, the same answers and errors."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from bot.demo.shop import Shop
from bot.demo.vendors import Vendors
from tests.demo.vendors.expressions import BAD, GOOD
from tests.demo.vendors.prometheus import Excerpt, missing, serving

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(missing() is not None, reason=f"compared with nothing: {missing()}"),
]
NOW = 1_760_000_007.0
ORDERED = (
    "sort(queue_depth or up * 3)",
    "sort_desc(db_pool_in_use * 1.5)",
    "topk(3, db_pool_in_use)",
    "bottomk(2, up)",
)
RANGE = {"start": f"{NOW - 1800:.3f}", "end": f"{NOW:.3f}", "step": "37"}


class Pair(NamedTuple):
    """The two servers."""

    ours: Vendors
    theirs: httpx.Client


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The shop with an instance that dies twice, in a real Prometheus and as it is."""
    excerpt = Excerpt(Shop(5, "memory_leak", now=lambda: NOW, started_ago=1000.0))
    with serving(excerpt, tmp_path_factory.mktemp("prometheus")) as url, httpx.Client(base_url=url) as client:
        yield Pair(Vendors(excerpt), client)


async def ask(pair: Pair, path: str, params: dict[str, str]) -> tuple[tuple[int, Any], tuple[int, Any]]:
    """The same request to both: status and body of each."""
    transport = httpx.ASGITransport(pair.ours.prometheus.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
        ours = await client.get(path, params=params)
    theirs = pair.theirs.get(path, params=params)
    return (ours.status_code, ours.json()), (theirs.status_code, theirs.json())


def cells(data: Any) -> dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]:
    """A result's values by labels, whatever its type."""
    result = data["result"]
    if data["resultType"] in ("scalar", "string"):
        return {(): [(result[0], float("nan") if data["resultType"] == "string" else float(result[1]))]}
    return {
        tuple(sorted(one["metric"].items())): [(t, float(v)) for t, v in one.get("values") or [one["value"]]]
        for one in result
    }


def same(ours: Any, theirs: Any) -> None:
    """Both results have the same series, times, and values within a millionth."""
    a, b = cells(ours), cells(theirs)
    assert a.keys() == b.keys()
    for labels, points in b.items():
        assert [t for t, _ in a[labels]] == [t for t, _ in points]
        for (_, mine), (_, real) in zip(a[labels], points, strict=True):
            both_nan = math.isnan(mine) and math.isnan(real)
            assert both_nan or mine == real or math.isclose(mine, real, rel_tol=1e-6, abs_tol=1e-9), labels


@pytest.mark.parametrize("query", GOOD)
async def test_an_instant_query_gives_what_prometheus_gives(pair: Pair, query: str) -> None:
    """Same type, same series, same values."""
    ours, theirs = await ask(pair, "/api/v1/query", {"query": query, "time": f"{NOW - 60:.3f}"})
    assert ours[0] == theirs[0] == 200
    assert ours[1]["data"]["resultType"] == theirs[1]["data"]["resultType"]
    same(ours[1]["data"], theirs[1]["data"])


@pytest.mark.parametrize("query", [query for query in GOOD if not query.endswith("]") and not query.startswith('"')])
async def test_a_range_query_gives_what_prometheus_gives(pair: Pair, query: str) -> None:
    """Same series, same times, same values."""
    ours, theirs = await ask(pair, "/api/v1/query_range", {"query": query, **RANGE})
    assert ours[0] == theirs[0] == 200
    same(ours[1]["data"], theirs[1]["data"])


@pytest.mark.parametrize("query", ORDERED)
async def test_an_ordered_result_has_the_order_of_prometheus(pair: Pair, query: str) -> None:
    """The values come in the same order."""
    ours, theirs = await ask(pair, "/api/v1/query", {"query": query, "time": f"{NOW - 60:.3f}"})
    orders = [[one["value"][1] for one in body["data"]["result"]] for _, body in (ours, theirs)]
    assert orders[0] == orders[1]
    assert len(orders[0]) > 1


async def test_most_comparisons_compare_something(pair: Pair) -> None:
    """Queries with an empty answer are few: equal nothings prove little."""
    found = [await ask(pair, "/api/v1/query", {"query": query, "time": f"{NOW - 60:.3f}"}) for query in GOOD]
    empty = [query for query, (_, theirs) in zip(GOOD, found, strict=True) if not theirs[1]["data"]["result"]]
    assert len(empty) < len(GOOD) / 8, empty


@pytest.mark.parametrize("query", BAD)
async def test_a_bad_query_gives_the_error_that_prometheus_gives(pair: Pair, query: str) -> None:
    """Same status, same kind, same words."""
    ours, theirs = await ask(pair, "/api/v1/query", {"query": query, "time": f"{NOW - 60:.3f}"})
    assert theirs[0] >= 400
    assert ours == theirs


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/v1/query_range", {"query": "up", "start": "1", "end": "2"}),
        ("/api/v1/query_range", {"query": "up", "start": "1", "end": "2", "step": "0"}),
        ("/api/v1/query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}),
        ("/api/v1/query_range", {"query": "up", "start": "x", "end": "1", "step": "1"}),
        ("/api/v1/query_range", {"query": "up", "start": "0", "end": "11001", "step": "1"}),
        ("/api/v1/query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}),
        ("/api/v1/query_range", {"query": '"a"', "start": "0", "end": "1", "step": "1"}),
        ("/api/v1/query", {"query": "up", "time": "soon"}),
        ("/api/v1/query", {"query": "up", "timeout": "x"}),
        ("/api/v1/series", {}),
        ("/api/v1/series", {"match[]": "{}"}),
        ("/api/v1/labels", {"match[]": "up{"}),
        ("/api/v1/label/a-b/values", {}),
        ("/api/v1/rules", {"type": "x"}),
        ("/api/v1/metadata", {"limit": "x"}),
    ],
)
async def test_a_bad_parameter_gives_the_error_that_prometheus_gives(
    pair: Pair, path: str, params: dict[str, str]
) -> None:
    """Same status, same kind, same words."""
    ours, theirs = await ask(pair, path, params)
    assert theirs[0] >= 400
    assert ours == theirs


@pytest.mark.parametrize("match", ["up", 'db_pool_max{service="stock"}', '{service="mailer",__name__=~".*_bytes"}'])
async def test_series_labels_and_values_are_what_prometheus_lists(pair: Pair, match: str) -> None:
    """The searching endpoints list the same."""
    params = {"match[]": match, "start": f"{NOW - 3600:.0f}", "end": f"{NOW:.0f}"}
    for path in ("/api/v1/series", "/api/v1/labels", "/api/v1/label/instance/values"):
        ours, theirs = await ask(pair, path, params)
        assert ours == theirs
