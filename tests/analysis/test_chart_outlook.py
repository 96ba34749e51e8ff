"""A forecast in a chart: the fan, the threshold, when it is crossed; and what the words say of it."""

import math
import struct
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis._chart_fan import fan
from bot.analysis._chart_style import ALARM, QUIET
from bot.analysis.chart_words import PAST, alt_text, seen
from bot.analysis.charts import draw
from bot.domain.evidence import Chart
from bot.domain.forecasts import Breach, Forecast
from bot.domain.outcomes import decode, encode
from bot.domain.series import Series
from tests.analysis.chart_house import (
    AHEAD,
    BAND,
    BREACH,
    FAN,
    LOGS,
    NOW,
    OUTLOOK,
    RISING,
    ZONES,
    T,
    picture,
    places,
    rgb,
)

PLAIN = replace(OUTLOOK, forecast=None, breach=None, threshold=None)


def thick(chart: Chart) -> list[int]:
    """Columns right of the middle, below the head, where the alarm's colour is six pixels high: the crossing."""
    red = places(picture(chart), rgb(ALARM), 0)
    return sorted({x for x, y in red if x > 500 and y > 160 and all((x, y + down) in red for down in range(6))})


def test_the_band_is_shaded_from_now_on_only() -> None:
    """No forecast, no shade; with one it begins at the last sample and widens to the end."""
    assert len(places(picture(PLAIN), BAND)) < 200
    shaded = Counter(x for x, _ in places(picture(OUTLOOK), BAND))
    assert sum(shaded.values()) > 10_000
    upright = Counter(x for x, _ in places(picture(OUTLOOK), rgb(QUIET), 0))
    (now,) = {x for x, count in upright.items() if count > 300 and upright[x - 1] <= 300}
    tall = [x for x, count in shaded.items() if count > 15]
    assert now < min(tall) < now + 150
    assert shaded[max(tall) - 40] > 2 * shaded[min(tall) + 40]


def test_the_threshold_is_a_line_of_its_own() -> None:
    """Dashed over the whole width where there is one, also where only the breach names it."""
    bare = replace(OUTLOOK, breach=None)
    for chart in (bare, replace(OUTLOOK, threshold=None)):
        rows: dict[int, int] = {}
        for _, y in places(picture(chart), rgb(ALARM), 0):
            rows[y] = rows.get(y, 0) + 1
        assert max(rows.values()) > 300
    assert not places(picture(PLAIN), rgb(ALARM), 0)


def test_the_crossing_is_marked_from_earliest_to_latest() -> None:
    """A thick stretch on the threshold, as long as the interval; a later latest makes it longer by as much."""
    columns = thick(OUTLOOK)
    longer = thick(replace(OUTLOOK, breach=replace(BREACH, latest=T + 10_500)))
    assert columns[0] == longer[0]
    width = (columns[-1] - columns[0]) / (9_600 - 3_480)
    assert (longer[-1] - columns[-1]) / 900 == pytest.approx(width, rel=0.05)
    assert thick(replace(OUTLOOK, breach=None)) == []
    assert thick(replace(OUTLOOK, breach=Breach(0.9, "above", 10_800, 0.02))) == []


def test_the_incident_and_the_stretches_are_marked() -> None:
    """An upright line in the alarm's colour, and a shade as wide as its time."""
    began = places(picture(replace(PLAIN, incident=NOW - timedelta(minutes=60))), rgb(ALARM), 0)
    assert max(sum(x == at for x, _ in began) for at in {x for x, _ in began}) > 300
    shade = rgb(QUIET, 0.16)
    assert len(places(picture(PLAIN), shade, 1)) < 200
    columns = Counter(x for x, _ in places(picture(replace(PLAIN, zones=ZONES)), shade, 1))
    found = [x for x, count in columns.items() if count > 200]
    whole = picture(PLAIN).width
    assert 0.15 * whole < max(found) - min(found) < 0.3 * whole


def test_alt_text_says_when_the_threshold_is_crossed() -> None:
    """First what is to come, in the zone's time."""
    chart = replace(OUTLOOK, incident=NOW - timedelta(minutes=30), zones=ZONES)
    assert alt_text(chart, "Europe/Berlin") == (
        "Disk used on db-1, Tue 24 Nov 12:01–14:00 CET (11:01–13:00 UTC). "
        "Forecast: will cross 90 % at about 15:32 (14:58–16:40), probability .83; "
        "expected 96 % at 17:00 (80 % interval 83.4 % to 105 %). "
        "Incident since 13:30. "
        "value: 60 % to 77.8 %, changed at 12:32, highest 77.8 % at 14:00. "
        "Threshold 90 %, 0 of 1 series went above it. "
        "Shaded: 12:20–12:50 maintenance."
    )


@pytest.mark.parametrize(
    ("breach", "said"),
    [
        (replace(BREACH, probability=0.3), "may cross 90 % at about 14:32 (13:58–15:40), probability .30"),
        (replace(BREACH, probability=0.04), "not expected to cross 90 % before 16:00, probability .04"),
        (replace(BREACH, probability=1.0), "will cross 90 % at about 14:32 (13:58–15:40), probability >.99"),
        (replace(BREACH, earliest=None, latest=None), "will cross 90 % at about 14:32, probability .83"),
        (replace(BREACH, latest=T + 43_200), "at about 24 Nov 14:32 (24 Nov 13:58–25 Nov 01:00), probability"),
        (replace(BREACH, likely=T + 40_000, latest=T + 43_200), "at about 25 Nov 00:06 (24 Nov 13:58–25 Nov 01:00)"),
        (Breach(0.9, "above", 10_800, 0.0), "not expected to cross 90 % before 16:00, probability <.01"),
        (replace(BREACH, direction="below", threshold=0.5), "will fall below 50 % at about 14:32"),
        (replace(BREACH, threshold=0.7), "is above 70 % already"),
        (replace(BREACH, direction="below", threshold=0.8), "is below 80 % already"),
    ],
)
def test_how_sure_it_is(breach: Breach, said: str) -> None:
    """Will, may, or is not expected to; with the day where it is another one; already, where it is so."""
    chart = replace(OUTLOOK, breach=breach, threshold=None)
    assert said in alt_text(chart)
    assert draw(chart)[0].startswith(b"\x89PNG")


def test_below_counts_what_went_below() -> None:
    """A threshold that is fallen below is told as such."""
    chart = replace(OUTLOOK, threshold=0.65, breach=replace(BREACH, direction="below", threshold=0.65))
    assert "Threshold 65 %, 1 of 1 series went below it." in alt_text(chart)


def test_a_long_past_is_cut() -> None:
    """Of the time before the forecast four times its length are shown, in the picture and in words."""
    late = replace(FAN, times=AHEAD[:10], paths=tuple(path[:10] for path in FAN.paths))
    kept = seen(replace(OUTLOOK, forecast=late)).series[0]
    assert kept.times == RISING.times[-41:]
    assert T - kept.times[0] == PAST * 600
    assert ", Tue 24 Nov 12:20–13:00 UTC." in alt_text(replace(OUTLOOK, forecast=late))


def test_a_quantile_between_two() -> None:
    """Without the tenth and the ninth the paths between the known ones are taken, and the share is named for them."""
    told = Forecast((T + 60, T + 120), (0.25, 0.5, 0.75), ((1.0, 1.0), (2.0, 2.0), (4.0, 6.0)), 1)
    found = fan(replace(OUTLOOK, forecast=told))
    assert found
    assert (found.low.tolist(), found.high.tolist(), found.share) == ([1.0, 1.0], [4.0, 6.0], 50)
    whole = fan(replace(OUTLOOK, forecast=Forecast((T + 60,), (1.0, 0.0), ((1.0,), (0.0,)), 1)))
    assert whole
    assert (whole.low[0], whole.middle[0], whole.high[0]) == pytest.approx((0.1, 0.5, 0.9))
    late = replace(told, times=(T, T + 120), paths=((1.0, 1.0), (math.nan, 2.0), (4.0, 6.0)))
    kept = fan(replace(OUTLOOK, forecast=late))
    assert kept
    assert kept.times.tolist() == [T + 120]


@pytest.mark.parametrize(
    "told",
    [
        Forecast((), (), (), 0),
        Forecast((T - 60,), (0.5,), ((1.0,),), 0),
        Forecast((T + 60,), (0.5,), ((math.nan,),), 0),
        Forecast((T + 60,), (0.5,), ((math.inf,),), 0),
    ],
)
def test_a_forecast_that_says_nothing(told: Forecast) -> None:
    """No fan, and a chart all the same."""
    chart = replace(OUTLOOK, forecast=told)
    assert fan(chart) is None
    data, alt = draw(chart)
    assert data.startswith(b"\x89PNG")
    assert "expected 9" not in alt


def test_untested_forecasts_say_so() -> None:
    """Where there was too little history to look back, the words name it."""
    assert "from too little history to be tested" in alt_text(replace(OUTLOOK, forecast=replace(FAN, backtests=0)))


def test_the_first_series_is_drawn_in_any_case() -> None:
    """Its forecast would hang in the air, even where eight others moved more."""
    loud = tuple(replace(RISING, labels={"n": str(n)}, values=(0.0,) * 60 + (n + 1.0,) * 60) for n in range(9))
    chart = replace(OUTLOOK, series=(replace(RISING, labels={"n": "calm"}), *loud))
    assert places(picture(chart), BAND)
    assert "2 more series are not drawn." in alt_text(chart)
    assert "calm" in alt_text(chart)


@pytest.mark.parametrize("chart", [PLAIN, OUTLOOK, LOGS], ids=["lines", "fan", "bars"])
def test_the_same_chart_gives_the_same_bytes(chart: Chart) -> None:
    """Again, in four threads at once, and nothing but the picture inside: no time, no software."""
    data = draw(chart)[0]
    with ThreadPoolExecutor(4) as pool:
        assert {found for found, _ in pool.map(draw, [chart] * 8)} == {data}
    kinds, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(kinds) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_no_seed_moves_a_pixel() -> None:
    """Another process with other hashes draws the same bytes, and imports the library at the first chart only."""
    code = (
        "import sys; from hashlib import sha256; import bot.analysis.charts as c; "
        "assert 'matplotlib' not in sys.modules; "
        "from tests.analysis.chart_house import OUTLOOK, LOGS;"
        "print(sha256(c.draw(OUTLOOK)[0] + c.draw(LOGS)[0]).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert ran.stdout.strip() == sha256(draw(OUTLOOK)[0] + draw(LOGS)[0]).hexdigest()


def test_stored_charts_stay_readable() -> None:
    """What an earlier release wrote lacks the new fields; what this one writes comes back equal."""
    old = {"title": "t", "series": [], "unit": "s", "marks": [["2026-11-24T13:00:00Z", "x"]], "threshold": 1.0}
    assert decode(Chart, old) == Chart("t", (), "s", ((NOW, "x"),), 1.0)
    new = replace(OUTLOOK, incident=NOW, zones=ZONES)
    assert decode(Chart, encode(Chart, new)) == new


NUMBER = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(NUMBER, min_size=1, max_size=5),
    st.lists(st.tuples(NUMBER, NUMBER, NUMBER), max_size=6),
    st.floats(-1e299, 1e299),
    st.floats(0, 1),
    st.none() | st.floats(T - 1e6, T + 1e6),
    st.sampled_from(("above", "below")),
)
def test_any_forecast_can_be_drawn(
    past: list[float],
    paths: list[tuple[float, float, float]],
    bound: float,
    chance: float,
    likely: float | None,
    direction: str,
) -> None:
    """Whatever the fan holds, there is a picture and a text, and no warning."""
    series = Series({}, tuple(T - 60 * (len(past) - at) for at in range(len(past))), tuple(past))
    ahead = Forecast(
        tuple(T + 60 * at for at in range(len(paths))),
        (0.1, 0.5, 0.9),
        tuple(tuple(p[k] for p in paths) for k in range(3)),
        1,
    )
    breach = Breach(bound, "above" if direction == "above" else "below", 3_600.0, chance, likely, likely, likely)
    data, alt = draw(Chart("x", (series,), "bytes", forecast=ahead, breach=breach, zones=ZONES, incident=NOW))
    assert data.startswith(b"\x89PNG")
    assert alt
