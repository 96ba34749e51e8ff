"""Series on one axis."""

import numpy as np

from bot.analysis.frames import Axis, Segment, ratio, rows, total
from bot.domain.series import Series

TWO = Axis((Segment(0, 30, 10, 60), Segment(40, 44, 1, 5)))


def test_an_axis_is_coarse_then_fine() -> None:
    """Points of both stretches, each with the seconds it stands for."""
    assert TWO.times.tolist() == [0, 10, 20, 30, 40, 41, 42, 43, 44]
    assert TWO.spans.tolist() == [10] * 4 + [1] * 5
    assert TWO.resolution == 1
    assert TWO.segments[0].window.seconds == 30


def test_answers_of_both_stretches_become_one_row() -> None:
    """A missing sample is NaN; one that lies between two points is left out."""
    old = Series({"a": "1"}, (0.0, 20.0, 25.0), (1.0, 3.0, 9.0))
    new = Series({"a": "1"}, (40.0, 44.0), (5.0, 6.0))
    (row,) = rows(TWO, ([old], [new]))
    assert np.array_equal(row.values, [1, np.nan, 3, np.nan, 5, np.nan, np.nan, np.nan, 6], equal_nan=True)


def test_sums_and_ratios_keep_gaps() -> None:
    """What all rows lack is missing; nothing is divided by nothing."""
    summed = total([np.array([1.0, np.nan, np.nan]), np.array([2.0, 5.0, np.nan])], 3)
    assert np.array_equal(summed, [3, 5, np.nan], equal_nan=True)
    assert np.array_equal(ratio(summed, np.array([2.0, 0.0, 1.0])), [1.5, np.nan, np.nan], equal_nan=True)
    assert np.isnan(total([], 2)).all()


def test_no_stretch_has_no_points() -> None:
    """An empty axis is empty."""
    assert Axis(()).times.size == Axis(()).spans.size == 0
    assert Axis(()).resolution == 60
