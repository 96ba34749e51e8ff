"""What a chart shows, in words: which series, their names, its alt text."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.analysis.condense import condense
from bot.analysis.wording import number
from bot.domain.evidence import Chart
from bot.domain.facts import SeriesFact
from bot.domain.series import Series
from bot.domain.window import Window

HUGE, TINY = 1e300, 1e-300
"""Beyond the one a value is as good as infinite, below the other it is nothing."""
MOST = 8
NAME = 22


def finite(one: Series) -> Series:
    """The series without infinities, which an axis cannot show."""
    kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if abs(value) < HUGE]
    return Series(one.labels, tuple(at for at, _ in kept), tuple(v if abs(v) > TINY else 0.0 for _, v in kept))


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
    """For those who do not see the picture: per series from what to what and when it changed (UTC), those first."""
    told = facts(chart)
    title = chart.title.strip() or "Chart"
    window = span([one for one, _ in told])
    if window is None:
        return f"{title}: no data."
    shown = picked(told)
    named = list(zip(names([one for one, _ in shown]), shown, strict=True))
    form = "%H:%M" if window.start.date() == window.end.date() else "%d %b %H:%M"
    changed = [f"{name}: {_changed(one, fact, form)}." for name, (one, fact) in named if fact["changed_at"]]
    steady = [f"{name} {_steady(one, fact)}" for name, (one, fact) in named if not fact["changed_at"]]
    lines = [*changed, *_threshold(chart, told), *_marks(chart, form)]
    if steady:
        lines.append(f"No lasting change: {'; '.join(steady)}.")
    if len(chart.series) > len(shown):
        lines.append(f"{len(chart.series) - len(shown)} more series are not drawn.")
    return " ".join([f"{title}, {window.shown()}.", *lines])


def _threshold(chart: Chart, told: Sequence[tuple[Series, SeriesFact]]) -> list[str]:
    if chart.threshold is None:
        return []
    over = sum(fact["max"] > chart.threshold for _, fact in told)
    return [f"Threshold {_figure(chart.threshold, chart.unit)}, {over} of {len(told)} series went above it."]


def _marks(chart: Chart, form: str) -> list[str]:
    marks = [f"{at.astimezone(UTC):{form}} {text}" for at, text in sorted(chart.marks)]
    return [f"Marked: {'; '.join(marks)}."] if marks else []


def _figure(value: float, unit: str) -> str:
    return number(value, "" if unit == "count" else unit)


def _steady(one: Series, fact: SeriesFact) -> str:
    unit = fact["unit"]
    final, low, high = (_figure(fact[name], unit) for name in ("now", "min", "max"))
    if len(one.values) == 1:
        return f"one sample, {final}"
    return f"flat at {final}" if low == high else f"{final}, between {low} and {high}"


def _changed(one: Series, fact: SeriesFact, form: str) -> str:
    up = fact["max"] - fact["before"] >= fact["before"] - fact["min"]
    away = fact["max"] if up else fact["min"]
    peak = datetime.fromtimestamp(one.times[one.values.index(away)], UTC)
    first, final, most = (_figure(value, fact["unit"]) for value in (one.values[0], fact["now"], away))
    since = datetime.fromisoformat(fact["changed_at"])
    return f"{first} to {final}, changed at {since:{form}}, {'highest' if up else 'lowest'} {most} at {peak:{form}}"
