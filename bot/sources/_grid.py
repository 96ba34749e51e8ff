"""Which step a range query takes: few enough points, on times that every later query shares."""

from bot.domain.errors import BadArguments
from bot.domain.window import Window

MAX_POINTS = 500
STEPS = (15, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 14400, 21600, 43200)
DAY = 86_400


def grid(window: Window, step: float = 0.0) -> tuple[float, float, float]:
    """Start, end and step in seconds: at most 500 points, both ends floored to multiples of the step."""
    if window.seconds <= 0:
        raise BadArguments("the window ends before it starts")
    chosen = float(step) if step > 0 and _points(window, step) <= MAX_POINTS else _widest(window, max(step, 15.0))
    start = window.start.timestamp() // chosen * chosen
    return start, max(start, window.end.timestamp() // chosen * chosen), chosen


def _points(window: Window, step: float) -> float:
    return window.end.timestamp() // step - window.start.timestamp() // step + 1


def _widest(window: Window, least: float) -> float:
    """The smallest of the usual steps that is at least `least` and keeps to the points."""
    days = int(window.seconds // (MAX_POINTS * DAY)) + 2
    return float(
        next(
            s
            for s in (*STEPS, *(DAY * n for n in range(1, days + 1)))
            if s >= least and _points(window, s) <= MAX_POINTS
        )
    )
