"""A chart as Slack's own block, or as a line of text where the block cannot hold it."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.evidence import Chart
from bot.domain.series import Series

Json = dict[str, Any]
MAX_CHARTS, MAX_SERIES, MAX_POINTS = 2, 6, 20
MAX_LABEL, MAX_TITLE = 20, 50
MAX_BARS = 3
"""Kinds of bars that a phone keeps apart beside each other."""
MEDIAN, MARKED = 0.5, 0.1
FANNED = ("seen, then expected", "low ({:.0f} %)", "high ({:.0f} %)")
PAST = 4.0
"""Of the history so many times the forecast's length are drawn."""
LENGTHS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
BARS = "▁▂▃▄▅▆▇█"
SIZES: dict[str, tuple[tuple[float, float, str], ...]] = {
    "seconds": ((1.0, 1.0, "seconds"), (1e-3, 1e3, "milliseconds"), (0.0, 1e6, "microseconds")),
    "bytes": ((2.0**30, 2.0**-30, "GiB"), (2.0**20, 2.0**-20, "MiB"), (2.0**10, 2.0**-10, "KiB"), (0.0, 1.0, "bytes")),
    "ratio": ((0.0, 100.0, "%"),),
    "1/s": ((0.0, 1.0, "per second"),),
}
"""Per unit, from the largest value on: what to multiply by, and the word for it."""
PROMQL = re.compile(r"[{}\[\]]|\b(rate|sum|avg|max|min|increase|histogram_quantile|topk)\b.*\(|^\w*_\w+$")
METRIC = re.compile(r"[a-z]\w*_\w+(?=\s*[{\[)]|\s*$)", re.IGNORECASE)
SUFFIX = re.compile(r"_(total|bucket|count|sum|seconds|bytes|ratio)\b")


def block_of(chart: Chart, zone: str = "UTC", clean: Callable[[str], str] = str) -> Json | None:
    """The `data_visualization` block of what the chart shows; None where Slack's own chart cannot say it.

    Of many series those that moved most are lines, if they share two moments. A forecast of a lone series opens from
    the last sample into three lines, unless a crossing is to be marked. Counts are bars where few have short names.
    """
    if chart.kind == "bars":
        plot = _counts(chart, clean)
    elif chart.forecast is not None:
        plot = _fan(chart)
    else:
        plot = _lines(chart, clean)
    if plot is None or len(plot.times) < 2:
        return None
    labels = _noted(_time_labels(plot.times, ZoneInfo(zone)), plot.at, plot.note)
    factor, unit = _size(chart.unit, max(abs(value) for column in plot.columns.values() for value in column))
    series = [
        {"name": name, "data": _points(labels, [value * factor for value in column])}
        for name, column in plot.columns.items()
    ]
    unit = plot.unit or unit
    axis: Json = {"categories": labels} | ({"y_label": unit[:MAX_TITLE]} if unit else {})
    return {
        "type": "data_visualization",
        "title": clean(title_of(chart, left=plot.left))[:MAX_TITLE],
        "chart": {"type": plot.kind, "series": series, "axis_config": axis},
    }


@dataclass(frozen=True)
class _Plot:
    """Named columns of values over `times` (UTC seconds); the moment `at` bears a note; `left` are not drawn."""

    kind: str
    times: list[float]
    columns: dict[str, list[float]]
    left: int = 0
    at: int = -1
    note: str = ""
    unit: str = ""


def _lines(chart: Chart, clean: Callable[[str], str]) -> _Plot | None:
    shown = moved_most(chart.series, MAX_SERIES - (chart.limit is not None))
    if not shown:
        return None
    start = min(series.times[0] for series in shown)
    end = max(series.times[-1] for series in shown)
    columns = [_buckets(series, start, end) for series in shown]
    shared = [at for at in range(MAX_POINTS) if all(at in column for column in columns)]
    drawn = {name: [column[at] for at in shared] for name, column in zip(names(shown, clean), columns, strict=True)}
    times = [start + (end - start) * at / (MAX_POINTS - 1) for at in shared]
    return _Plot("line", times, _bounded(drawn, chart), len(chart.series) - len(shown))


def _bounded(columns: dict[str, list[float]], chart: Chart) -> dict[str, list[float]]:
    """With the threshold as a flat line of its own."""
    if chart.limit is None:
        return columns
    return columns | {"threshold": [chart.limit] * len(next(iter(columns.values())))}


def _fan(chart: Chart) -> _Plot | None:
    """What was seen and then is expected, and the lines below and above which it is not likely to be."""
    seen, ahead = moved_most(chart.series, len(chart.series)), chart.forecast
    if ahead is None or len(seen) != 1 or seen[0] is not chart.series[0] or _crosses(chart):
        return None
    if MEDIAN not in ahead.levels or len(ahead.levels) < len(FANNED):
        return None
    now, end = seen[0].times[-1], max(ahead.times, default=0.0)
    if end <= now or not all(math.isfinite(value) for path in ahead.paths for value in path):
        return None
    start = max(seen[0].times[0], now - PAST * (end - now))
    past = _buckets(_from(seen[0], start), start, end)
    width = (end - start) / (MAX_POINTS - 1)
    slot = round((now - start) / width)
    past[slot] = next(value for value in reversed(seen[0].values) if math.isfinite(value))
    due = {at: k for k, time in enumerate(ahead.times) if (at := round((time - start) / width)) > slot}
    order = sorted(range(len(ahead.levels)), key=lambda level: ahead.levels[level])
    chosen = (ahead.levels.index(MEDIAN), order[0], order[-1])
    shared = sorted(past | due)
    columns = {
        form.format(ahead.levels[level] * 100): [
            past[at] if at in past else ahead.paths[level][due[at]] for at in shared
        ]
        for form, level in zip(FANNED, chosen, strict=True)
    }
    times = [start + width * at for at in shared]
    return _Plot("line", times, _bounded(columns, chart), at=shared.index(slot), note="now")


def _crosses(chart: Chart) -> bool:
    """Whether a crossing is to be marked, with the time it may take; only a picture can."""
    return chart.breach is not None and chart.breach.likely is not None and chart.breach.probability >= MARKED


def _from(series: Series, start: float) -> Series:
    kept = [(at, value) for at, value in zip(series.times, series.values, strict=True) if at >= start]
    return Series(series.labels, tuple(at for at, _ in kept), tuple(value for _, value in kept))


def _counts(chart: Chart, clean: Callable[[str], str]) -> _Plot | None:
    """Counts side by side, neighbouring steps added up; None for more kinds than a phone keeps apart."""
    shown = [series for series in chart.series if series.times]
    told = names(shown, clean)
    if not 1 <= len(shown) <= MAX_BARS or any("…" in name for name in told):
        return None
    gaps = [after - before for series in shown for before, after in pairwise(series.times) if after > before]
    if not gaps:
        return None
    start, step = min(series.times[0] for series in shown), min(gaps)
    steps = 1 + round((max(series.times[-1] for series in shown) - start) / step)
    wide = math.ceil(steps / MAX_POINTS)
    number = math.ceil(steps / wide)
    columns = {name: [0.0] * number for name in told}
    for name, series in zip(told, shown, strict=True):
        for time, value in zip(series.times, series.values, strict=True):
            columns[name][round((time - start) / step) // wide] += value if math.isfinite(value) else 0.0
    times = [start + at * wide * step for at in range(number)]
    began = chart.incident.timestamp() if chart.incident else -math.inf
    at = max((at for at, time in enumerate(times) if time <= began < times[-1] + wide * step), default=-1)
    return _Plot("bar", times, columns, at=at, note="incident", unit=f"per {_length(wide * step)}")


def _length(seconds: float) -> str:
    size, name = next(((size, name) for size, name in LENGTHS if seconds >= size and seconds % size == 0), (1, "s"))
    return f"{seconds / size:g} {name}"


def _noted(labels: list[str], at: int, note: str) -> list[str]:
    """The label there with a word behind it, where it has room."""
    if at < 0 or len(labels[at]) + 1 + len(note) > MAX_LABEL:
        return labels
    return [*labels[:at], f"{labels[at]} {note}", *labels[at + 1 :]]


def moved_most(series: Sequence[Series], most: int = MAX_SERIES) -> tuple[Series, ...]:
    """At most so many, in their order: those whose values reach farthest from where they began."""
    finite = [one for one in series if any(map(math.isfinite, one.values))]
    ranked = sorted(range(len(finite)), key=lambda at: _reach(finite[at]), reverse=True)[:most]
    return tuple(finite[at] for at in sorted(ranked))


def title_of(chart: Chart, left: int = 0) -> str:
    """A title for people, at most 50 characters; a query becomes its metric's name, `left` series are not drawn."""
    title = re.sub(r"\s*\([a-z]\w*_\w+( / \w+)?\)", "", chart.title).strip()
    if PROMQL.search(title):
        title = _metric_words(title, chart.series)
    title = title[:1].upper() + title[1:] if " " in title and ":" not in title else title
    more = f" ({left} more not drawn)" if left > 0 else ""
    room = MAX_TITLE - len(more)
    if len(title) > room:
        title = title[: room - 1].rsplit(None, 1)[0][: room - 1] + "…"
    return (title or "Chart") + more


def _metric_words(query: str, series: Sequence[Series]) -> str:
    metric = METRIC.search(query)
    words = SUFFIX.sub("", metric.group()).replace("_", " ") if metric else "Chart"
    by = [key for key in ("service", "instance", "job") if len({one.labels.get(key) for one in series}) > 1][:1]
    return f"{words[:1].upper()}{words[1:]}{f' by {by[0]}' if by else ''}"


def _reach(series: Series) -> float:
    values = [value for value in series.values if math.isfinite(value)]
    return max(abs(value - values[0]) for value in values)


def _size(unit: str, largest: float) -> tuple[float, str]:
    steps = SIZES.get(unit, ((0.0, 1.0, unit),))
    return next((factor, name) for least, factor, name in steps if largest >= least)


def _points(labels: Sequence[str], values: Sequence[float]) -> list[Json]:
    pairs = zip(labels, values, strict=True)
    return [{"label": label, "value": float(f"{value:.6g}")} for label, value in pairs]


def sparklines(chart: Chart) -> str:
    """The chart as monospace text, one line a series, with its lowest, highest and last value."""
    shown = moved_most(chart.series)
    width = max((len(name) for name in names(shown)), default=0)
    lines = [
        f"{name:<{width}}  {_spark(series.values)}  {min(series.values):.4g}–{max(series.values):.4g}, "
        f"now {series.values[-1]:.4g}"
        for name, series in zip(names(shown), shown, strict=True)
        if series.values
    ]
    left = len(chart.series) - len(shown)
    more = [f"… and {left} more"] if left else []
    return "\n".join([f"{title_of(chart)}{f' ({chart.unit})' if chart.unit else ''}", *lines, *more])


def names(series: Sequence[Series], clean: Callable[[str], str] = str) -> list[str]:
    """A short name for each series: the labels that differ, at most 20 characters, each once."""
    keys = sorted({key for item in series for key in item.labels})
    differing = [key for key in keys if len({item.labels.get(key) for item in series}) > 1] or keys[:1]
    found: list[str] = []
    for item in series:
        base = clean(" ".join(item.labels[key] for key in differing if item.labels.get(key))) or "value"
        name, number = _shortened(base, MAX_LABEL), 2
        while name in found:
            name = f"{_shortened(base, MAX_LABEL - 3)} {number}"
            number += 1
        found.append(name)
    return found


def _shortened(text: str, most: int) -> str:
    """Its ends, where it is too long: pods and versions differ there."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def _buckets(series: Series, start: float, end: float) -> dict[int, float]:
    """At most 20 values over the whole time, each the one farthest from the median, so that a spike stays."""
    middle = sorted(series.values)[len(series.values) // 2]
    width = (end - start) / (MAX_POINTS - 1) or 1.0
    kept: dict[int, float] = {}
    for time, value in zip(series.times, series.values, strict=True):
        at = round((time - start) / width)
        if math.isfinite(value) and (at not in kept or abs(value - middle) > abs(kept[at] - middle)):
            kept[at] = value
    return kept


def _time_labels(times: list[float], zone: tzinfo) -> list[str]:
    moments = [datetime.fromtimestamp(time, UTC).astimezone(zone) for time in times]
    dated = moments[0].date() != moments[-1].date()
    for form in ("%d %b %H:%M", "%d %b %H:%M:%S") if dated else ("%H:%M", "%H:%M:%S"):
        labels = [moment.strftime(form) for moment in moments]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{label} {number}"[:MAX_LABEL] for number, label in enumerate(labels)]


def _spark(values: Sequence[float], width: int = 40) -> str:
    low, high = min(values), max(values)
    step = max(1, math.ceil(len(values) / width))
    tops = [max(values[at : at + step]) for at in range(0, len(values), step)]
    return "".join(_bars(tops, low, high))


def _bars(values: Sequence[float], low: float, high: float) -> Iterator[str]:
    for value in values:
        yield BARS[round((value - low) / (high - low) * (len(BARS) - 1)) if high > low else 0]
