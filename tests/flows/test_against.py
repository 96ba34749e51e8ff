"""What was read off is held against the one metric that its words name, or against nothing."""

from datetime import timedelta

import pytest

from bot.check.known import Known
from bot.check.numbers import check_numbers
from bot.domain.errors import BadArguments, SourceDown
from bot.domain.evidence import Evidence
from bot.domain.series import Metric, Series
from bot.flows.against import Compared, compare, readings
from bot.flows.naming import implied, is_explained, is_whole, labels_named, named, query_of
from bot.flows.panels import Line, Panel, Point, Seen
from tests.tools.stores import NOW, Store, desk, prometheus

DEPTH = Metric("payment_queue_depth", "gauge")
LATENCY = Metric("http_request_duration_seconds_bucket", "histogram")
TOTAL = Metric("http_requests_total", "counter")
P99 = 'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{service="cart"}[5m])))'


def flat(value: float, **labels: str) -> Series:
    """A series of one value over the last hour."""
    times = tuple(NOW.timestamp() - 15.0 * n for n in reversed(range(241)))
    return Series(labels, times, (value,) * len(times))


def seen(*points: tuple[str, float], title: str = "Payment queue depth", unit: str = "", **more: str) -> Seen:
    """One panel with one series."""
    line = Line(more.pop("name", ""), tuple(Point(value, at) for at, value in points))
    return Seen((Panel(title, "line", unit, series=(line,), query=more.get("query", "")),))


async def checked(store: Store, what: Seen, zone: str = "UTC") -> Compared:
    """What the check says over one Prometheus."""
    return await compare(what, desk(prometheus(store), zone=zone))


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        ("Payment queue depth", DEPTH),
        ("payment_queue_depth", DEPTH),
        ("payments: queue", None),
        ("HTTP request latency p99 cart", LATENCY),
        ("HTTP requests per second", TOTAL),
        ("http_requests_total and payment_queue_depth", None),
        ("CPU", None),
        ("", None),
    ],
)
def test_one_metric_is_named_or_none(words: str, metric: Metric | None) -> None:
    """Every telling word of its name is said, and no other metric is named as well."""
    assert named((DEPTH, LATENCY, TOTAL, Metric("up", "gauge")), words) == metric


@pytest.mark.parametrize(
    ("title", "name", "labels", "fits"),
    [
        ("Checkout p99 latency", "checkout", {"service": "checkout"}, True),
        ("Latency (99th percentile)", "cart", {"service": "cart"}, True),
        ("Postgres query latency p99", "p99", {}, False),
        ("cart query latency p99", "cart", {"service": "cart"}, False),
        ("p99 latency", "all", {}, False),
    ],
)
def test_what_goes_without_saying(title: str, name: str, labels: dict[str, str], fits: bool) -> None:
    """A latency is that of requests where a label tells whose, and nothing else is said."""
    found = (DEPTH, LATENCY, TOTAL, Metric("http_client_request_duration_seconds_bucket", "histogram"))
    assert implied(found, f"{title} {name}") == LATENCY
    assert is_explained(title, name, "http_request_duration_seconds", labels) is fits


async def test_the_usual_panel_is_checked() -> None:
    """As Grafana shows it: title in words, the service in the legend; another thing's latency is not taken for it."""
    store = Store(known=(LATENCY, TOTAL), sets=({"service": "cart"}, {"service": "b"}), held={P99: (flat(0.4),)})
    found = await checked(store, seen(("", 4.1), title="p99 latency", name="cart", unit="s"))
    assert [row["agrees"] for row in found.rows] == [False]
    assert (await checked(store, seen(("", 4.1), title="Postgres p99 latency", name="cart", unit="s"))).rows == ()


def test_labels_are_those_whose_value_is_said() -> None:
    """In the legend before the title; where two values of a label are said, neither counts."""
    sets = [{"service": s, "code": c} for s in ("cart", "mailer") for c in ("200", "500")]
    assert labels_named(sets, "cart", "mailer requests") == {"service": "cart"}
    assert labels_named(sets, "", "mailer 500") == {"service": "mailer", "code": "500"}
    assert labels_named(sets, "", "cart and mailer") == {}


def test_a_part_is_not_the_whole() -> None:
    """Errors are not held against all requests, nor a series that no label tells against the sum of all."""
    assert not is_whole("HTTP requests errors", "cart", "http_requests_total", {"service": "cart"})
    assert is_whole("HTTP requests", "500", "http_requests_total", {"code": "500"})
    assert not is_whole("HTTP requests", "basket", "http_requests_total", {})
    assert is_whole("HTTP requests", "total", "http_requests_total", {})
    assert is_whole("Payment queue depth", "depth", "payment_queue_depth", {})
    assert not is_whole("Queue depth", "orders", "queue_depth", {})


def test_the_usual_query() -> None:
    """By type; a histogram only where the words say which quantile, or the mean."""
    cart = {"service": "cart"}
    assert query_of(DEPTH, "", {}) == "payment_queue_depth"
    assert query_of(TOTAL, "", cart) == 'sum(rate(http_requests_total{service="cart"}[5m]))'
    assert query_of(LATENCY, "p99", cart) == query_of(LATENCY, "99th percentile", cart) == P99
    assert query_of(LATENCY, "latency", cart) == ""
    assert query_of(LATENCY, "mean latency", {}) == (
        "sum(rate(http_request_duration_seconds_sum[5m])) / sum(rate(http_request_duration_seconds_count[5m]))"
    )


async def test_agreement_and_disagreement() -> None:
    """Within what an axis lets one read they agree, and only then does the picture's number stand in the facts."""
    store = Store(known=(DEPTH,), held={"payment_queue_depth": (flat(40.0),)})
    agrees = await checked(store, seen(("11:58", 43.0)))
    assert agrees.rows[0]["agrees"]
    assert (agrees.rows[0]["measured"], agrees.rows[0].get("picture")) == (40.0, 43.0)
    differs = await checked(store, seen(("11:58", 410.0)))
    assert "picture" not in differs.rows[0]
    said = "Checked “Payment queue depth”: the picture says about 410 at 11:58 UTC, prom says 40: they do not agree"
    assert differs.lines == (f"{said} (payment_queue_depth)",)
    assert agrees.short == "1 of 1 values checked agree with metrics"
    assert differs.short == (
        "0 of 1 values checked agree with metrics; “Payment queue depth”: the picture says about 410 at 11:58 UTC, "
        "prom says 40"
    )


async def test_units_are_brought_together() -> None:
    """Milliseconds on the axis, seconds in the metric."""
    store = Store(known=(LATENCY,), sets=({"service": "cart"}, {"service": "b"}), held={P99: (flat(0.4),)})
    found = await checked(store, seen(("11:58", 412.0), title="HTTP request latency p99", name="cart", unit="ms"))
    assert (found.rows[0]["agrees"], found.rows[0]["unit"]) == (True, "seconds")
    assert found.rows[0].get("picture") == pytest.approx(0.412)


async def test_times_are_the_askers_or_utc() -> None:
    """A browser shows its own zone; the one in which it agrees is taken."""
    rising = flat(1.0)
    values = tuple(100.0 if NOW.timestamp() - at < 900 else 1.0 for at in rising.times)
    store = Store(known=(DEPTH,), held={"payment_queue_depth": (Series({}, rising.times, values),)})
    here = await checked(store, seen(("12:58", 100.0)), "Europe/Berlin")
    utc = await checked(store, seen(("11:58", 100.0)), "Europe/Berlin")
    assert here.rows[0]["at"] == utc.rows[0]["at"] == (NOW - timedelta(minutes=2)).isoformat()
    assert here.rows[0]["agrees"]
    assert utc.rows[0]["agrees"]


@pytest.mark.parametrize("at", ["25:00", "noon", "11/22 11:58", "2026-11-20 11:58"])
async def test_a_time_that_is_not_known_is_not_checked(at: str) -> None:
    """No time of day, another day, a day that cannot be told: nothing is said."""
    store = Store(known=(DEPTH,), held={"payment_queue_depth": (flat(40.0),)})
    assert (await checked(store, seen((at, 40.0)))).rows == ()


async def test_the_query_in_the_picture_comes_first() -> None:
    """And where the source will not have it, the words do."""
    store = Store(known=(DEPTH,), held={"a_metric": (flat(7.0),), "payment_queue_depth": (flat(40.0),)})
    assert (await checked(store, seen(("", 7.0), query="a_metric"))).rows[0]["query"] == "a_metric"
    store.error, store.failing = BadArguments("no such function"), "range rat("
    assert (await checked(store, seen(("", 40.0), query="rat("))).rows[0]["query"] == "payment_queue_depth"


async def test_one_of_several_series_by_its_legend() -> None:
    """And none where the legend tells no label's value."""
    held = {"payment_queue_depth": (flat(1.0, pod="a"), flat(2.0, pod="b"))}
    store = Store(known=(DEPTH,), held=held)
    query = "payment_queue_depth"
    assert (await checked(store, seen(("", 2.0), name="pod b", query=query))).rows[0]["measured"] == 2.0
    assert (await checked(store, seen(("", 2.0), name="pods", query=query))).rows == ()


@pytest.mark.parametrize(
    ("value", "written", "unit", "meant"),
    [
        (4.0, "ms", "seconds", (0.004,)),
        (35.0, "%", "ratio", (0.35,)),
        (35.0, "%", "", (0.35, 35.0)),
        (2.0, "MB", "bytes", (2e6, 2.0 * 1024**2)),
        (2.0, "MB/s", "1/s", (2e6, 2.0 * 1024**2)),
        (2.0, "req/s", "1/s", (2.0,)),
        (2.0, "rps", "1/s", (2.0,)),
        (2.0, "ms", "1/s", ()),
        (2.0, "Mbit/s", "1/s", ()),
        (2.0, "s", "bytes", ()),
    ],
)
def test_what_a_value_may_mean(value: float, written: str, unit: str, meant: tuple[float, ...]) -> None:
    """Where the units do not go together it means nothing, and nothing is said."""
    assert sorted(set(readings(value, written, unit))) == pytest.approx(sorted(meant))


@pytest.mark.parametrize("delay", [0.0, 5.0])
async def test_metrics_that_do_not_answer(delay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is down or slow leaves the picture unchecked, in words."""
    monkeypatch.setattr("bot.flows.against.SECONDS", 0.05)
    store = Store(known=(DEPTH,), error=SourceDown("down"), delay=delay)
    found = await checked(store, seen(("", 40.0)))
    assert found.rows == ()
    assert found.lines[0].startswith("Not checked: ")
    assert found.short == "not checked"


def test_numbers_of_a_picture_back_nothing() -> None:
    """Neither text nor facts, but what was measured, and what agreed with it."""
    window = desk().window
    row = {"series": "cart", "at": NOW.isoformat(), "measured": 0.4, "unit": "seconds", "agrees": False}
    facts = {"picture": {"panels": [{"value": 4.1}]}, "checked": [row]}
    item = Evidence("E1", "f", "picture", "screenshot", "", "a", window, "4.1 s", "about 4.1 s at 11:58", facts)
    assert check_numbers("4.1 s in the picture, 0.4 s measured", [item]).unbacked == ("4.1 s",)
    item.facts["checked"].append({"measured": 4.0, "picture": 4.1, "unit": "seconds", "agrees": True})
    assert check_numbers("4.1 s in the picture, 4 s measured", [item]).unbacked == ()
    assert (
        Known([Evidence("E1", "f", "picture", "s", "", "7", window, "7", "7", {"picture": {}})])._values["any"] == set()
    )
