"""Anomaly scores of one series: what stands out from its own past does, what recurs does not."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis.frames import Array
from bot.analysis.unusual import EPISODE, THRESHOLD, unusual
from tests.analysis.packs import PACK
from tests.benchmarks.analysis_breach import Labelled, anomalies, nab_score


def days(count: int = 10, seed: int = 4) -> tuple[Array, Array]:
    """Five-minute samples of a daily wave with noise."""
    at = np.arange(288.0 * count)
    wave: Array = 50 + 10 * np.sin(2 * np.pi * at / 288) + np.random.default_rng(seed).normal(0, 0.5, at.size)
    return at * 300, wave


def test_a_spike_stands_out_once() -> None:
    """A single wild sample is called, and nothing else is."""
    times, values = days()
    values[2000] += 60
    assert np.flatnonzero(unusual(times, values) >= THRESHOLD).tolist() == [2000]


def test_a_usual_day_is_quiet() -> None:
    """A wave with noise, a constant and a straight line call nobody."""
    times, values = days()
    for line in (values, np.full(values.size, 7.0), np.linspace(0, 1, values.size)):
        assert unusual(times, line).max() < THRESHOLD


def test_a_missing_wave_stands_out() -> None:
    """A value that is usual at noon is unusual at the time of the peak."""
    times, values = days()
    quiet = values.copy()
    quiet[2500:2700] = 50
    assert unusual(times, quiet)[2500:2700].max() > 2 * unusual(times, values)[2500:2700].max()


def test_no_sample_sees_its_future() -> None:
    """Scores of a beginning are those of the whole."""
    times, values = days()
    values[2000] += 60
    assert np.allclose(unusual(times, values)[:1500], unusual(times[:1500], values[:1500]), atol=1e-6)


def test_an_episode_counts_once() -> None:
    """Within an episode each score that is left is higher than those before it."""
    score = unusual(*days())
    for at in np.flatnonzero(score):
        assert score[at] > score[max(0, at - EPISODE) : at].max(initial=0.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), max_size=200))
def test_any_values_give_scores(values: list[float]) -> None:
    """Empty, NaN, infinite and huge values give a finite score in 0..1 each."""
    score = unusual(np.arange(len(values)) * 60.0, values)
    assert score.shape == (len(values),)
    assert np.isfinite(score).all()
    assert ((score >= 0) & (score < 1)).all()


def test_a_million_points_a_second() -> None:
    """A year of minutes in well under a second."""
    values = np.random.default_rng(5).normal(size=500_000)
    began = time.perf_counter()
    unusual(np.arange(values.size) * 60.0, values)
    assert time.perf_counter() - began < 1.5


def test_the_scorer_counts_as_defined() -> None:
    """A hit at a window's start is worth 100; none 0; a false alarm far away costs its share."""
    nothing, hit, late = np.zeros(1000), np.zeros(1000), np.zeros(1000)
    hit[600] = 1.0
    late[[600, 990]] = 1.0
    window = ((600, 650),)
    assert nab_score([Labelled(nothing, window)], 0.5)[0] == 0
    assert nab_score([Labelled(hit, window)], 0.5)[0] == pytest.approx(100)
    assert nab_score([Labelled(late, window)], 0.5)[0] == pytest.approx(100 - 0.5 * 11)


@pytest.mark.skipif(not (PACK / "anomaly" / "windows.json").exists(), reason=f"no benchmark pack at {PACK}")
def test_labelled_series_score_as_wanted() -> None:
    """Real series with labelled windows."""
    assert anomalies(PACK / "anomaly")["nab"] > 55
