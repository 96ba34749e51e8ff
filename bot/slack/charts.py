"""A chart as Slack's own block, or as a line of text where the block cannot hold it."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.evidence import Chart
from bot.domain.series import Series

Json = dict[str, Any]
MAX_CHARTS, MAX_SERIES, MAX_POINTS = 2, 6, 20
MAX_LABEL, MAX_TITLE = 20, 50
BARS = "▁▂▃▄▅▆▇█"


def block_of(chart: Chart, zone: str = "UTC") -> Json | None:
    """The `data_visualization` block; None when the chart has too many series, or no moment they all share."""
    if not 1 <= len(chart.series) <= MAX_SERIES or not all(series.times for series in chart.series):
        return None
    start = min(series.times[0] for series in chart.series)
    end = max(series.times[-1] for series in chart.series)
    columns = [_buckets(series, start, end) for series in chart.series]
    shared = [at for at in range(MAX_POINTS) if all(at in column for column in columns)]
    if len(shared) < 2:
        return None
    labels = _time_labels([start + (end - start) * at / (MAX_POINTS - 1) for at in shared], ZoneInfo(zone))
    series = [
        {"name": name, "data": [{"label": text, "value": column[at]} for text, at in zip(labels, shared, strict=True)]}
        for name, column in zip(names(chart.series), columns, strict=True)
    ]
    axis: Json = {"categories": labels} | ({"y_label": chart.unit[:MAX_TITLE]} if chart.unit else {})
    title = chart.title[:MAX_TITLE] or "chart"
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {"type": "line", "series": series, "axis_config": axis},
    }


def sparklines(chart: Chart) -> str:
    """The chart as monospace text, one line a series, with its lowest, highest and last value."""
    shown = chart.series[:MAX_SERIES]
    width = max((len(name) for name in names(shown)), default=0)
    lines = [
        f"{name:<{width}}  {_spark(series.values)}  {min(series.values):.4g}–{max(series.values):.4g}, "
        f"now {series.values[-1]:.4g}"
        for name, series in zip(names(shown), shown, strict=True)
        if series.values
    ]
    left = len(chart.series) - len(shown)
    more = [f"… and {left} more"] if left else []
    return "\n".join([f"{chart.title}{f' ({chart.unit})' if chart.unit else ''}", *lines, *more])


def names(series: Sequence[Series]) -> list[str]:
    """A short name for each series: the labels that differ, at most 20 characters, each once."""
    keys = sorted({key for item in series for key in item.labels})
    differing = [key for key in keys if len({item.labels.get(key) for item in series}) > 1] or keys[:1]
    found: list[str] = []
    for item in series:
        base = " ".join(item.labels[key] for key in differing if item.labels.get(key)) or "value"
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
    return {at: float(f"{value:.6g}") for at, value in kept.items()}


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
