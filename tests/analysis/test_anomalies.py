"""Scores that compare across kinds."""

import numpy as np

from bot.analysis.anomalies import movers, resting
from bot.analysis.signals import Signal
from tests.analysis.made import at, axis, noisy, ramped, signal, stepped


def test_quiet_systems_have_no_movers() -> None:
    """A hundred signals of noise: nothing moved."""
    quiet = [signal(f"s{n}", "latency", noisy(0.05, 0.1, seed=n)) for n in range(50)]
    quiet += [signal(f"s{n}", "traffic", noisy(40, 0.08, seed=n)) for n in range(50)]
    assert movers(axis(), quiet) == ()
    assert movers(axis(), []) == ()


def test_the_weightiest_stands_first() -> None:
    """A service that fails half of its requests before one that is a bit slower."""
    found = movers(
        axis(),
        [signal("slow", "latency", stepped(0.1, 0.2, 20)), signal("failing", "errors", stepped(0.001, 0.5, 20))],
    )
    assert [m.signal.service for m in found] == ["failing", "slow"]
    assert (found[0].direction, found[0].active) == ("up", True)


def test_near_constant_noise_does_not_win() -> None:
    """A row that hardly ever moves is measured by the noise of its peers."""
    still = np.where(np.arange(axis().times.size) > 80, 1.9, 1.0)
    peers = [signal(f"p{n}", "gauge", noisy(1, 0.3, seed=n)) for n in range(5)]
    assert movers(axis(), [signal("still", "gauge", still)])
    assert not movers(axis(), [signal("still", "gauge", still), *peers])


def test_one_failure_is_chance() -> None:
    """A share of failures counts only with some failures behind it."""
    share = stepped(0.0, 0.3, 20)
    few, many = (Signal("a", "errors", "m", "q", share, "ratio", events=share * rate) for rate in (1e-4, 1.0))
    assert not movers(axis(), [few])
    assert movers(axis(), [many])


def test_small_whole_numbers_jump_by_chance() -> None:
    """Zero to two of something is nothing; zero to seventy is."""
    rng = np.random.default_rng(5)
    dice = rng.integers(0, 3, axis().times.size).astype(float)
    assert not movers(axis(), [signal("a", "gauge", dice)])
    assert movers(axis(), [signal("a", "gauge", dice + 70 * (axis().times > at(20)))])


def test_what_fills_says_when_it_is_full() -> None:
    """A share that grows steadily has a time left, and counts as used up before it is."""
    (mover,) = movers(axis(), [signal("db", "saturation", ramped(0.2, 0.8, begin=10, end=30))])
    assert mover.left is not None
    assert 300 < mover.left < 500
    assert mover.exhausted > 0.9


def test_slow_filling_is_seen_although_it_left_no_baseline() -> None:
    """Growth over the whole window that ends in hours."""
    (mover,) = movers(axis(), [signal("db", "saturation", ramped(0.6, 0.67, begin=0, end=30))])
    assert mover.left is not None
    assert 7_000 < mover.left < 10_000


def test_a_moderate_rise_is_not_used_up() -> None:
    """From a fifth to two fifths, and flat: moved, but there is room."""
    (mover,) = movers(axis(), [signal("db", "saturation", stepped(0.2, 0.4, 15))])
    assert mover.exhausted == 0
    assert mover.score < 0.4


def test_what_is_over_counts_half() -> None:
    """The same fault, ended, ranks below one that lasts."""
    lasting, over = (movers(axis(), [signal("a", "errors", stepped(0, 0.5, 10, e))])[0] for e in (99, 18))
    assert over.score < lasting.score


def test_resting_signals_are_still_told() -> None:
    """What did not move is listed with its usual level, golden signals first to last."""
    signals = [
        signal("a", "traffic", noisy(40)),
        signal("a", "errors", noisy(0.01)),
        signal("b", "errors", noisy(0.01)),
    ]
    assert [s.kind for s, _, _ in resting(signals, "a", set())] == ["errors", "traffic"]
    assert [s.kind for s, _, _ in resting(signals, "a", {id(signals[1])})] == ["traffic"]
