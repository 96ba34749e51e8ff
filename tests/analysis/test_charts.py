"""Charts as pictures and as words."""

import io
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from bot.analysis._chart_names import names, shortened
from bot.analysis._chart_style import ALARM, COLOURS, PAPER, apart
from bot.analysis.axes import broken, clocks, limits, moments, scale, ticks
from bot.analysis.chart_words import alt_text, facts, picked
from bot.analysis.charts import Plot, draw
from bot.domain.evidence import Chart
from bot.domain.series import Series

END = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
CALM, JUMP = [0.004, 0.005] * 60, [0.004, 0.005] * 40 + [0.35, 0.36] * 20


def line(values: list[float], step: float = 30, **labels: str) -> Series:
    """A series that ends at 15:00 UTC."""
    end = END.timestamp()
    return Series(labels, tuple(end - step * (len(values) - 1 - at) for at in range(len(values))), tuple(values))


def picture(chart: Chart) -> Image.Image:
    """The PNG, decoded."""
    with Image.open(io.BytesIO(draw(chart)[0])) as image:
        return image.convert("RGB")


def colours(chart: Chart) -> set[str]:
    """The colours that fill at least fifty pixels."""
    counted = picture(chart).getcolors(1 << 20) or []
    return {f"#{red:02x}{green:02x}{blue:02x}" for count, (red, green, blue) in counted if count >= 50}  # type: ignore[misc]


def test_a_picture_for_a_phone() -> None:
    """A wide picture on its own dark paper, each line in its own colour, the threshold in red; small enough to send."""
    chart = Chart("Errors", (line(JUMP, service="pay"), line(CALM, service="cart")), "ratio", (), 0.05)
    image = picture(chart)
    assert image.size == (1248, 792)
    assert image.getpixel((2, 2)) == tuple(bytes.fromhex(PAPER[1:]))
    assert {*COLOURS[:2], ALARM} <= colours(chart)
    assert COLOURS[2] not in colours(chart)
    assert len(draw(chart)[0]) < 300_000


def test_no_line_hides_behind_a_name() -> None:
    """The names stand right of the lines: where a line ends there is paper, then its name in the same colour."""
    image = picture(Chart("Queue", (line([5.0] * 50, queue="a-rather-long-queue-name"),), "count"))
    colour = tuple(bytes.fromhex(COLOURS[0][1:]))
    columns = sorted({x for x in range(image.width) for y in range(image.height) if image.getpixel((x, y)) == colour})
    gaps = [(a, b) for a, b in pairwise(columns) if b - a > 12]
    assert len(gaps) == 1
    assert columns[-1] < image.width - 5
    assert gaps[0][0] > image.width / 2


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (Chart("Empty", ()), "Empty: no data."),
        (Chart("Hollow", (Series({}, (), ()),)), "Hollow: no data."),
        (Chart("One", (line([812.0], queue="q"),), "count"), "q one sample, 812."),
        (Chart("Flat", (line([3.0] * 20),), "count"), "value flat at 3."),
        (Chart("Endless", (line([1.0, math.inf, 2.0]),)), "value 2, between 1 and 2"),
        (Chart("Tiny", (line([1e-9, 2e-9] * 9),), "seconds"), "between 1e-06 ms and 2e-06 ms"),
        (Chart("$x^2$ \\frac 日本 \n 🔥", (line([-5.0, 5.0]),), "°"), "between -5 ° and 5 °"),
        (Chart("Vast", (line([-1e299, 1e299, 1e308]),)), "between -1"),
        (Chart("Scant", (line([0.0, 5e-324]),)), "value flat at 0."),
        (Chart("Years", (line([1.0, 2.0] * 20, step=86_400 * 40),)), "Wed 17 Aug"),
        (Chart("Long " * 60, tuple(line([float(n)] * 9, pod="p" * 50 + str(n)) for n in range(30))), "22 more series"),
        (Chart("Marks", (line(JUMP),), "", ((END - timedelta(days=9), "old"),)), "old"),
    ],
    ids=lambda value: value.title[:8] if isinstance(value, Chart) else "",
)
def test_odd_charts(chart: Chart, said: str) -> None:
    """Nothing, one point, a flat line, infinities, letters the font lacks: a picture and words all the same."""
    data, alt = draw(chart)
    assert data.startswith(b"\x89PNG")
    assert said in alt


def test_alt_text_tells_what_is_seen() -> None:
    """Those that changed come first with from, to and when; then the threshold, the marks, and who stayed calm."""
    marks = ((datetime(2026, 11, 24, 14, 39, tzinfo=UTC), "payment v2.3.1 → v2.4.0"),)
    chart = Chart("Error share", (line(CALM, service="cart"), line(JUMP, service="pay")), "ratio", marks, 0.05)
    assert alt_text(chart) == (
        "Error share, Tue 24 Nov 14:00–15:00 UTC. "
        "pay: 0.4 % to 36 %, changed at 14:40, highest 36 % at 14:41. "
        "Threshold 5 %, 1 of 2 series went above it. Marked: 14:39 payment v2.3.1 → v2.4.0. "
        "No lasting change: cart 0.5 %, between 0.4 % and 0.5 %."
    )


def test_a_fall_is_told_by_its_lowest() -> None:
    """In a chart of several days the moments have their day."""
    values = [100.0, 101.0] * 40 + [2.0] * 30 + [3.0] * 10
    said = alt_text(Chart("Traffic", (line(values, step=3_600, service="web"),), "1/s"))
    assert "web: 100 per s to 3 per s, changed at 23 Nov 00:00, lowest 2 per s at 23 Nov 00:00." in said


def test_eight_lines_at_the_most() -> None:
    """Of twelve series the eight that moved are drawn, in the order given; the others are counted."""
    series = tuple(line(JUMP if n == 11 else [1.0 + n / 100] * 120, service=f"s{n}") for n in range(12))
    chart = Chart("Many", series)
    shown = [one.labels["service"] for one, _ in picked(facts(chart))]
    assert len(shown) == 8
    assert shown[-1] == "s11"
    assert "4 more series are not drawn." in alt_text(chart)
    assert set(COLOURS) <= colours(chart)


def test_names() -> None:
    """What tells the series apart; too long ones keep both ends; no two are alike."""
    pods = [Series({"job": "x", "pod": f"payment-service-7d9f8c6b5-{end}"}, (), ()) for end in ("abcde", "fghij")]
    assert names(pods) == ["payment-ser…c6b5-abcde", "payment-ser…c6b5-fghij"]
    twins = [Series({"service": "a" * 40 + str(n) + "b" * 40}, (), ()) for n in range(2)]
    assert names(twins) == [shortened("a" * 40 + "b" * 40), f"{shortened('a' * 40 + 'b' * 40, 19)} 2"]
    assert names([Series({"__name__": "up"}, (), ())]) == ["up"]


@pytest.mark.parametrize(
    ("unit", "largest", "label"),
    [
        ("seconds", 0.25, "250 ms"),
        ("seconds", 1.5, "1.5 s"),
        ("seconds", 4e-5, "40 µs"),
        ("seconds", 1_800, "30 min"),
        ("seconds", 36_000, "10 h"),
        ("bytes", 3 * 2**29, "1.5 GiB"),
        ("bytes", 5 * 2**20, "5 MiB"),
        ("bytes", 12, "12 B"),
        ("ratio", 0.35, "35 %"),
        ("1/s", 480, "480 /s"),
        ("1/s", 52_000, "52 k/s"),
        ("count", 2_500_000, "2.5 M"),
        ("°C", 21, "21 °C"),
        ("", 7, "7"),
    ],
)
def test_units(unit: str, largest: float, label: str) -> None:
    """An axis is labelled in the unit in which its largest value reads well; zero needs none."""
    found = scale(unit, largest)
    assert found.tick(largest / found.size) == label
    assert found.tick(0.0) == "0"


def test_limits() -> None:
    """From zero unless that flattens the lines; a threshold far away does not flatten them either."""
    assert limits([2.0, 10.0], None) == pytest.approx((0.0, 10.8))
    assert limits([99.0, 100.0], None)[0] > 98
    assert limits([1.0, 2.0], 4.0)[1] > 4
    assert limits([1.0, 2.0], 400.0)[1] < 3
    assert limits([0.0, 0.0], None) == (-1.0, 1.0)
    assert limits([], None) == (0.0, 1.0)


def test_ticks_and_clocks() -> None:
    """Round values; round moments, with the day where a new one begins."""
    assert ticks(0, 0.38) == [0, 0.1, 0.2, 0.3]
    assert ticks(-1, 1) == [-1, -0.5, 0, 0.5, 1]
    night = datetime(2026, 11, 24, 20, tzinfo=UTC).timestamp()
    assert clocks(moments(night, night + 8 * 3_600), 2) == ["20:00\n24 Nov", "22:00", "00:00\n25 Nov", "02:00", "04:00"]
    assert clocks(moments(night, night + 60), 1)[1] == "20:00:15"
    assert clocks(moments(night, night + 9 * 86_400), 10)[0] == "25 Nov"


def test_a_line_is_broken_where_samples_lack() -> None:
    """Between two samples far apart stands a gap, not a straight line."""
    times, values = broken(Series({}, (0.0, 10.0, 20.0, 200.0, 210.0), (1.0, 2.0, 3.0, 4.0, 5.0)))
    assert times.tolist() == [0, 10, 20, 110, 200, 210]
    assert [math.isnan(value) for value in values] == [False, False, False, True, False, False]


@given(st.lists(st.floats(0, 1), max_size=8))
def test_names_do_not_overlap(wanted: list[float]) -> None:
    """Names are moved apart, stay in their order and inside the frame."""
    placed = apart(sorted(wanted), 0.1, 0.9, 0.058)
    assert all(b - a > 0.057 for a, b in pairwise(placed))
    assert all(0.09 < at <= 0.9 for at in placed)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.floats(allow_nan=False)), max_size=12, unique_by=lambda pair: pair[0]),
    st.sampled_from(("seconds", "bytes", "ratio", "1/s", "count", "", "furlongs")),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=80),
)
def test_any_chart_can_be_drawn(
    points: list[tuple[int, float]], unit: str, threshold: float | None, title: str
) -> None:
    """Whatever a source sends, there is a picture and a text, and no warning."""
    points = sorted(points)
    one = Series({"a": title}, tuple(float(at) for at, _ in points), tuple(value for _, value in points))
    data, alt = draw(Chart(title, (one,), unit, ((END, title),), threshold))
    assert data.startswith(b"\x89PNG")
    assert alt


def test_moments_are_round_where_the_reader_is() -> None:
    """Half an hour off UTC the labels are full hours all the same; on the axis too."""
    zone = ZoneInfo("Asia/Kolkata")
    start = END.timestamp() - 5 * 3_600
    assert clocks(moments(start, start + 4 * 3_600, zone), 1, zone) == ["16:00", "17:00", "18:00", "19:00"]
    figure = Figure(figsize=(5.2, 3.3), dpi=100)
    plot = Plot(figure, Chart("x", (line([1.0, 2.0] * 240),)), "Asia/Kolkata")
    plot.paint()
    assert {at % 3_600 for at in plot.axes.get_xticks()} == {1_800}


@pytest.mark.parametrize("unit", ["bytes/s", "furlongs", "ratio"])
def test_nothing_is_cut_at_the_edges(unit: str) -> None:
    """The last moment's label and the longest value have room inside the picture."""
    image = picture(Chart("x", (line([1.0, 98_765.0] * 61, step=60),), unit))
    paper = tuple(bytes.fromhex(PAPER[1:]))
    assert {image.getpixel((x % image.width, y)) for x in range(-8, 8) for y in range(image.height)} == {paper}
