"""The tool that finds the right metric."""

import pytest

from bot.domain.errors import SourceDown
from bot.domain.series import Metric
from bot.tools.find_metrics import SHOWN, TOOL
from tests.tools.stores import Store, desk, prometheus

PARTS = ("sum", "bucket", "count")


def histogram(base: str, parts: tuple[str, ...] = PARTS) -> tuple[Metric, ...]:
    """A histogram's parts, as a source lists them."""
    return tuple(Metric(f"{base}_{part}", "histogram", "How long.") for part in parts)


@pytest.mark.parametrize("order", [PARTS, PARTS[::-1], ("count", "sum")])
async def test_a_histogram_is_one_entry(order: tuple[str, ...]) -> None:
    """Of a histogram's parts the one that histogram_quantile takes is named, in whatever order they come."""
    store = Store(known=(*histogram("took_seconds", order), Metric("served_total", "counter")))
    found = await TOOL.run(desk(prometheus(store)), words="latency")
    best = "took_seconds_bucket" if "bucket" in order else "took_seconds_count"
    assert [row["name"] for row in found.facts["metrics"]] == [best, "served_total"]


async def test_labels_of_the_first_are_shown() -> None:
    """The best few come with their labels and some values, so that a selector can be written."""
    sets = tuple({"__name__": "x", "service": f"s{n}", "le": "1", "code": "200"} for n in range(8))
    store = Store(known=tuple(Metric(f"m{n}", "gauge", "About\n it.") for n in range(40)), sets=sets)
    found = await TOOL.run(desk(prometheus(store)), words="m")
    assert "m0 (gauge): About it. [code: 200; service: s0, s1, s2, s3, s4 and 3 more]" in found.text
    assert "m9 (gauge): About it.\n" in found.text
    assert len(found.facts["metrics"]) == SHOWN


async def test_labels_that_cannot_be_read_are_left_out() -> None:
    """A metric is told without its labels when the server will not list them."""
    store = Store(known=(Metric("m"),), error=SourceDown("no"), failing="label_sets")
    assert "m (unknown)\n" in (await TOOL.run(desk(prometheus(store)), words="m")).text + "\n"


async def test_nothing_found_in_one_of_two() -> None:
    """Each place has its own list; where nothing fits, that is said."""
    one, two = prometheus(Store(known=(Metric("m"),)), "p1"), prometheus(Store(), "p2", "staging")
    found = await TOOL.run(desk(one, two), words="m")
    assert found.missing == ("p2 has no metric like 'm'",)
    assert "1 metrics for 'm' (prod):" in found.text
    assert (await TOOL.run(desk(two), words="m")).summary == "no metric found"
