"""Forecasts: what a fan and a breach must say for series whose future is known, and for all that is broken."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis._members import Past
from bot.analysis._regressed import regressed
from bot.analysis._regular import HUGE, grain
from bot.analysis.forecasts import Outlook, breach, forecast, outlook
from bot.analysis.frames import Array
from bot.domain.forecasts import PERCENT, SHARE, Bounds
from bot.domain.series import Series
from tests.analysis.packs import PACK
from tests.benchmarks.analysis_breach import breaches

DAY = 288
ANY = st.lists(st.one_of(st.none(), st.floats(), st.integers(-(10**12), 10**12)), max_size=120)


def seen(values: Array, horizon: int = DAY, day: int = DAY, bounds: Bounds | None = None) -> Outlook:
    """The outlook, which there must be."""
    found = outlook(values, horizon, day) if bounds is None else outlook(values, horizon, day, bounds)
    assert found is not None
    return found


def week(seed: int = 1) -> Array:
    """Seven days of a daily wave between 40 and 60 with noise."""
    at = np.arange(7 * DAY)
    return 50 + 10 * np.sin(2 * np.pi * at / DAY) + np.random.default_rng(seed).normal(0, 0.5, at.size)


def filling(per_day: float = 5.0) -> Array:
    """A disk that fills by so many percent a day, from 50."""
    at = np.arange(7 * DAY)
    return 50 + per_day * at / DAY + np.random.default_rng(2).normal(0, 0.05, at.size)


def test_a_wave_goes_on() -> None:
    """The centre repeats the day, the fan holds the noise."""
    fan = seen(week()).quantiles()
    truth = 50 + 10 * np.sin(2 * np.pi * np.arange(DAY) / DAY)
    assert np.abs(fan[2] - truth).max() < 1.5
    assert 0.5 < np.mean(fan[4] - fan[0]) < 3


def test_a_filling_disk_is_timed() -> None:
    """85 + 5 a day reaches 87.5 in half a day: certain, and within 2 % of the horizon."""
    p, at = seen(filling()).crossing(87.5)
    assert p > 0.95
    assert at is not None
    assert at.earliest <= at.likely <= at.latest
    assert abs(at.likely - DAY // 2) <= 0.05 * DAY


def test_a_threshold_out_of_reach_is_not_crossed() -> None:
    """A wave below 60 does not reach 80, nor fall to 20."""
    for threshold, direction in ((80.0, "above"), (20.0, "below")):
        p, at = seen(week()).crossing(threshold, "above" if direction == "above" else "below")
        assert p < 0.02
        assert at is None


def test_below_is_above_upside_down() -> None:
    """Mirroring a series and its threshold changes nothing."""
    up, down = seen(filling()).crossing(87.0), seen(-filling()).crossing(-87.0, "below")
    assert up[1] == down[1]
    assert up[0] == pytest.approx(down[0], abs=1e-6)


def test_sustained_is_rarer() -> None:
    """A level is held for ten samples at most as often as for one."""
    found = [seen(week()).crossing(60.2, sustain=n)[0] for n in (1, 3, 10)]
    assert found == sorted(found, reverse=True)


def test_bounds_hold() -> None:
    """No path of a share leaves 0..1, nor of a percentage 0..100; what was never negative stays so."""
    for line, bounds in ((filling(5) / 86, SHARE), (filling(7), PERCENT), (100 - filling(7), None)):
        paths = seen(line, bounds=bounds).paths
        assert paths.min() >= 0
        assert bounds is None or bounds.high is None or paths.max() <= bounds.high
    assert seen(filling(7), bounds=PERCENT).crossing(100.5)[0] < 0.1


def test_a_flat_line_stays() -> None:
    """A constant has a fan without width, and reaches only its own level."""
    flat = seen(np.full(7 * DAY, 3.0))
    assert np.array_equal(flat.paths, np.full(flat.paths.shape, 3.0))
    assert flat.crossing(3.0)[0] > 0.45
    assert flat.crossing(3.1)[0] == pytest.approx(0.0, abs=1e-9)
    assert flat.crossing(2.9)[0] == pytest.approx(1.0)


def test_gaps_and_spikes_do_not_move_it() -> None:
    """An outage of an hour, NaN, infinities and lone spikes leave the expected time where it was."""
    line = filling()
    line[500:512] = np.nan
    line[[100, 900]] = np.inf, -np.inf
    line[[300, 700, 1500]] += 400
    at = seen(line).crossing(87.5, sustain=3)[1]
    assert at is not None
    assert abs(at.likely - DAY // 2) <= 0.08 * DAY


def test_a_level_shift_is_believed() -> None:
    """Two days after a step the forecast is at the new level."""
    line = week()
    line[-2 * DAY :] += 40
    assert abs(float(np.mean(seen(line).centre)) - 90) < 4


def test_a_sawtooth_is_seen_to_fall() -> None:
    """A disk that is cleaned each day comes down again."""
    at = np.arange(7 * DAY)
    saw = 50 + 20 * (at % DAY) / DAY
    centre = seen(saw, horizon=DAY).centre
    assert np.abs(centre - (50 + 20 * np.arange(DAY) / DAY)).mean() < 3


def test_a_source_that_rounds_reaches_a_level_half_a_step_earlier() -> None:
    """Whole percent: 87.4 is what rounds to 88 or more; a source that does not round has its own threshold."""
    whole = np.round(filling())
    assert grain(whole)[0] == 1.0
    assert grain(filling()) == (0.0, 0.0)
    assert grain([3.0, 3.0, np.nan]) == (0.0, 0.0)
    outlook = seen(whole)
    assert outlook.crossing(87.4) == outlook.crossing(88.0) == replace(outlook, grain=(0.0, 0.0)).crossing(87.5)
    below = replace(outlook, paths=-outlook.paths, centre=-outlook.centre, grain=(1.0, -50.0))
    assert below.crossing(-87.4, "below")[1] == outlook.crossing(87.4)[1]


def test_growth_that_grows_is_drawn_on() -> None:
    """A square is continued by its bend, where straight lines fall short."""
    x = np.arange(400.0) ** 2
    past = Past(x, np.array([200, 300, 400]), 50, 24)
    past.recent = 1
    ahead = np.arange(50) + np.array([[200], [300], [400]])
    assert np.abs(past.bend(50) - ahead**2.0).max() < 60
    assert (ahead[:, -1] ** 2.0 - past.line(50)[:, -1]).min() > 3000


def test_a_regression_goes_on_with_what_repeats() -> None:
    """Waves of a day and of a week go on for two days, in blocks too; a short past says nothing."""
    at = np.arange(40 * 24)
    wave = np.sin(2 * np.pi * at / 24) + 0.5 * np.sin(2 * np.pi * at / 168)
    origins = np.array([500, 800, 900])
    for block in (1, 2):
        paths = regressed(wave, origins, 48, 24, block)
        assert paths is not None
        assert np.abs(paths - wave[origins[:, None] + np.arange(48)]).max() < 0.15
    assert regressed(wave[:50], np.array([40]), 48, 24, 1) is None
    assert regressed(np.zeros(900), origins - 100, 1, 24, 1) == pytest.approx(0.0)


def test_little_history() -> None:
    """One sample says it stays, two or ten samples go on with a drift; none say nothing."""
    assert outlook([], 10, 24) is None
    assert outlook([np.nan, np.inf], 10, 24) is None
    assert outlook([1.0, 2.0], 0, 24) is None
    one = seen(np.array([5.0]), 10, 24)
    assert np.array_equal(one.centre, np.full(10, 5.0))
    assert one.backtests == 0
    assert seen(np.arange(10.0), 5, 24).centre[-1] == pytest.approx(14, abs=0.5)


def test_a_series_with_its_own_clock() -> None:
    """Times come back in UTC seconds; a counter with resets is forecast as its rate."""
    times = tuple(1.7e9 + 300.0 * k for k in range(7 * DAY))
    found = breach(Series({}, times, tuple(filling())), 87.5, 86400.0, bounds=PERCENT)
    assert found is not None
    assert found.earliest is not None
    assert found.likely is not None
    assert found.latest is not None
    assert times[-1] < found.earliest <= found.likely <= found.latest <= times[-1] + 86400
    counter = tuple(float(v) for v in np.arange(7 * DAY) * 600.0 % 5e5)
    fan = forecast(Series({}, times, counter), 3600.0, counter=True)
    assert fan is not None
    assert fan.times[0] == times[-1] + 300
    assert fan.paths[2] == pytest.approx([2.0] * 12, abs=0.2)


def test_irregular_and_one_sample_series() -> None:
    """Samples missing at random are bridged; a lone sample still answers."""
    keep = np.random.default_rng(3).random(7 * DAY) > 0.3
    times, values = 300.0 * np.arange(7 * DAY)[keep], filling()[keep]
    found = breach(Series({}, tuple(times), tuple(values)), 87.5, 86400.0)
    assert found is not None
    assert found.probability > 0.9
    lone = breach(Series({}, (100.0,), (5.0,)), 4.0, 3600.0)
    assert lone is not None
    assert lone.probability == 1.0
    assert breach(Series({}, (), ()), 4.0, 3600.0) is None
    assert forecast(Series({}, (1.0,), (np.nan,)), 3600.0) is None
    far = Series({}, (0.0, 1.0, 1e12, 1e12 + 1, 1e12 + 2), (1.0, 2.0, 3.0, 4.0, 5.0))
    assert breach(far, 1e9, 3600.0) is not None


@settings(max_examples=60, deadline=None)
@given(ANY, st.integers(1, 40), st.integers(0, 12), st.floats(allow_nan=False), st.integers(1, 5))
def test_anything_in_an_answer_out(
    values: list[float | None], horizon: int, day: int, threshold: float, sustain: int
) -> None:
    """No values crash it; a probability is one, times are ordered and within the horizon."""
    line = np.array([np.nan if v is None else v for v in values], dtype=float)
    found = outlook(line, horizon, day)
    if found is None:
        assert not (np.abs(line) < HUGE).any()
        return
    assert np.isfinite(found.paths).all()
    p, at = found.crossing(threshold, sustain=sustain)
    assert 0 <= p <= 1
    assert at is None or 0 <= at.earliest <= at.likely <= at.latest < horizon


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_units_do_not_matter(seed: int, shift: float, factor: float) -> None:
    """Another unit or zero point for series and threshold gives the same answer (below zero nothing is assumed)."""
    line = week(seed) - 1000
    p, at = seen(line).crossing(-940.0)
    other, there = seen(line * factor - abs(shift) * factor).crossing((-940.0 - abs(shift)) * factor)
    assert other == pytest.approx(p, abs=0.03)
    assert (at is None) == (there is None)
    assert at is None or there is None or abs(at.likely - there.likely) <= 3


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    """Two interpreters with different hash seeds agree to the last bit."""
    code = (
        "import numpy as np\nfrom bot.analysis.forecasts import outlook\n"
        "x = np.sin(np.arange(900) / 7) + np.arange(900) / 400\no = outlook(x, 48, 24)\n"
        "print(o.paths.tobytes().hex()[:4000], o.crossing(2.9))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "77")
    }
    assert len(runs) == 1


def test_a_series_takes_milliseconds() -> None:
    """Seven days of five-minute samples, a day ahead."""
    line = week()
    spent = []
    for _ in range(9):
        began = time.perf_counter()
        seen(line).crossing(60.0)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.01


@pytest.mark.skipif(not (PACK / "breach" / "tasks.json").exists(), reason=f"no benchmark pack at {PACK}")
def test_the_pack_is_forecast_better_than_by_any_reference() -> None:
    """All breach tasks: far from straight lines and from last season's values."""
    found = breaches(PACK / "breach")
    assert found["f1"] > 0.88
    assert found["brier"] < 0.09
    assert found["within_10"] > 0.78
    assert 0.75 <= found["coverage"] <= 0.88
