"""Prometheus' JSON read into series."""

import json
from typing import Any

import pytest

from bot.domain.errors import SourceRefused
from bot.sources import _answers
from tests.sources.recorded import GENERATIONS, exchange


def read(name: str, generation: str = "3.5") -> Any:
    """A recorded answer as series."""
    return _answers.series("prom", name, json.loads(exchange("prometheus", generation, name)["body"]))


@pytest.mark.parametrize("generation", [pair[0] for pair in GENERATIONS])
def test_every_result_type_is_read(generation: str) -> None:
    """Vectors, matrices and scalars become series; a text becomes a note."""
    assert len(read("instant-up", generation).series) == 8
    assert len(read("instant-matrix", generation).series[0].values) == 5
    assert read("instant-empty", generation).series == ()
    text = read("instant-string", generation)
    assert text.series == ()
    assert "no number: 'text'" in text.warnings[0]


@pytest.mark.parametrize("name", ["instant-nan", "instant-inf", "range-nan"])
def test_what_is_no_number_is_dropped_and_counted(name: str) -> None:
    """NaN and infinities never become values; a note says how many were left out."""
    answer = read(name)
    assert all(value == value and abs(value) != float("inf") for one in answer.series for value in one.values)
    assert "NaN or infinite" in answer.warnings[-1]


def test_a_hole_keeps_times_and_values_together() -> None:
    """Of a series with one NaN the other samples stay at their times."""
    row = {"metric": {"a": "b"}, "values": [[10, "1"], [20, "NaN"], [30, "+Inf"], [40, "4"]]}
    body = {"status": "success", "data": {"resultType": "matrix", "result": [row]}}
    answer = _answers.series("prom", "q", body, 10)
    assert (answer.series[0].times, answer.series[0].values) == ((10, 40), (1.0, 4.0))
    assert answer.warnings == ("2 values were NaN or infinite (0/0, no data) and are left out",)


def test_the_servers_warnings_are_kept() -> None:
    """Warnings and infos of Prometheus 3 reach the reader."""
    assert "quantile value should be between 0 and 1" in read("warn-quantile").warnings[0]
    assert any("counter" in text for text in read("info-not-counter").warnings)


def test_native_histograms_are_told() -> None:
    """A native histogram has no plain value; the note says how to ask."""
    row = {"metric": {}, "histogram": [10, {"count": "3", "sum": "4"}]}
    answer = _answers.series("prom", "q", {"status": "success", "data": {"resultType": "vector", "result": [row]}})
    assert answer.series == ()
    assert "histogram_quantile" in answer.warnings[0]


def test_too_many_series_are_cut_and_counted() -> None:
    """Beyond a thousand series the rest is counted, not kept."""
    rows = [{"metric": {"n": str(n)}, "value": [1, "1"]} for n in range(_answers.MAX_SERIES + 7)]
    answer = _answers.series("prom", "q", {"status": "success", "data": {"resultType": "vector", "result": rows}})
    assert (len(answer.series), answer.left_out) == (_answers.MAX_SERIES, 7)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {"status": "error", "error": "no"},
        {"status": "success", "data": {"resultType": "tensor", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "1"]}]}},
        {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]}},
        {"status": "success", "data": {"resultType": "scalar", "result": [1, "one"]}},
        {"status": "success", "data": None},
    ],
)
def test_another_shape_is_refused(body: Any) -> None:
    """JSON that is not Prometheus' is told as such, whatever it is."""
    with pytest.raises(SourceRefused, match="Prometheus'"):
        _answers.series("prom", "q", body)
