"""The interval of a proportion: what its definition says, and what simulated votes bear out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analysis.wilson import Z95, wilson

COUNTS = st.integers(1, 5_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.27754),
        (1, 1, 0.20655, 1.0),
        (7, 9, 0.45259, 0.93679),
        (10, 20, 0.29930, 0.70070),
        (81, 263, 0.25527, 0.36621),  # Newcombe 1998, table I
        (15, 148, 0.06239, 0.16055),  # the same
    ],
)
def test_known_intervals(hits: int, trials: int, low: float, high: float) -> None:
    """Values that others have published or worked out."""
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-4)


@given(COUNTS)
def test_both_ends_solve_the_equation(counts: tuple[int, int]) -> None:
    """The closed form: each end lies z of its own standard errors away from the share, on its own side of it."""
    hits, trials = counts
    share, (low, high) = hits / trials, wilson(*counts)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        assert abs(share - end) == pytest.approx(Z95 * math.sqrt(end * (1 - end) / trials), abs=1e-9)


@given(COUNTS)
def test_both_sides_are_alike(counts: tuple[int, int]) -> None:
    """What one model wins the other loses: their intervals mirror each other."""
    hits, trials = counts
    low, high = wilson(hits, trials)
    assert wilson(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.8])
def test_it_covers_the_truth_about_as_often_as_it_says(share: float) -> None:
    """Simulated votes: over all sizes nineteen in twenty intervals hold the truth, and no size is far off."""
    votes = np.random.default_rng(7)
    covered = []
    for trials in range(5, 105, 5):
        hits = votes.binomial(trials, share, 4_000)
        ends = np.array([wilson(int(count), trials) for count in range(trials + 1)])
        low, high = ends[hits].T
        covered.append(float(np.mean((low <= share) & (share <= high))))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
    assert min(covered) > 0.88


def test_nothing_is_known_without_a_trial() -> None:
    """Every share is possible then."""
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3)])
def test_what_is_no_proportion_is_refused(hits: int, trials: int) -> None:
    """More hits than trials, or fewer than none."""
    with pytest.raises(ValueError, match="no proportion"):
        wilson(hits, trials)
