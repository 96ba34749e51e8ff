"""Medians of many rows at once."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analysis.changes import medians

CELL = st.one_of(st.just(float("nan")), st.floats(-1e9, 1e9))


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=6)))
def test_they_are_what_numpy_says(rows: list[list[float]]) -> None:
    """The same as nanmedian, whatever is missing, without its warnings."""
    values = np.array(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(values, axis=1)
    assert np.allclose(medians(values), expected, rtol=1e-12, atol=0, equal_nan=True)


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_has_no_median(rows: int) -> None:
    """Rows without columns give NaN, no rows give none."""
    assert np.isnan(medians(np.empty((rows, 0)))).sum() == rows
