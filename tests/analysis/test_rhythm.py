"""Rhythms of a series' own: found where something repeats but not by the day, and what a forecast makes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis._rhythm import rhythm
from bot.analysis.forecasts import outlook
from bot.analysis.frames import Array

DAY = 288
WEEK = 7 * DAY


def saw(cycle: int, length: int = WEEK, start: int = 0, noise: float = 0.01) -> Array:
    """Fills from 0 to 1 in `cycle` samples and starts anew."""
    return (np.arange(length) + start) % cycle / cycle + np.random.default_rng(cycle).normal(0, noise, length)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 850), st.integers(0, 800), st.floats(-0.5, 0.5))
def test_what_repeats_is_found(cycle: int, start: int, growth: float) -> None:
    """A saw that grows or falls: its length to a sample, or none where whole cycles are whole days."""
    found = rhythm(saw(cycle, WEEK, start) + growth * np.arange(WEEK) / WEEK, DAY)
    if found == 0:
        assert min(abs(days * DAY - turns * cycle) for days in range(1, 4) for turns in range(1, 30)) < DAY / 8
    else:
        assert abs(found - cycle) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_what_does_not_repeat_has_no_rhythm(seed: int) -> None:
    """Noise, drifts, lines, steps, constants, saturation, and too few samples."""
    random, at = np.random.default_rng(seed), np.arange(WEEK) / WEEK
    noise = random.normal(0, 0.01, WEEK)
    for line in (noise, at, np.zeros(WEEK), at + noise, at**2 + noise, 1 - np.exp(-4 * at) + noise, (at > 0.6) + noise):
        assert rhythm(line, DAY) == 0
    drift = np.cumsum(random.normal(size=WEEK))
    assert rhythm(drift / np.abs(drift).max(), DAY) == 0
    for size in range(40):
        assert rhythm(noise[:size], DAY) == 0


def test_days_and_weeks_are_left_to_the_clock() -> None:
    """Daily and weekly waves, and what runs some times a day, are no rhythm of a series' own."""
    at = np.arange(4 * 168)
    noise = np.random.default_rng(5).normal(0, 0.05, at.size)
    for length in (24, 168, 12):
        assert rhythm(np.sin(2 * np.pi * at / length) + noise, 24) == 0
    assert rhythm(np.sin(2 * np.pi * at / 23) + noise, 24) == 23


@pytest.mark.parametrize("cycle", [390, 679])
def test_a_restart_is_expected_when_it_is_due(cycle: int) -> None:
    """Memory that leaks until a restart: no breach of what the restart prevents, and the time of what it does not."""
    start = cycle - WEEK % cycle - 100
    line = 30 + 60 * saw(cycle, WEEK + DAY, start)
    seen = outlook(line[:WEEK], DAY, DAY)
    assert seen is not None
    assert seen.crossing(95.0, sustain=3)[0] < 0.1
    p, at = seen.crossing(85.0, sustain=3)
    assert p > 0.9
    assert at is not None
    true = int(np.argmax(line[WEEK:] > 85))
    assert abs(at.likely - true) <= 0.05 * DAY
    assert np.mean(np.abs(seen.centre - line[WEEK:])) < 8
