"""Deploys and restarts as metrics show them: a version that appears beside or after another, a process that starts."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol

from bot.domain.alerts import Change
from bot.domain.series import SERVICE_LABELS, Labels, SeriesAnswer, service_of
from bot.domain.window import Window

VERSIONS = ("version", "service_version", "app_version", "image_tag", "tag", "image", "image_spec")
REVISIONS = ("revision", "commit", "git_commit", "git_sha", "sha")
STARTED = "process_start_time_seconds"
MAX_METRICS = 40
MAX_REFINED = 6
TOGETHER = timedelta(minutes=3)
_RUNTIMES = re.compile(
    r"(go|python|jvm|nodejs(_version)?|dotnet|ruby|node_(uname|os|dmi|cpu)|kube_(?!pod_container_)\w+)_info"
)
_TELLS = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*_info")
"""Targets choose their metrics' names; only plain ones go into a query."""
_VOID = frozenset({"", "unknown", "(devel)", "none", "null"})
_FINE = 15.0

Value = tuple[str, str]
Track = Mapping[Value, Sequence[float]]
Key = tuple[str, str]


class Queries(Protocol):
    """What is needed of a server: queries of our own making."""

    async def evaluate(self, query: str, at: datetime) -> SeriesAnswer: ...
    async def evaluate_range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer: ...


@dataclass(frozen=True)
class _Appeared:
    """A version of a service that was not there before, while another was; `at` in UTC seconds."""

    at: float
    key: Key
    old: Value
    new: Value


@dataclass(frozen=True)
class Restart:
    """Processes of a service that started together; `times` is how often one of them did within the window."""

    change: Change
    times: int


async def versions(server: Queries, names: Iterable[str], window: Window) -> tuple[Change, ...]:
    """Versions that appeared in the window; to know what ran before, an hour or more before it is read too."""
    told = [n for n in names if _TELLS.fullmatch(n) and not _RUNTIMES.fullmatch(n)]
    told = sorted(told, key=lambda name: not name.endswith("build_info"))[:MAX_METRICS]
    if not told:
        return ()
    back = timedelta(seconds=min(max(window.seconds, 3_600), 86_400))
    query = _versions_query(told)
    answer = await server.evaluate_range(query, Window(window.start - back, window.end))
    found = [one for key, track in _tracks(answer).items() for one in _appeared(key, track, answer.step)]
    inside = [one for one in found if one.at >= window.start.timestamp()]
    exact = await _refined(server, query, sorted(inside, key=lambda one: one.at), answer.step)
    return _once([_change(one) for one in exact])


async def restarts(server: Queries, names: Iterable[str], window: Window) -> tuple[Restart, ...]:
    """Processes that started in the window, those of a service that start together as one change."""
    if STARTED not in names:
        return ()
    seconds = max(60, int(window.seconds))
    begun = await server.evaluate(
        f"last_over_time({STARTED}[{seconds}s]) >= {window.start.timestamp():.0f}", window.end
    )
    if not begun.series:
        return ()
    changed = await server.evaluate(f"changes({STARTED}[{seconds}s]) > 0", window.end)
    times = {_identity(one.labels): int(one.values[-1]) for one in changed.series}
    starts = sorted(
        (service_of(one.labels), one.values[-1], one.labels.get("instance", ""), times.get(_identity(one.labels), 0))
        for one in begun.series
        if one.values[-1] <= window.end.timestamp()
    )
    return tuple(
        restart
        for service, rows in groupby(starts, key=lambda start: start[0])
        for restart in _restarted(service, [row[1:] for row in rows])
    )


def merged(versions: Sequence[Change], restarts: Sequence[Restart]) -> tuple[Change, ...]:
    """All, in order of time; a restart that belongs to a deploy of the same service is not told again."""
    own = [restart.change for restart in restarts if not _belongs(restart, versions)]
    return tuple(sorted((*versions, *own), key=lambda change: change.at))


def _belongs(restart: Restart, versions: Sequence[Change]) -> bool:
    """A service that started more often than it was deployed is in trouble of its own."""
    deploys = [deploy for deploy in versions if deploy.service == restart.change.service]
    near = any(abs(restart.change.at - deploy.at) <= TOGETHER for deploy in deploys)
    return near and restart.times <= len(deploys)


def _versions_query(names: Sequence[str]) -> str:
    labels = ", ".join(("__name__", *SERVICE_LABELS, *VERSIONS, *REVISIONS))
    return f'count by ({labels}) ({{__name__=~"{"|".join(names)}"}})'


def _tracks(answer: SeriesAnswer) -> dict[Key, dict[Value, list[float]]]:
    tracks: dict[Key, dict[Value, list[float]]] = defaultdict(dict)
    for one in answer.series:
        value = _first(one.labels, VERSIONS), _first(one.labels, REVISIONS)
        if any(value):
            held = tracks[_owner(one.labels)].setdefault(value, [])
            held[:] = sorted({*held, *one.times})
    return tracks


def _appeared(key: Key, track: Track, step: float) -> Iterable[_Appeared]:
    """A gap shorter than two minutes or three steps is a missed scrape, not an absence."""
    gap = max(120.0, 3 * step)
    for new, times in track.items():
        for last, at in zip((float("-inf"), *times[:-1]), times, strict=True):
            if at - last <= gap:
                continue
            others = {old: _latest(seen, last, at) for old, seen in track.items() if old != new}
            old = max(others, key=lambda value: others[value], default=("", ""))
            if others.get(old, 0.0) > 0:
                yield _Appeared(at, key, old, new)


def _latest(seen: Sequence[float], after: float, before: float) -> float:
    return max((at for at in seen if after < at < before), default=0.0)


async def _refined(server: Queries, query: str, found: Sequence[_Appeared], step: float) -> list[_Appeared]:
    """The same with times to a quarter of a minute, where the window is so long that the step is coarse."""
    moments = list(dict.fromkeys(one.at for one in found))[-MAX_REFINED:] if step > _FINE else []
    exact: dict[tuple[float, Key, Value], float] = {}
    for moment in moments:
        end = datetime.fromtimestamp(moment, UTC)
        answer = await server.evaluate_range(query, Window(end - timedelta(seconds=step), end), _FINE)
        for key, track in _tracks(answer).items():
            exact.update({(moment, key, value): times[0] for value, times in track.items()})
    return [_Appeared(exact.get((one.at, one.key, one.new), one.at), one.key, one.old, one.new) for one in found]


def _change(one: _Appeared) -> Change:
    service = one.key[1]
    if one.old[0] == one.new[0]:
        what = f"{one.new[0]} revision {one.old[1][:9]} → {one.new[1][:9]}"
    else:
        what = f"{one.old[0] or one.old[1][:9]} → {one.new[0] or one.new[1][:9]}"
    return Change(datetime.fromtimestamp(one.at, UTC), " ".join(f"{service} {what}".split()), service)


def _once(changes: Iterable[Change]) -> tuple[Change, ...]:
    """One deploy often shows in several metrics: the first told stands for those of its service soon after."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: change.at):
        if not any(k.service == change.service and change.at - k.at <= TOGETHER / 3 for k in kept):
            kept.append(change)
    return tuple(kept)


def _owner(labels: Labels) -> Key:
    name = labels.get("__name__", "")
    if name.startswith("kube_"):  # there, `service` and `job` name the exporter
        labels = {k: v for k, v in labels.items() if k in ("container", "deployment", "workload")}
    named = service_of(labels)
    return name, named or re.sub(r"_?(build)?_info$", "", name)


def _first(labels: Labels, names: Iterable[str]) -> str:
    value = next((labels[name] for name in names if labels.get(name, "") not in _VOID), "")
    return value.rpartition("/")[2]


def _identity(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))


def _restarted(service: str, starts: Sequence[tuple[float, str, int]]) -> Iterable[Restart]:
    """Starts in order of time, split where more than three minutes lie between two."""
    batch: list[tuple[float, str, int]] = []
    for start in (*starts, None):
        if batch and (start is None or start[0] - batch[-1][0] > TOGETHER.total_seconds()):
            yield _batch(service, batch)
            batch = []
        if start is not None:
            batch.append(start)


def _batch(service: str, starts: Sequence[tuple[float, str, int]]) -> Restart:
    instances = sorted({instance for _, instance, _ in starts if instance})
    shown = ", ".join(instances[:4]) + (f" and {len(instances) - 4} more" if len(instances) > 4 else "")
    most = max(times for _, _, times in starts)
    verb = "restarted" if most else "started anew"
    often = f", {most} times" if most > 1 else ""
    at = datetime.fromtimestamp(starts[-1][0] if most > 1 else starts[0][0], UTC)
    what = f"{service or 'a process'} {verb}{often}" + (f" ({shown})" if shown else "")
    return Restart(Change(at, what, service, "restart"), most)
