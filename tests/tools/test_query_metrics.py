"""The tool that runs PromQL over the window."""

from datetime import datetime, timedelta

import pytest

from bot.domain.errors import BadArguments, SourceDown
from bot.domain.series import Metric, SeriesAnswer
from bot.domain.tools import Desk
from bot.tools.query_metrics import TOOL
from tests.sources.opened import opened
from tests.sources.recorded import GENERATIONS, Player, window
from tests.sources.served import Server
from tests.tools.stores import NOW, Store, desk, prometheus, series

RATE = 'sum by (service)(rate(http_requests_total{code=~"5.."}[1m]))'
CALM, JUMP = [10.0, 10.5] * 240, [1.0, 1.1] * 200 + [9.0] * 80


@pytest.mark.parametrize("pair", GENERATIONS)
async def test_recorded_servers(pair: tuple[str, str]) -> None:
    """From what a real server said: the services whose errors rose come first, with unit and moment."""
    async with Server(Player(*pair)) as server, opened("prometheus", server.url) as p:
        seen = window(pair[0])
        found = await TOOL.run(Desk(desk(p).sources, seen, seen.end), query=RATE)
    top = found.facts["series"][:3]
    assert {fact["service"] for fact in top} == {"payment", "checkout", "gateway"}
    assert all(fact["unit"] == "1/s" and fact["now"] > 5 * fact["before"] for fact in top)
    assert all(bool(fact["changed_at"]) == (pair[0] == "2.42") for fact in top)  # the other saw it only half a minute
    assert found.chart is not None
    assert found.chart.unit == "1/s"


async def test_a_jump_is_told_with_its_moment() -> None:
    """Now, before and when: for code as ISO in UTC, for people in the asker's zone; the baseline is asked too."""
    store = Store(held={RATE: (series(CALM, service="cart"), series(JUMP, service="pay"))})
    found = await TOOL.run(desk(prometheus(store), zone="Europe/Berlin"), query=RATE)
    first, second = found.facts["series"]
    assert (first["service"], second["service"]) == ("pay", "cart")
    assert (first["now"], first["before"]) == (9.0, pytest.approx(1.05, abs=0.06))
    assert datetime.fromisoformat(first["changed_at"]) == NOW - timedelta(seconds=79 * 15)
    assert second["changed_at"] == ""
    assert "service=pay: now 9/s, before 1/s" in found.text
    assert "changed at 12:40:15 CET" in found.text
    assert store.asked == [f"range {RATE} 7200"]


async def test_ten_that_matter() -> None:
    """Ten series are shown, the rest counted; all of them are kept as raw data; the chart has the ten."""
    rows = tuple(series(JUMP if n == 20 else CALM, service=f"s{n}") for n in range(30))
    found = await TOOL.run(desk(prometheus(Store(held={RATE: rows}))), query=RATE)
    assert (len(found.facts["series"]), found.facts["left_out"]) == (10, 20)
    assert found.facts["series"][0]["service"] == "s20"
    assert len(found.raw["series"]) == 30
    assert "20 more series changed less" in found.text
    assert found.chart is not None
    assert len(found.chart.series) == 10
    assert all(one.times[0] >= (NOW - timedelta(hours=1)).timestamp() for one in found.chart.series)


async def test_a_shorter_stretch() -> None:
    """With `minutes` the end of the window is looked at, against the minutes before it."""
    store = Store(held={RATE: (series(JUMP, service="pay"),)})
    found = await TOOL.run(desk(prometheus(store)), query=RATE, minutes=10)
    assert store.asked == [f"range {RATE} 1200"]
    assert "11:50–12:00" in found.text


async def test_now_is_now_in_a_long_window() -> None:
    """Where a day's step would leave out the last minutes, the value at the end is read as well."""
    early = series(CALM, NOW - timedelta(minutes=5), service="cart")
    gone = series(CALM, NOW - timedelta(hours=2), service="gone")

    class Long(Store):
        async def instant(self, query: str, at: datetime) -> SeriesAnswer:
            return SeriesAnswer((series([77.0], service="cart"),), query)

    found = await TOOL.run(desk(prometheus(Long(held={RATE: (early, gone)})), hours=24), query=RATE)
    now = {fact["service"]: fact["now"] for fact in found.facts["series"]}
    assert now == {"cart": 77.0, "gone": 10.5}


async def test_several_environments_are_kept_apart() -> None:
    """The same series from two environments are two, each with its place."""
    rows = {RATE: (series(CALM, service="cart"),)}
    here = (prometheus(Store(held=rows), "p1"), prometheus(Store(held=rows), "p2", "staging", "eu-2"))
    found = await TOOL.run(desk(*here), query=RATE)
    assert {fact["labels"]["env"] for fact in found.facts["series"]} == {"prod", "staging · eu-2"}
    assert found.env == "prod, staging · eu-2"
    assert (await TOOL.run(desk(*here), query=RATE, env="staging")).env == "staging · eu-2"


@pytest.mark.parametrize(
    ("query", "store", "missing", "words"),
    [
        ("reqs", Store(known=(Metric("requests_total"),)), True, "No metric is called reqs; near names: requests"),
        ("reqs_total", Store(), True, "No metric is called reqs_total, and none is near it"),
        ("a_b", Store(known=(Metric("a_b"),)), True, "a_b is known, but has no samples in this window"),
        ('a_b{c="1"}', Store(known=(Metric("a_b"),), sets=({"c": "2"},)), True, "There is a_b with c: 2."),
        ('a_b{c="2"} > 5', Store(known=(Metric("a_b"),), sets=({"c": "2"},)), False, "The condition holds for no"),
    ],
)  # fmt: skip
async def test_an_empty_result_says_why(query: str, store: Store, missing: bool, words: str) -> None:
    """A wrong name, a wrong label, a condition that does not hold read differently, and only gaps are missing."""
    found = await TOOL.run(desk(prometheus(store)), query=query)
    assert words in found.text
    assert bool(found.missing) is missing
    assert (found.facts["series"], found.chart, found.summary) == ([], None, "no data")


async def test_an_empty_result_without_a_search_is_still_told() -> None:
    """Where the server cannot say which metrics it has, the gap is named without a reason."""
    store = Store(error=SourceDown("no"), failing="metrics")
    found = await TOOL.run(desk(prometheus(store)), query="reqs_total")
    assert found.missing == ("prom has no data for this query.",)


async def test_warnings_and_dropped_series_are_passed_on() -> None:
    """What the server warned of is a note; what was dropped is missing."""
    store = Store(held={RATE: (series(CALM),)}, warnings=("2 values were NaN",), left_out=7)
    found = await TOOL.run(desk(prometheus(store)), query=RATE)
    assert "Note: prom: 2 values were NaN" in found.text
    assert found.missing == ("prom: 7 more series; aggregate or narrow the query",)


async def test_bad_promql_reaches_the_model() -> None:
    """A server's refusal of the query is the model's to mend."""
    with pytest.raises(BadArguments, match="parse error"):
        await TOOL.run(desk(prometheus(Store(error=BadArguments("prom: parse error")))), query="up{")
