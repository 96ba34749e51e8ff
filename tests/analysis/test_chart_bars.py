"""Counts of log lines over time: what is new since the incident."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis._chart_style import ALARM, COLOURS, QUIET
from bot.analysis.bars import BARS, counted, rows, step_in_words
from bot.analysis.chart_words import alt_text
from bot.analysis.charts import draw
from bot.domain.evidence import Chart
from bot.domain.series import Series
from tests.analysis.chart_house import BEGAN, KINDS, LOGS, NOW, WINDOW, ZONES, T, picture, places, rgb


def test_every_entry_is_counted_once() -> None:
    """As many as came in the window, in round steps of which one begins with the incident."""
    new, known = rows(LOGS)
    assert (new.total, known.total) == (400, 1_200)
    assert BEGAN.timestamp() in new.times
    assert (new.step, len(new.times)) == (120, 60)
    assert (new.new, known.new) == (True, False)
    assert (new.before, new.first) == (0, BEGAN.timestamp())
    assert known.before == 800


def test_a_step_begins_with_the_incident() -> None:
    """Also at an odd moment: no step belongs to both sides of it."""
    began = BEGAN + timedelta(seconds=37)
    (one,) = counted("x", KINDS[:1], WINDOW, began).series
    assert began.timestamp() in one.times


def test_nothing_is_new_without_a_before() -> None:
    """Where the window begins with the incident, or none is known, nobody can say that a line is new."""
    assert not any(row.new for row in rows(counted("x", KINDS, WINDOW)))
    late = counted("x", KINDS, replace(WINDOW, start=BEGAN), BEGAN)
    assert not any(row.new for row in rows(late))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-100_000, 100_000), max_size=30), st.integers(1, 400_000), st.integers(-9_000, 9_000))
def test_counts_of_any_window(ages: list[int], length: int, began: int) -> None:
    """At most 64 round steps hold every entry of the window, whenever the incident began."""
    window = replace(WINDOW, start=NOW - timedelta(seconds=length))
    chart = counted("x", [("k", [T - age for age in ages])], window, NOW - timedelta(seconds=began))
    (one,) = chart.series
    assert sum(one.values) == sum(0 <= age <= length for age in ages)
    assert len(one.times) <= BARS


def test_new_lines_stand_out() -> None:
    """Amber for what is new, grey before the incident and blue after it for what was known, a red line between."""
    image = picture(LOGS)
    amber, blue, grey, red = (places(image, rgb(colour), 0) for colour in (*COLOURS[1::-1], QUIET, ALARM))
    (line,) = {x for x, y in red if sum((x, y + 5 * n) in red for n in range(10)) == 10 and (x + 1, y) in red} or {0}
    bars = [{x for x, y in found if all((x, y + n) in found for n in range(25))} for found in (amber, blue, grey)]
    assert min(bars[0]) > line
    assert min(bars[1]) > line
    assert max(bars[2]) < line
    assert not places(picture(replace(LOGS, series=LOGS.series[1:])), rgb(COLOURS[1]), 0)


def test_a_picture_as_high_as_its_rows() -> None:
    """Each row adds as much; after eight the others are counted."""
    heights = [picture(replace(LOGS, series=LOGS.series[1:] * count)).height for count in (1, 2, 8, 11)]
    assert heights[2] - heights[1] == pytest.approx(6 * (heights[1] - heights[0]), abs=3)
    assert heights[3] == heights[2]
    assert "3 more series are not drawn." in alt_text(replace(LOGS, series=LOGS.series[1:] * 11))


def test_alt_text_tells_what_is_new() -> None:
    """New kinds first, with when they came and when they were most; times in the zone."""
    assert alt_text(replace(LOGS, zones=ZONES), "Europe/Berlin") == (
        "Log lines, Tue 24 Nov 12:00–14:00 CET (11:00–13:00 UTC). Incident since 13:20. "
        "New since then: ERROR connect * refused: 400 from 13:20, most 24 in 2 min at 13:20. "
        "Not new: INFO order * accepted: 1,200, 800 of them before, most 20 in 2 min at 12:00. "
        "Shaded: 12:20–12:50 maintenance."
    )
    calm = replace(LOGS, series=LOGS.series[1:])
    assert "Nothing new since then." in alt_text(calm)
    assert "Seen: INFO order * accepted: 1,200, most 20" in alt_text(replace(calm, incident=None))


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (Chart("None", (), kind="bars"), "None: no data."),
        (Chart("Hollow", (Series({}, (), ()),), kind="bars"), "Hollow: no data."),
        (Chart("One", (Series({"t": "a"}, (T,), (3.0,)),), kind="bars"), "a: 3, most 3 in 1 min"),
        (Chart("Nought", (Series({"t": "a"}, (T, T + 60), (0.0, 0.0)),), kind="bars"), "a: none"),
        (Chart("Huge", (Series({"t": "a"}, (T, T + 60), (1e12, 2e15)),), kind="bars"), "a: 2,001,000,000,000,000"),
        (counted("Long", [("x" * 300, [T]), ("x" * 300 + "y", [T])], WINDOW, BEGAN), "x…x"),
    ],
)
def test_odd_bars(chart: Chart, said: str) -> None:
    """Nothing, one step, no count, far too many, names longer than the picture."""
    data, alt = draw(chart)
    assert data.startswith(b"\x89PNG")
    assert said in alt


def test_steps_in_words() -> None:
    """The largest unit that needs no fraction."""
    assert [step_in_words(step) for step in (60.0, 30.0, 90.0, 7_200.0, 86_400.0, 0.5)] == [
        "1 min", "30 s", "90 s", "2 h", "1 d", "0.5 s",
    ]  # fmt: skip
