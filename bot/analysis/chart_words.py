"""What a chart shows, in words: which series, their names, its alt text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.analysis._chart_names import MOST, names
from bot.analysis._chart_said import Clock, clock_of, crossing, expected, figure
from bot.analysis.bars import Row, rows, step_in_words
from bot.analysis.condense import condense
from bot.domain.evidence import Chart
from bot.domain.facts import SeriesFact
from bot.domain.series import Series
from bot.domain.window import Window

HUGE, TINY = 1e300, 1e-300
"""Beyond the one a value is as good as infinite, below the other it is nothing."""
PAST = 4.0
"""Of the history before a forecast so many times its length are shown: more would leave no room for what is to come."""


def finite(one: Series) -> Series:
    """The series without infinities and NaN, which an axis cannot show."""
    kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if abs(value) < HUGE]
    return Series(one.labels, tuple(at for at, _ in kept), tuple(v if abs(v) > TINY else 0.0 for _, v in kept))


def seen(chart: Chart) -> Chart:
    """The chart with finite samples only, the first series without samples left off, a long past cut."""
    series = [finite(one) for one in chart.series]
    ahead = bool(series and series[0].times and chart.kind == "lines")
    kept = replace(
        chart,
        series=tuple(one for one in series if one.times),
        forecast=chart.forecast if ahead else None,
        breach=chart.breach if ahead else None,
    )
    if kept.forecast is None or not kept.forecast.times:
        return kept
    now = kept.series[0].times[-1]
    since = now - PAST * (max(kept.forecast.times) - now)
    cut = tuple(_since(one, since) for one in kept.series) if since < now else kept.series
    return replace(kept, series=tuple(one for one in cut if one.times))


def _since(one: Series, start: float) -> Series:
    kept = [(at, value) for at, value in zip(one.times, one.values, strict=True) if at >= start]
    return Series(one.labels, tuple(at for at, _ in kept), tuple(value for _, value in kept))


def span(series: Sequence[Series]) -> Window | None:
    """From the first sample to the last; None without any."""
    times = [at for one in series for at in (one.times[:1] + one.times[-1:])]
    if not times:
        return None
    return Window(datetime.fromtimestamp(min(times), UTC), datetime.fromtimestamp(max(times), UTC))


def facts(chart: Chart) -> list[tuple[Series, SeriesFact]]:
    """Each series that has samples with what happened in it, as the chart orders them."""
    series = seen(chart).series
    window = span(series)
    if window is None:
        return []
    return [(one, condense([one], window, window.end, chart.unit)[0]) for one in series]


def picked(told: Sequence[tuple[Series, SeriesFact]], lead: bool = False) -> list[tuple[Series, SeriesFact]]:
    """At most eight: those that moved most for their size, in the chart's order; with `lead` the first in any case."""
    ranked = sorted(range(len(told)), key=lambda at: (lead and at == 0, *_moved(told[at][1])), reverse=True)[:MOST]
    return [told[at] for at in sorted(ranked)]


def _moved(fact: SeriesFact) -> tuple[bool, float, float]:
    reach = fact["max"] - fact["min"]
    return bool(fact["changed_at"]), reach, abs(fact["max"])


def alt_text(chart: Chart, zone: str = "UTC") -> str:
    """For those who do not see the picture: what is to come, then per series from what to what and when it changed.

    Moments are in the zone. A chart of bars tells what is new since the incident.
    """
    title = chart.title.strip() or "Chart"
    chart = replace(seen(chart), title=title)
    window = span(chart.series)
    if window is None:
        return f"{title}: no data."
    return _of_bars(chart, zone) if chart.kind == "bars" else _of_lines(chart, window, zone)


def _of_lines(chart: Chart, window: Window, zone: str) -> str:
    told = facts(chart)
    shown = picked(told, chart.forecast is not None)
    named = list(zip(names([one for one, _ in shown]), shown, strict=True))
    clock = clock_of(window, zone)
    changed = [f"{name}: {_changed(one, fact, clock)}." for name, (one, fact) in named if fact["changed_at"]]
    steady = [f"{name} {_steady(one, fact)}" for name, (one, fact) in named if not fact["changed_at"]]
    lines = [*_ahead(chart, window, zone), *_incident(chart, clock), *changed, *_threshold(chart, told)]
    lines += [*_marks(chart, clock), *_zones(chart, clock)]
    if steady:
        lines.append(f"No lasting change: {'; '.join(steady)}.")
    return " ".join([f"{chart.title}, {window.shown(zone)}.", *lines, *_left(len(told) - len(shown))])


def _left(count: int) -> list[str]:
    return [f"{count} more series are not drawn."] if count > 0 else []


def _ahead(chart: Chart, window: Window, zone: str) -> list[str]:
    """What is to come; its moments have their day where it reaches into another."""
    ends = [chart.series[0].times[-1], *(chart.forecast.times if chart.forecast else ())]
    ends += [at for at in (chart.breach.latest, chart.breach.likely) if at] if chart.breach else []
    whole = Window(window.end, datetime.fromtimestamp(max(ends), UTC))
    said = [text for text in (crossing(chart, clock_of(whole, zone)), expected(chart, clock_of(whole, zone))) if text]
    return [f"Forecast: {'; '.join(said)}."] if said else []


def _incident(chart: Chart, clock: Clock) -> list[str]:
    return [f"Incident since {clock(chart.incident)}."] if chart.incident else []


def _zones(chart: Chart, clock: Clock) -> list[str]:
    zones = [f"{clock.between(one.start, one.end)} {one.label}".strip() for one in chart.zones]
    return [f"Shaded: {'; '.join(zones)}."] if zones else []


def _threshold(chart: Chart, told: Sequence[tuple[Series, SeriesFact]]) -> list[str]:
    if chart.limit is None:
        return []
    if chart.breach is not None and chart.breach.direction == "below":
        count, side = sum(fact["min"] < chart.limit for _, fact in told), "below"
    else:
        count, side = sum(fact["max"] > chart.limit for _, fact in told), "above"
    return [f"Threshold {figure(chart.limit, chart.unit)}, {count} of {len(told)} series went {side} it."]


def _marks(chart: Chart, clock: Clock) -> list[str]:
    marks = [f"{clock(at)} {text}" for at, text in sorted(chart.marks)]
    return [f"Marked: {'; '.join(marks)}."] if marks else []


def _steady(one: Series, fact: SeriesFact) -> str:
    unit = fact["unit"]
    final, low, high = (figure(fact[name], unit) for name in ("now", "min", "max"))
    if len(one.values) == 1:
        return f"one sample, {final}"
    return f"flat at {final}" if low == high else f"{final}, between {low} and {high}"


def _changed(one: Series, fact: SeriesFact, clock: Clock) -> str:
    up = fact["max"] - fact["before"] >= fact["before"] - fact["min"]
    away = fact["max"] if up else fact["min"]
    peak = clock(one.times[one.values.index(away)])
    first, final, most = (figure(value, fact["unit"]) for value in (one.values[0], fact["now"], away))
    since = clock(datetime.fromisoformat(fact["changed_at"]))
    return f"{first} to {final}, changed at {since}, {'highest' if up else 'lowest'} {most} at {peak}"


def _of_bars(chart: Chart, zone: str) -> str:
    told = rows(chart)
    shown = told[:MOST]
    window = Window(
        datetime.fromtimestamp(min(row.times[0] for row in shown), UTC),
        datetime.fromtimestamp(max(row.times[-1] + row.step for row in shown), UTC),
    )
    clock = clock_of(window, zone)
    new = [f"{row.name}: {_row(row, clock)}" for row in shown if row.new]
    known = [f"{row.name}: {_row(row, clock)}" for row in shown if not row.new]
    lines = _incident(chart, clock)
    lines += [f"New since then: {'; '.join(new)}."] if new else ["Nothing new since then."] if chart.incident else []
    lines += [f"{'Not new' if chart.incident else 'Seen'}: {'; '.join(known)}."] if known else []
    lines += [*_marks(chart, clock), *_zones(chart, clock)]
    return " ".join([f"{chart.title}, {window.shown(zone)}.", *lines, *_left(len(told) - len(shown))])


def _row(row: Row, clock: Clock) -> str:
    if not row.total:
        return "none"
    most = int(row.values.argmax())
    first = f" from {clock(row.first)}" if row.new else ""
    peak = f"most {row.values[most]:,.0f} in {step_in_words(row.step)} at {clock(float(row.times[most]))}"
    before = f", {row.before:,.0f} of them before" if not row.new and row.since is not None else ""
    return f"{row.total:,.0f}{first}{before}, {peak}"
