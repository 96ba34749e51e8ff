"""What charts say of figures, moments and what is to come, in the asker's zone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.analysis._chart_fan import Fan, fan
from bot.analysis.wording import number
from bot.domain.evidence import Chart
from bot.domain.forecasts import Breach
from bot.domain.window import Window

DAY = len("24 Nov ")
LIKELY, UNLIKELY = 0.5, 0.1
"""From the one on a crossing will be, below the other it is not to be expected."""


@dataclass(frozen=True)
class Clock:
    """Moments as people of a zone read them, with their day where the chart has several."""

    zone: str = "UTC"
    dated: bool = False

    def __call__(self, at: datetime | float) -> str:
        """`at` is aware, or in UTC seconds."""
        moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
        return f"{moment.astimezone(ZoneInfo(self.zone)):{'%d %b %H:%M' if self.dated else '%H:%M'}}"

    def between(self, start: datetime | float, end: datetime | float) -> str:
        """`13:58–15:40`, the day once where it is one; a moment alone where both read the same."""
        first, last = self(start), self(end)
        if first == last:
            return first
        same = self.dated and first[:DAY] == last[:DAY]
        return f"{first}–{last[DAY:] if same else last}"


def clock_of(window: Window, zone: str) -> Clock:
    """The clock for a window's moments."""
    here = ZoneInfo(zone)
    return Clock(zone, window.start.astimezone(here).date() != window.end.astimezone(here).date())


def figure(value: float, unit: str) -> str:
    """A value with its unit, short."""
    if unit == "bytes/s":
        return f"{number(value, 'bytes' if abs(value) >= 1024 else 'B')}/s"
    return number(value, "" if unit == "count" else unit)


def crossing(chart: Chart, clock: Clock) -> str:
    """Whether and when the threshold is crossed: `will cross 90 % at about 14:32 (13:58–15:40), probability .83`."""
    breach = chart.breach
    if breach is None or not chart.series or not chart.series[0].times:
        return ""
    now, last = chart.series[0].times[-1], chart.series[0].values[-1]
    target = figure(breach.threshold, chart.unit)
    if crossed(chart):
        return f"is {breach.direction} {target} already" if last != breach.threshold else f"is at {target} already"
    do, until = "cross" if breach.direction == "above" else "fall below", clock(now + breach.horizon)
    chance = f"probability {_share(breach.probability)}"
    if breach.likely is None or breach.probability < UNLIKELY:
        return f"not expected to {do} {target} before {until}, {chance}"
    will = "will" if breach.probability >= LIKELY else "may"
    return f"{will} {do} {target} at about {clock(breach.likely)}{_between(breach, clock)}, {chance}"


def crossed(chart: Chart) -> bool:
    """Whether the last sample is beyond the breach's threshold already."""
    if chart.breach is None or not chart.series or not chart.series[0].values:
        return False
    last, bound = chart.series[0].values[-1], chart.breach.threshold
    return last >= bound if chart.breach.direction == "above" else last <= bound


def _between(breach: Breach, clock: Clock) -> str:
    if breach.earliest is None or breach.latest is None:
        return ""
    return f" ({clock.between(breach.earliest, breach.latest)})" if breach.earliest < breach.latest else ""


def _share(probability: float) -> str:
    """`.83`; nothing in the future is certain."""
    if not 0.005 <= probability < 0.995:
        return ">.99" if probability > 0.5 else "<.01"
    return f"{probability:.2f}"[1:]


def expected(chart: Chart, clock: Clock) -> str:
    """What is expected at the end of the fan; empty without one."""
    found = fan(chart)
    if found is None or chart.forecast is None:
        return ""
    tested = "" if chart.forecast.backtests else ", from too little history to be tested"
    middle = figure(float(found.middle[-1]), chart.unit)
    return f"expected {middle} at {clock(float(found.times[-1]))}{_interval(found, chart.unit)}{tested}"


def _interval(found: Fan, unit: str) -> str:
    low, high = figure(float(found.low[-1]), unit), figure(float(found.high[-1]), unit)
    return f" ({found.share} % interval {low} to {high})" if found.share and low != high else ""
