"""What a chart shows, in words: which series, their names, its alt text."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.analysis.condense import condense
from bot.analysis.wording import number
from bot.domain.evidence import Chart
from bot.domain.facts import SeriesFact
from bot.domain.series import Series
from bot.domain.window import Window

MOST = 8
NAME = 22


def finite(one: Series) -> Series:
    """The series without infinities, which an axis cannot show."""
    kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if math.isfinite(value)]
    return Series(one.labels, tuple(at for at, _ in kept), tuple(value for _, value in kept))


def span(series: Sequence[Series]) -> Window | None:
    """From the first sample to the last; None without any."""
    times = [at for one in series for at in (one.times[:1] + one.times[-1:])]
    if not times:
        return None
    return Window(datetime.fromtimestamp(min(times), UTC), datetime.fromtimestamp(max(times), UTC))


def facts(chart: Chart) -> list[tuple[Series, SeriesFact]]:
    """Each series that has samples with what happened in it, as the chart orders them."""
    series = [finite(one) for one in chart.series]
    window = span(series)
    if window is None:
        return []
    return [(one, condense([one], window, window.end, chart.unit)[0]) for one in series if one.times]


def picked(told: Sequence[tuple[Series, SeriesFact]]) -> list[tuple[Series, SeriesFact]]:
    """At most eight: those that moved most for their size, in the chart's order."""
    ranked = sorted(range(len(told)), key=lambda at: _moved(told[at][1]), reverse=True)[:MOST]
    return [told[at] for at in sorted(ranked)]


def _moved(fact: SeriesFact) -> tuple[bool, float, float]:
    reach = fact["max"] - fact["min"]
    return bool(fact["changed_at"]), reach, abs(fact["max"])


def names(series: Sequence[Series]) -> list[str]:
    """A short name for each: the labels that tell them apart, or all there is for a single one."""
    keys = sorted({key for one in series for key in one.labels if key != "__name__"})
    telling = [key for key in keys if len({one.labels.get(key) for one in series}) > 1] or keys[:1]
    found: list[str] = []
    for one in series:
        whole = " ".join(one.labels[key] for key in telling if one.labels.get(key)) or one.labels.get(
            "__name__", "value"
        )
        name, count = shortened(whole), 2
        while name in found:
            name, count = f"{shortened(whole, NAME - 3)} {count}", count + 1
        found.append(name)
    return found


def shortened(text: str, most: int = NAME) -> str:
    """Its ends, where it is too long: pods and versions differ there."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def alt_text(chart: Chart) -> str:
    """For those who do not see the picture: per series from what to what, its extreme, and when it changed (UTC)."""
    told = facts(chart)
    title = chart.title.strip() or "Chart"
    window = span([one for one, _ in told])
    if window is None:
        return f"{title}: no data."
    shown = picked(told)
    lines = [
        f"{name}: {_said(one, fact)}." for name, (one, fact) in zip(names([o for o, _ in shown]), shown, strict=True)
    ]
    if len(chart.series) > len(shown):
        lines.append(f"{len(chart.series) - len(shown)} more series are not drawn.")
    if chart.threshold is not None:
        over = sum(fact["max"] > chart.threshold for _, fact in told)
        lines.append(f"Threshold {number(chart.threshold, chart.unit)}, {over} of {len(told)} series went above it.")
    if chart.marks:
        lines.append(f"Marked: {'; '.join(f'{at:%H:%M} {text}' for at, text in sorted(chart.marks))}.")
    return " ".join([f"{title}, {window.shown()}.", *lines])


def _said(one: Series, fact: SeriesFact) -> str:
    unit = fact["unit"]
    first, final = number(one.values[0], unit), number(fact["now"], unit)
    if len(one.values) == 1:
        return f"one sample, {final}"
    low, high = number(fact["min"], unit), number(fact["max"], unit)
    if low == high:
        return f"flat at {final}"
    if not fact["changed_at"]:
        return f"{first} to {final}, between {low} and {high}, no lasting change"
    changed = datetime.fromisoformat(fact["changed_at"])
    away = fact["max"] if fact["max"] - fact["before"] >= fact["before"] - fact["min"] else fact["min"]
    peak = one.values.index(away)
    word = "highest" if away == fact["max"] else "lowest"
    return (
        f"{first} to {final}, changed at {changed:%H:%M:%S}, {word} {number(away, unit)}"
        f" at {datetime.fromtimestamp(one.times[peak], UTC):%H:%M}"
    )
