"""The tool that draws a query over the window."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.analysis.charts import draw
from bot.domain.alerts import Change
from bot.domain.errors import BadArguments, SourceDown
from bot.tools.chart import PATIENCE, TOOL
from tests.tools.stores import NOW, Store, desk, prometheus, series

QUERY = 'sum by (service)(rate(http_requests_total{code=~"5.."}[1m]))'
CALM, JUMP = [10.0, 10.5] * 240, [1.0, 1.1] * 200 + [9.0] * 80
DEPLOY = Change(NOW - timedelta(minutes=21), "payment v2.3.1 → v2.4.0", "payment")


async def test_a_chart_of_the_window() -> None:
    """The window alone is drawn, the one that jumped first, under the given title; the text tells the same."""
    store = Store(held={QUERY: (series(CALM, service="cart"), series(JUMP, service="pay"))})
    found = await TOOL.run(desk(prometheus(store), zone="Europe/Berlin"), query=QUERY, title="Errors")
    assert found.chart is not None
    assert (found.chart.title, found.chart.unit) == ("Errors", "1/s")
    assert [one.labels["service"] for one in found.chart.series] == ["pay", "cart"]
    assert all(one.times[0] >= (NOW - timedelta(hours=1)).timestamp() for one in found.chart.series)
    assert "service=pay: now 9/s, before 1/s" in found.text
    assert "changed at 12:40:15 CET" in found.summary
    assert draw(found.chart)[1].startswith("Errors, Mon 23 Nov 11:00–12:00 UTC. pay: ")


async def test_deploys_are_marked() -> None:
    """Deploys of the window stand in the chart beside the moment of change; other changes and older ones do not."""
    others = (Change(NOW, "pod started", kind="restart"), Change(NOW - timedelta(hours=3), "cart v1 → v2", "cart"))
    store = Store(held={QUERY: (series(JUMP, service="pay"),)}, changed=(*others, DEPLOY))
    found = await TOOL.run(desk(prometheus(store)), query=QUERY)
    assert found.chart is not None
    assert [text for _, text in found.chart.marks] == ["payment v2.3.1 → v2.4.0", "changed"]
    assert "Marked: 11:39:00 UTC payment v2.3.1 → v2.4.0" in found.text


@pytest.mark.parametrize("trouble", [SourceDown("changes are down"), None])
async def test_a_chart_without_deploys(trouble: SourceDown | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the deploys cannot be had, or not in time, the chart is drawn all the same and says so."""
    monkeypatch.setattr("bot.tools.chart.PATIENCE", 0.05 if trouble is None else PATIENCE)
    metrics = replace(prometheus(Store(held={QUERY: (series(JUMP, service="pay"),)})), changes=None)
    late = Store(error=trouble, failing="changes", delay=0 if trouble else 2)
    only = desk(metrics, replace(prometheus(late, "deploys"), series=None))
    found = await TOOL.run(only, query=QUERY)
    assert found.chart is not None
    assert [text for _, text in found.chart.marks] == ["changed"]
    assert found.missing[0].startswith("deploys are not marked: ")


async def test_nothing_to_draw() -> None:
    """No data gives no chart, and says what is missing."""
    found = await TOOL.run(desk(prometheus(Store())), query="up == 0")
    assert found.chart is None
    assert found.summary == "no data"
    assert found.missing == ("prom has no data for this query. No metric is called up, and none is near it.",)


async def test_many_series() -> None:
    """The text tells of eight; the chart knows of more, so that the picture can count them."""
    rows = tuple(series(JUMP if n == 20 else CALM, service=f"s{n}") for n in range(25))
    found = await TOOL.run(desk(prometheus(Store(held={QUERY: rows}))), query=QUERY)
    assert found.chart is not None
    assert (len(found.facts["series"]), found.facts["left_out"], len(found.chart.series)) == (8, 17, 25)
    assert found.chart.series[0].labels["service"] == "s20"
    assert "17 more series are not drawn." in draw(found.chart)[1]


async def test_an_environment_that_is_none() -> None:
    """The model is told to correct its call."""
    with pytest.raises(BadArguments, match="'nowhere'"):
        await TOOL.run(desk(prometheus(Store())), query=QUERY, env="nowhere")


def test_the_schema() -> None:
    """A query is all the model must give."""
    assert (TOOL.name, TOOL.role, TOOL.need) == ("chart", "chart", "series")
    assert TOOL.schema["required"] == ["query"]
    assert set(TOOL.schema["properties"]) == {"query", "title", "env"}
