"""The shop tells the same story to everyone who asks."""

import time
from itertools import pairwise

import pytest

from bot.demo.shop import FAULTS, Shop
from bot.demo.shop.layout import SERVICES, callers
from bot.demo.shop.series import Series

NOW = 1_760_000_007.0
HOUR = 3600.0
Samples = dict[tuple[tuple[str, str], ...], tuple[list[int], list[float], list[int]]]


class Clock:
    """A clock that a test turns."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def everything(shop: Shop, names: list[str] | None = None) -> Samples:
    """Every sample and every end of a series."""
    found: Samples = {}
    for name in names or shop.names():
        for series in shop.series(name):
            found[series.key] = list(series.times), list(series.values), list(series.stale)
    return found


def one(shop: Shop, name: str, **labels: str) -> Series:
    """The one series of a metric with these labels."""
    found = [s for s in shop.series(name) if labels.items() <= s.labels.items()]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("fault", ["bad_deploy", "memory_leak"])
def test_the_same_seed_gives_the_same_samples_in_whatever_order_they_are_asked(fault: str) -> None:
    """Two shops agree on every sample of every series."""
    first, second = (Shop(11, fault, now=lambda: NOW, history=HOUR) for _ in range(2))
    assert everything(first) == everything(second, second.names()[::-1])
    assert (first.truth, first.deploys) == (second.truth, second.deploys)


def test_another_seed_tells_another_story() -> None:
    """Seeds differ in noise, victims and deploys."""
    first, second = (Shop(seed, "none", now=lambda: NOW, history=HOUR) for seed in (1, 2))
    assert one(first, "queue_depth").values != one(second, "queue_depth").values
    assert first.deploys != second.deploys


def test_the_story_goes_on_alike_in_small_steps_and_in_one_leap() -> None:
    """What is asked often and what is asked once hold the same samples."""
    walking, leaping = Clock(), Clock()
    slow, fast = (Shop(4, "db_pool_exhaustion", now=clock, history=HOUR) for clock in (walking, leaping))
    for _ in range(20):
        walking.now += 17.0
        slow.series("http_requests_total")
    leaping.now = walking.now
    assert everything(slow) == everything(fast)
    assert one(slow, "queue_depth").times[-1] > (NOW + 300.0) * 1000


def test_noise_belongs_to_the_moment_not_to_the_start() -> None:
    """Two shops that were opened at different times show the same gauge where they overlap."""
    early, late = (Shop(4, "none", now=Clock(at), history=HOUR) for at in (NOW, NOW + 900.0))
    series = [one(shop, "process_resident_memory_bytes", instance="mailer-1") for shop in (early, late)]
    first, second = (dict(zip(s.times, s.values, strict=True)) for s in series)
    both = first.keys() & second.keys()
    assert len(both) > 150
    assert all(first[at] == second[at] for at in both)


def test_opening_a_shop_costs_nothing_beside_looking_at_it() -> None:
    """The history is worked out when somebody asks, at least six hours of it."""
    began = time.process_time()
    shop = Shop(1, "none", now=lambda: NOW)
    opened = time.process_time()
    times = one(shop, "up", instance="edge-1").times
    assert opened - began < (time.process_time() - opened) / 5.0
    assert times[-1] - times[0] >= 6 * HOUR * 1000
    assert {after - before for before, after in pairwise(times)} == {15_000}


def test_counters_only_fall_when_their_process_starts_again() -> None:
    """A reset comes with a new start time, and never without."""
    shop = Shop(5, "memory_leak", now=lambda: NOW, started_ago=1200.0, history=HOUR)
    starts = {s.labels["instance"]: s for s in shop.series("process_start_time_seconds")}
    fell = 0
    for series in shop.series("http_requests_total"):
        began = dict(
            zip(starts[series.labels["instance"]].times, starts[series.labels["instance"]].values, strict=True)
        )
        for (t0, v0), (t1, v1) in pairwise(zip(series.times, series.values, strict=True)):
            assert v1 >= v0 or began[t0] != began[t1]
            fell += v1 < v0
    assert fell > 0


def test_buckets_are_cumulative() -> None:
    """A wider bucket never holds less than a narrower one, and the last holds everything."""
    shop = Shop(5, "traffic_spike", now=lambda: NOW, history=HOUR)
    histogram = [s for s in shop.series("http_request_duration_seconds_bucket") if s.labels["instance"] == "stock-1"]
    columns = sorted(histogram, key=lambda s: float(s.labels["le"]))
    count = one(shop, "http_request_duration_seconds_count", instance="stock-1").values
    for narrow, wide in pairwise(columns):
        assert all(a <= b for a, b in zip(narrow.values, wide.values, strict=True))
    assert columns[-1].values == count


def test_a_dead_instance_shows_nothing_but_that_it_is_down() -> None:
    """While it is dead `up` is 0, and its other series have ended."""
    shop = Shop(5, "memory_leak", now=lambda: NOW, started_ago=1200.0, history=HOUR)
    assert shop.truth
    victim = f"{shop.truth.service}-1"
    up = one(shop, "up", instance=victim)
    dead = {at for at, value in zip(up.times, up.values, strict=True) if value == 0.0}
    memory = one(shop, "process_resident_memory_bytes", instance=victim)
    assert dead
    assert not dead & set(memory.times)
    assert set(memory.stale) <= dead


def test_an_old_version_ends_when_the_new_one_starts() -> None:
    """A deploy is a new version label on a series of its own, while the old one's ends."""
    shop = Shop(9, "bad_deploy", now=lambda: NOW, started_ago=900.0, history=HOUR)
    assert shop.truth
    found = [s for s in shop.series("app_build_info") if s.labels["instance"] == f"{shop.truth.service}-1"]
    old, new = sorted(found, key=lambda s: s.times[0])
    assert (len(found), old.stale, new.stale) == (2, [new.times[0]], [])
    assert abs(new.times[0] / 1000 - shop.truth.since) < 31.0


def test_random_strikes_differently_and_none_never() -> None:
    """Many seeds see most faults and several victims; the decoy deploys never hit the service at fault."""
    shops = [Shop(seed, "random", now=lambda: NOW) for seed in range(60)]
    truths = [shop.truth for shop in shops if shop.truth]
    assert len({truth.fault for truth in truths}) == len(FAULTS) - 2
    assert len({truth.service for truth in truths}) > 5
    assert all(300.0 <= NOW - truth.since <= 1500.0 for truth in truths)
    assert not any(d.service == shop.truth.service for shop in shops if shop.truth for d in shop.deploys)
    assert Shop(1, "none", now=lambda: NOW).truth is None


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    """Whoever mistypes learns what there is."""
    with pytest.raises(ValueError, match=r"no fault 'bad_deply'.*bad_deploy"):
        Shop(1, "bad_deply")


def test_callers_come_nearest_first() -> None:
    """The call graph says whom a sick service hurts."""
    assert callers("orders-db") == ("checkout", "payments", "edge")
    assert callers("edge") == ()
    assert all(callers(name) for name in SERVICES if name not in ("edge", "mailer"))


def test_targets_tell_who_could_be_scraped() -> None:
    """The target list agrees with `up`."""
    shop = Shop(5, "none", now=lambda: NOW, history=HOUR)
    targets = shop.targets()
    assert len(targets) == len(shop.series("up"))
    assert {target["health"] for target in targets} == {"up"}
