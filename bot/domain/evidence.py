"""What was seen, where, and under which id it can be looked up."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.domain.forecasts import Breach, Forecast
from bot.domain.messages import Usage
from bot.domain.series import Series
from bot.domain.window import Window


@dataclass(frozen=True)
class Zone:
    """A stretch worth shading (UTC): the incident's window, a maintenance, a silence."""

    start: datetime
    end: datetime
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Series to be drawn; `marks` are moments worth a line (UTC), `unit` is PromQL-like: seconds, bytes, ratio, 1/s.

    In a chart of `bars` a value counts what fell into the step that begins at its time, and each series has its own
    row. `incident` is when it began (UTC). `forecast` goes on from the first series' last sample, in the chart's unit;
    `breach` tells whether and when that series crosses its threshold.
    """

    title: str
    series: tuple[Series, ...]
    unit: str = ""
    marks: tuple[tuple[datetime, str], ...] = ()
    threshold: float | None = None
    kind: Literal["lines", "bars"] = "lines"
    incident: datetime | None = None
    zones: tuple[Zone, ...] = ()
    forecast: Forecast | None = None
    breach: Breach | None = None

    @property
    def limit(self) -> float | None:
        """The threshold, or else the one that the breach is about."""
        return self.threshold if self.threshold is not None or self.breach is None else self.breach.threshold


@dataclass(frozen=True)
class Found:
    """What a tool returns: condensed `text` for the model, the same as `facts` for code, everything as `raw`.

    `missing` names what was not looked at (source down, truncated, no data), `usage` what a model took that helped.
    """

    text: str
    source: str
    query: str
    env: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    raw: Any = None
    summary: str = ""
    chart: Chart | None = None
    missing: tuple[str, ...] = ()
    usage: Usage = Usage()


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence of an investigation, stored under (`flow`, `id`); `arguments` are the call's own."""

    id: str
    flow: str
    tool: str
    source: str
    env: str
    query: str
    window: Window
    summary: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    raw: Any = None
    chart: Chart | None = None
    missing: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
