"""Deploys and restarts read out of metrics."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.series import Series, SeriesAnswer
from bot.domain.window import Window
from bot.sources import _deploys

END = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WINDOW = Window(END - timedelta(hours=1), END)
STEP = 15.0


def at(minutes: float) -> float:
    """UTC seconds, so many minutes before the end."""
    return END.timestamp() - 60 * minutes


def track(version: str, begin: float, end: float, service: str = "payment", **labels: str) -> Series:
    """A build-info series between two moments, in minutes before the end."""
    count = int((begin - end) * 60 / STEP)
    times = tuple(at(begin) + STEP * n for n in range(count))
    held = {"__name__": "app_build_info", "service": service, "version": version, **labels}
    return Series(held, times, (1.0,) * count)


class Fake:
    """Answers every query of versions with the same series, cut to the window asked about."""

    def __init__(self, *series: Series, started: tuple[Series, ...] = (), changed: tuple[Series, ...] = ()) -> None:
        self.series, self.started, self.changed = series, started, changed

    async def evaluate(self, query: str, at: datetime) -> SeriesAnswer:
        return SeriesAnswer(self.changed if query.startswith("changes") else self.started, query)

    async def evaluate_range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        chosen = step or (STEP if window.seconds <= 7_200 else 600.0)
        kept = []
        for one in self.series:
            times = tuple(t for t in one.times if window.start.timestamp() <= t <= window.end.timestamp())
            times = tuple(t for t in times if t % chosen == 0)
            if times:
                kept.append(Series(one.labels, times, (1.0,) * len(times)))
        return SeriesAnswer(tuple(kept), query, chosen)


async def seen(*series: Series, window: Window = WINDOW) -> list[str]:
    """What the versions say."""
    return [change.what for change in await _deploys.versions(Fake(*series), ["app_build_info"], window)]


@pytest.mark.parametrize(
    ("series", "told"),
    [
        ([track("v1", 120, 20), track("v2", 20, 0)], ["payment v1 → v2"]),
        ([track("v1", 120, 15), track("v2", 20, 0)], ["payment v1 → v2"]),  # an old target stays 5 min without a marker
        ([track("v1", 120, 0), track("v2", 20, 0)], ["payment v1 → v2"]),  # a canary
        ([track("v1", 120, 0)], []),
        ([track("v1", 120, 40), track("v1", 30, 0)], []),  # a gap in scraping
        ([track("v1", 50, 0)], []),  # nothing known from before
        ([track("v1", 120, 90), track("v2", 90, 0)], []),  # before the window
        ([track("v1", 120, 40), track("v2", 40, 20), track("v1", 20, 0)], ["payment v1 → v2", "payment v2 → v1"]),
        ([track("", 120, 20), track("unknown", 20, 0)], []),
        ([track("v1", 120, 20), track("v2", 20, 0, "cart")], []),  # another service
    ],
)
async def test_versions_that_appear(series: list[Series], told: list[str]) -> None:
    """A version is a change when it appears while, or after, another of the same service was seen."""
    joined: dict[tuple[str, ...], Series] = {}
    for one in series:
        key = tuple(one.labels.values())
        before = joined.get(key)
        times = (*before.times, *one.times) if before else one.times
        joined[key] = Series(one.labels, times, (1.0,) * len(times))
    assert await seen(*joined.values()) == told


async def test_the_same_version_with_another_revision() -> None:
    """Where the version stays, the revision tells."""
    old = track("latest", 120, 20, revision="5630f465aa11")
    new = track("latest", 20, 0, revision="2478d276bb22")
    assert await seen(old, new) == ["payment latest revision 5630f465a → 2478d276b"]


async def test_one_deploy_in_two_metrics_is_told_once() -> None:
    """A rollout that shows in build info and in the container's image is one change."""
    image = {"__name__": "kube_pod_container_info", "container": "payment", "service": "kube-state-metrics"}
    old = track("", 120, 20.5, image="registry.example/shop/payment:1", **image)
    new = track("", 20.5, 0, image="registry.example/shop/payment:2", **image)
    told = await seen(track("v1", 120, 20), track("v2", 20, 0), old, new)
    assert told == ["payment payment:1 → payment:2"]


async def test_a_long_window_still_gives_the_minute() -> None:
    """Where the step is coarse, the moment is looked up again finely."""
    day = Window(END - timedelta(hours=24), END)
    fake = Fake(track("v1", 2_880, 123), track("v2", 123, 0))
    (change,) = await _deploys.versions(fake, ["app_build_info"], day)
    assert abs((change.at - (END - timedelta(minutes=123))).total_seconds()) <= STEP


async def test_runtimes_and_odd_names_are_no_deploys() -> None:
    """Without a plainly named metric that tells versions nothing is asked."""
    names = ["go_info", "up", "kube_node_info", 'x"} or vector(1) or {y="_info', "_.*_info"]
    assert await _deploys.versions(Fake(track("v1", 120, 20), track("v2", 20, 0)), names, WINDOW) == ()


def start(instance: str, minutes: float, value: float | None = None) -> Series:
    """A process and when it started, in minutes before the end; or another value of it."""
    labels = {"__name__": "process_start_time_seconds", "service": "cart", "instance": instance}
    return Series(labels, (END.timestamp(),), (at(minutes) if value is None else value,))


async def test_restarts_of_a_service_are_one_change() -> None:
    """Processes of a service that start together are told together; a loop is told with its count."""
    names = ["process_start_time_seconds"]
    pair = Fake(started=(start("a", 10), start("b", 9), start("c", 40)), changed=(start("a", 0, 1), start("b", 0, 1)))
    assert [restart.change.what for restart in await _deploys.restarts(pair, names, WINDOW)] == [
        "cart started anew (c)",
        "cart restarted (a, b)",
    ]
    loop = Fake(started=(start("a", 1),), changed=(start("a", 0, 5),))
    (restart,) = await _deploys.restarts(loop, names, WINDOW)
    assert (restart.change.what, restart.change.kind) == ("cart restarted, 5 times (a)", "restart")
    assert await _deploys.restarts(loop, ["up"], WINDOW) == ()
    assert await _deploys.restarts(Fake(), names, WINDOW) == ()


async def test_a_deploys_own_restart_is_not_told_again() -> None:
    """The restart that a rollout brings belongs to it; a crash loop after it does not."""
    deploys = await _deploys.versions(
        Fake(track("v1", 120, 20, "cart"), track("v2", 20, 0, "cart")), ["app_build_info"], WINDOW
    )
    names = ["process_start_time_seconds"]
    once = await _deploys.restarts(Fake(started=(start("a", 20),), changed=(start("a", 0, 1),)), names, WINDOW)
    loop = await _deploys.restarts(Fake(started=(start("a", 18),), changed=(start("a", 0, 4),)), names, WINDOW)
    assert [change.kind for change in _deploys.merged(deploys, once)] == ["deploy"]
    assert [change.kind for change in _deploys.merged(deploys, loop)] == ["deploy", "restart"]
