"""A chart as Slack's own block, or as a line of text where the block cannot hold it."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.evidence import Chart
from bot.domain.series import Series

Json = dict[str, Any]
MAX_CHARTS, MAX_SERIES, MAX_POINTS = 2, 6, 20
MAX_LABEL, MAX_TITLE = 20, 50
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
    """The `data_visualization` block of the series that moved most; None without two moments that they all share."""
    room = MAX_SERIES - (chart.threshold is not None)
    shown = moved_most(chart.series, room)
    if not shown:
        return None
    start = min(series.times[0] for series in shown)
    end = max(series.times[-1] for series in shown)
    columns = [_buckets(series, start, end) for series in shown]
    shared = [at for at in range(MAX_POINTS) if all(at in column for column in columns)]
    if len(shared) < 2:
        return None
    titles = names(shown, clean)
    if chart.threshold is not None:
        columns.append(dict.fromkeys(shared, chart.threshold))
        titles.append("threshold")
    labels = _time_labels([start + (end - start) * at / (MAX_POINTS - 1) for at in shared], ZoneInfo(zone))
    factor, unit = _size(chart.unit, max(abs(column[at]) for column in columns for at in shared))
    series = [
        {"name": name, "data": _points(labels, [column[at] * factor for at in shared])}
        for name, column in zip(titles, columns, strict=True)
    ]
    axis: Json = {"categories": labels} | ({"y_label": unit[:MAX_TITLE]} if unit else {})
    return {
        "type": "data_visualization",
        "title": clean(title_of(chart, left=len(chart.series) - len(shown)))[:MAX_TITLE],
        "chart": {"type": "line", "series": series, "axis_config": axis},
    }


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
        name, number = base[:MAX_LABEL], 2
        while name in found:
            name = f"{base[: MAX_LABEL - 3]} {number}"
            number += 1
        found.append(name)
    return found


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
