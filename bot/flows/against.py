"""What was read off a picture, held against live metrics: one metric that the panel's words name, and its values then.

A panel's query is the one written in the picture, else it is made of the one metric whose every word stands in the
panel's title or its series' name. Where none, or more than one, is named so, nothing is said.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NotRequired, TypedDict
from zoneinfo import ZoneInfo

from bot.analysis.words import seconds_per, unit_of
from bot.check import figures
from bot.check.promql import selector
from bot.domain.errors import SourceRefused, ToolError
from bot.domain.ports import SeriesStore
from bot.domain.series import Series
from bot.domain.sources import Instance
from bot.domain.tools import Desk
from bot.domain.window import Window
from bot.flows.naming import TOKEN, base_of, implied, is_explained, is_spread, is_whole, labels_named, named, query_of
from bot.flows.panels import Line, Panel, Point, Seen, shown

SECONDS = 8.0
MOST_LINES = 6
CLOSE = 0.15
"""By which share a value read off an axis may be wrong."""
AROUND = timedelta(seconds=150)
"""How far a time read off an axis may be wrong."""
_PER_SECOND = re.compile(r"\s?/\s?s(?:ec(?:ond)?)?$|(?<=^[rqo])ps$|(?<=^io)ps$", re.I)
_BITS = re.compile(r"(?:[kKMGT]i?)?b(?:its?)?(?:ps)?")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d))?")


class Checked(TypedDict):
    """A measured value beside one that was read off; the latter stands here only where they agree, in the same unit."""

    series: str
    source: str
    query: str
    at: str
    measured: float
    unit: str
    agrees: bool
    picture: NotRequired[float]


@dataclass(frozen=True)
class Compared:
    """What the check found, as facts and in words: a line for each row, or why there is none."""

    rows: tuple[Checked, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """How many values agree, and the first that does not."""
        if not self.rows:
            return "not checked"
        agree = f"{_agreeing(self)} of {len(self.rows)} values checked agree with metrics"
        apart = (said for row, said in zip(self.rows, self.lines, strict=True) if not row["agrees"])
        return "; ".join([agree, *(said.removeprefix("Checked ").rpartition(": they")[0] for said in apart)][:2])


@dataclass(frozen=True)
class _Told:
    """A series as the picture shows it, in its panel."""

    panel: Panel
    line: Line

    @property
    def name(self) -> str:
        """What the legend calls it, else the panel's title."""
        return self.line.name or self.panel.title


@dataclass(frozen=True)
class _Live:
    """A query whose result is what a series of the picture shows; its values times `factor` are in `unit`."""

    instance: Instance
    query: str
    unit: str
    factor: float = 1.0


async def compare(seen: Seen, desk: Desk) -> Compared:
    """Every series whose query can be found, at its highest and its last point; within `SECONDS`."""
    told = [_Told(panel, line) for panel in seen.panels for line in panel.series if line.points][:MOST_LINES]
    try:
        async with asyncio.timeout(SECONDS):
            found = await asyncio.gather(*(_of_line(one, desk) for one in told))
    except TimeoutError:
        return Compared(lines=("Not checked: metrics did not answer in time",))
    rows = tuple(row for one in found for row in one.rows)
    lines = tuple(line for one in found for line in one.lines)
    return Compared(rows, lines or ("Not checked: no metric could be told from the panels' words",))


async def _of_line(told: _Told, desk: Desk) -> Compared:
    for instance in desk.sources.of("series"):
        for find in (_written, _named):
            try:
                live = await find(instance, told, desk)
                found = await _held(live, told, desk) if live else Compared()
            except ToolError:  # the picture's query may be cut off or wrong, and a source may be down
                continue
            if found.rows:
                return found
    return Compared()


async def _written(instance: Instance, told: _Told, desk: Desk) -> _Live | None:
    """The query as it stands in the picture; the source judges it like any other before it is sent."""
    return _Live(instance, told.panel.query, "") if told.panel.query else None


async def _named(instance: Instance, told: _Told, desk: Desk) -> _Live | None:
    """A query made of the metric that the words name."""
    title, series, store = told.panel.title, told.line.name, _store(instance)
    words = f"{title} {series}"
    found = await store.metrics(words, 40)
    metric, loosely = named(found, words), False
    if metric is None:
        metric, loosely = implied(found, words), True
    if metric is None:
        return None
    base = base_of(metric)
    name = f"{base}_count" if is_spread(metric) else metric.name
    sets = await store.label_sets(selector(name, {}), desk.window, 200)
    labels = labels_named(sets, series, title)
    if not is_whole(title, series, metric.name, labels):
        return None
    if loosely and not is_explained(title, series, base, labels):
        return None
    query = query_of(metric, words, labels)
    unit = "1/s" if metric.type == "counter" else unit_of(base)
    return _Live(instance, query, unit, seconds_per(base) if unit == "seconds" else 1.0) if query else None


def _store(instance: Instance) -> SeriesStore:
    if instance.series is None:
        raise SourceRefused(f"{instance.name} serves no series")
    return instance.series


async def _held(live: _Live, told: _Told, desk: Desk) -> Compared:
    """Times on an axis are in the asker's zone, as browsers show them, or else in UTC: the zone that agrees more."""
    points, best = _telling(told.line), Compared()
    for zone in dict.fromkeys((desk.zone, "UTC")):
        moments = [_moment(point.at, ZoneInfo(zone), desk.now) for point in points]
        known = [(point, at) for point, at in zip(points, moments, strict=True) if at is not None]
        if not known:
            continue
        times = [at for _, at in known]
        window = Window(min(times) - AROUND, min(max(times) + AROUND, desk.now))
        answer = await _store(live.instance).range(live.query, window)
        series = _meant(answer.series, told.line)
        if series is None:
            continue
        pairs = [pair for point, at in known if (pair := _pair(series, live, told, point, at))]
        found = Compared(tuple(row for row, _ in pairs), tuple(said for _, said in pairs))
        if not best.rows or _agreeing(found) > _agreeing(best):
            best = found
    return best


def _agreeing(found: Compared) -> int:
    return sum(row["agrees"] for row in found.rows)


def _telling(line: Line) -> list[Point]:
    """The highest point and the last."""
    return list(dict.fromkeys((max(line.points, key=lambda point: point.value), line.points[-1])))


def _moment(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    """The last time that a clock showed this, now for none; None for what is no time of day."""
    if not text:
        return now.astimezone(zone)
    found = _CLOCK.search(text)
    if found and re.search(r"\d", text.replace(found.group(), "")):  # a day stands beside it
        stamp = figures.moment(text)
        return datetime.fromtimestamp(stamp, zone) if stamp is not None else None
    hour, minute, second = (int(part or 0) for part in found.groups()) if found else (24, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    at = now.astimezone(zone).replace(hour=hour, minute=minute, second=second, microsecond=0)
    return at if at <= now + AROUND else at - timedelta(days=1)


def _meant(series: Sequence[Series], line: Line) -> Series | None:
    """The only one, or the only one of which the name says a label's value."""
    if len(series) == 1:
        return series[0]
    tokens = {token.lower() for token in TOKEN.findall(line.name)}
    fit = [one for one in series if {value.lower() for value in one.labels.values()} & tokens]
    return fit[0] if len(fit) == 1 else None


def _pair(series: Series, live: _Live, told: _Told, point: Point, at: datetime) -> tuple[Checked, str] | None:
    stamp, reach = at.timestamp(), AROUND.total_seconds()
    near = [(abs(time - stamp), value * live.factor) for time, value in zip(series.times, series.values, strict=True)]
    near = [pair for pair in near if pair[0] <= reach]
    if not near:
        return None
    measured, low, high = min(near)[1], min(v for _, v in near), max(v for _, v in near)
    slack = CLOSE * max(abs(low), abs(high))
    meant = readings(point.value, told.panel.unit, live.unit)
    agreed = [value for value in meant if low - slack <= value <= high + slack]
    if not meant:
        return None
    row = Checked(
        series=told.name, source=live.instance.name, query=live.query, at=at.astimezone(UTC).isoformat(),
        measured=measured, unit=live.unit, agrees=bool(agreed),
    )  # fmt: skip
    if agreed:
        row["picture"] = agreed[0]
    verdict = "they agree" if agreed else "they do not agree"
    said = f"Checked “{row['series']}”: the picture says about {shown(point.value, told.panel.unit)} at {at:%H:%M %Z}, "
    return row, f"{said}{live.instance.name} says {_measured(measured, live.unit)}: {verdict} ({live.query})"


def readings(value: float, written: str, unit: str) -> tuple[float, ...]:
    """What a value as written may mean in the unit of a metric; nothing where the two units do not go together."""
    bare = _PER_SECOND.sub("", written.strip())
    if _BITS.fullmatch(bare):
        return ()
    kind, factors = figures.unit_of(bare)
    wanted = figures.unit_of(unit)[0] if unit else "plain"
    rated = bare != written.strip() or kind == "rate"
    if "plain" in (kind, wanted):
        return (*(value * factor for factor in factors), value) if wanted != "rate" or kind == "plain" else ()
    return tuple(value * factor for factor in factors) if kind == wanted or (wanted == "rate" and rated) else ()


def _measured(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    return shown(value, {"seconds": "s", "1/s": "per second"}.get(unit, unit))
