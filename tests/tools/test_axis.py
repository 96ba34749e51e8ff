"""The axis of time that a survey reads on."""

import pytest

from bot.domain.window import Window
from bot.tools._axis import axis_of
from tests.tools.world import World, desk


def watched(step: float, minutes: float, dense: float = 0.0) -> World:
    """Samples every `step` seconds, and every second in the last `dense` seconds."""
    world = World(step=step, minutes=minutes)
    world.gauge("up", 1.0, job="a", instance="1")
    if dense:
        fine = World(step=1.0, minutes=dense / 60)
        fine.gauge("up", 1.0, job="a", instance="2")
        world.kept["up"] += fine.kept["up"]
    return world


def window(minutes: float = 90) -> Window:
    """The stretch to read."""
    return desk(World(), minutes=minutes).window


async def test_even_samples_make_one_stretch() -> None:
    """As fine as the scrapes, over all there is."""
    (only,) = (await axis_of(watched(15, 200), window())).segments
    assert (only.step, only.rate) == (15, 60)
    assert only.end - only.start == pytest.approx(90 * 60, abs=60)


async def test_dense_recent_samples_make_a_second_stretch() -> None:
    """Coarse long ago, fine at the end, without overlap."""
    old, new = (await axis_of(watched(15, 200, dense=240), window())).segments
    assert (old.step, new.step, new.rate) == (15, 1, 5)
    assert new.start == pytest.approx(new.end - 240, abs=12)
    assert old.end < new.start


async def test_a_few_seconds_of_dense_samples_are_not_worth_a_stretch() -> None:
    """A server that just restarted is read as before."""
    assert len((await axis_of(watched(15, 200, dense=5), window())).segments) == 1


async def test_a_new_server_is_read_from_its_first_sample() -> None:
    """Half a minute of samples is half a minute of points."""
    (only,) = (await axis_of(watched(1, 0.5), window())).segments
    assert only.step == 1
    assert only.count == pytest.approx(35, abs=6)


async def test_slow_scrapes_widen_the_step_and_the_range() -> None:
    """A minute between two samples: rates over four."""
    (only,) = (await axis_of(watched(60, 200), window())).segments
    assert (only.step, only.rate) == (60, 240)


async def test_no_sample_is_no_axis() -> None:
    """Nothing to read."""
    assert (await axis_of(World(), window())).times.size == 0
    assert (await axis_of(watched(1, 0.02), window())).times.size <= 6
