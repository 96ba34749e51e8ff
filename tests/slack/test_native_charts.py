"""What Slack's own chart can say of a forecast and of counts, and what it leaves to a picture."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.slack.blocks import faults_of
from bot.domain.evidence import Chart
from bot.domain.forecasts import Breach, Forecast
from bot.domain.series import Series
from bot.slack.charts import block_of, sparklines

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
T = NOW.timestamp()
SEEN = Series({"host": "db-1"}, tuple(T - 60 * (119 - at) for at in range(120)), tuple(0.6 for _ in range(120)))
FAN = Forecast(
    tuple(T + 60 * at for at in range(1, 121)),
    (0.1, 0.5, 0.9),
    tuple(tuple(0.6 + slope * at for at in range(1, 121)) for slope in (-0.001, 0.0005, 0.002)),
    9,
)
CALM = Breach(0.9, "above", 7_200.0, 0.03)
CHART = Chart("Disk used", (SEEN,), "ratio", threshold=0.9, forecast=FAN, breach=CALM)


def count(name: str, step: float = 60.0, number: int = 60) -> Series:
    """Two in each step."""
    return Series({"level": name}, tuple(T + step * (at - number) for at in range(number)), (2.0,) * number)


BARS = Chart("Log lines", (count("ERROR"), count("WARN")), "count", kind="bars", incident=NOW - timedelta(minutes=20))


def test_a_fan_opens_from_the_last_sample() -> None:
    """One line up to now, then three; the moment is named, the threshold is flat, and Slack takes it."""
    block = block_of(CHART, "Europe/Berlin")
    assert block
    assert faults_of([block]) == []
    columns = {one["name"]: [point["value"] for point in one["data"]] for one in block["chart"]["series"]}
    assert list(columns) == ["seen, then expected", "low (10 %)", "high (90 %)", "threshold"]
    labels = block["chart"]["axis_config"]["categories"]
    now = labels.index("14:00 now") if "14:00 now" in labels else next(k for k, t in enumerate(labels) if "now" in t)
    middle, low, high, bound = columns.values()
    assert middle[: now + 1] == low[: now + 1] == high[: now + 1] == [60.0] * (now + 1)
    assert all(a < b < c for a, b, c in zip(low[now + 1 :], middle[now + 1 :], high[now + 1 :], strict=True))
    assert (high[-1], low[-1]) == (84.0, 48.0)
    assert set(bound) == {90.0}
    assert 8 <= now <= 11


@pytest.mark.parametrize(
    "chart",
    [
        replace(CHART, breach=Breach(0.9, "above", 7_200.0, 0.83, T + 60, T + 600, T + 900)),
        replace(CHART, series=(SEEN, replace(SEEN, labels={"host": "db-2"}))),
        replace(CHART, forecast=replace(FAN, levels=(0.1, 0.4, 0.9))),
        replace(CHART, forecast=Forecast((), (), (), 0)),
        replace(CHART, forecast=replace(FAN, paths=(*FAN.paths[:2], (float("nan"),) * 120))),
        replace(BARS, series=tuple(count(f"s{n}") for n in range(4))),
        replace(BARS, series=(count("connect to * refused by the server"),)),
        replace(BARS, series=(count("ERROR", number=1),)),
        replace(BARS, series=()),
    ],
    ids=["a crossing", "two series", "no median", "empty", "not finite", "four kinds", "long", "one step", "none"],
)
def test_what_only_a_picture_can_say(chart: Chart) -> None:
    """A crossing with its interval, a fan among other lines, many kinds: no block."""
    assert block_of(chart) is None
    assert sparklines(chart)


def test_bars_add_neighbouring_steps_up() -> None:
    """Sixty minutes become twenty categories of three; none is lost, and the incident's is named."""
    block = block_of(BARS)
    assert block
    assert faults_of([block]) == []
    assert block["chart"]["type"] == "bar"
    assert [one["name"] for one in block["chart"]["series"]] == ["ERROR", "WARN"]
    assert all(sum(point["value"] for point in one["data"]) == 120 for one in block["chart"]["series"])
    axis = block["chart"]["axis_config"]
    assert (len(axis["categories"]), axis["y_label"]) == (20, "per 3 min")
    assert [label for label in axis["categories"] if "incident" in label] == ["12:39 incident"]


def test_long_names_keep_both_ends() -> None:
    """Pods differ at the end."""
    pods = tuple(replace(SEEN, labels={"pod": f"checkout-7c9f8d6b5-{end}"}) for end in ("x7abc", "y8def"))
    block = block_of(Chart("p99", pods))
    assert block
    assert [one["name"] for one in block["chart"]["series"]] == ["checkout-7…6b5-x7abc", "checkout-7…6b5-y8def"]
