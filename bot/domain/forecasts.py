"""What is expected of a series: a fan of quantile paths, and whether and when it crosses a threshold."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["above", "below"]


@dataclass(frozen=True)
class Bounds:
    """Values that a metric cannot leave; None where it is open."""

    low: float | None = None
    high: float | None = None


OPEN = Bounds()
SHARE = Bounds(0.0, 1.0)
PERCENT = Bounds(0.0, 100.0)


@dataclass(frozen=True)
class Forecast:
    """Quantile paths: `paths[i][k]` is the `levels[i]` quantile at `times[k]` (UTC seconds), in the series' unit."""

    times: tuple[float, ...]
    levels: tuple[float, ...]
    paths: tuple[tuple[float, ...], ...]
    backtests: int
    """On how many pasts the spread was measured; 0 when there was too little history for any."""


@dataclass(frozen=True)
class Breach:
    """Whether a threshold is crossed within the horizon, and when, if it is.

    `probability` is in 0..1. `likely` is the most likely time of the first crossing, `earliest` and `latest` an 80 %
    interval of it (UTC seconds); all three are None where no crossing is in sight.
    """

    threshold: float
    direction: Direction
    horizon: float
    probability: float
    earliest: float | None = None
    likely: float | None = None
    latest: float | None = None
    backtests: int = 0
