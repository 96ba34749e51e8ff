"""`nightjar forecast`: whether and when a series reaches a threshold, and where it goes until then."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from bot.analysis.forecasts import breach, forecast
from bot.cli._said import say, say_json
from bot.cli._tables import Columns, series
from bot.cli._units import clock, clocks, length, seconds, short
from bot.domain.errors import SetupError
from bot.domain.forecasts import Breach, Direction, Forecast
from bot.domain.series import Series

_LIKELY = 0.5
_OPEN = 0.05
"""A smaller chance of a crossing is none worth a time."""


@dataclass(frozen=True)
class _Told:
    """What is said of one series; `ahead` and `fan` are None where nothing is known of it."""

    name: str
    line: Series
    reached: bool
    ahead: Breach | None
    fan: Forecast | None


def run(
    file: str, above: float | None, below: float | None, horizon: str, step: str, *, sustain: int, as_json: bool
) -> None:
    """Print what is expected of each series of the file within the horizon."""
    if (above is None) == (below is None):
        raise SetupError("say the threshold, one of them: --above 90, or --below 10")
    threshold, direction = _threshold(above, below)
    ahead = seconds(horizon, "--horizon")
    columns = series(file, seconds(step, "--step") if step else None)
    told = [_of(name, columns, threshold, direction, ahead, sustain) for name in columns.values]
    if as_json:
        rows = [_row(one) for one in told]
        head = {"threshold": threshold, "direction": direction, "horizon_s": ahead, "timed": columns.timed}
        say_json({**head, "series": rows})
        return
    say("\n\n".join(_said(one, threshold, direction, ahead, columns.timed) for one in told))


def _threshold(above: float | None, below: float | None) -> tuple[float, Direction]:
    value = above if above is not None else below
    if value is None or not math.isfinite(value):
        raise SetupError("the threshold is no finite number")
    return value, "above" if above is not None else "below"


def _of(name: str, columns: Columns, threshold: float, direction: Direction, ahead: float, sustain: int) -> _Told:
    known = [(t, v) for t, v in zip(columns.times, columns.values[name], strict=True) if math.isfinite(v)]
    line = Series({}, tuple(t for t, _ in known), tuple(v for _, v in known))
    if not known:
        return _Told(name, line, False, None, None)
    last = line.values[-1]
    reached = last >= threshold if direction == "above" else last <= threshold
    found = breach(line, threshold, ahead, direction, sustain=sustain)
    return _Told(name, line, reached, found, forecast(line, ahead))


def _row(told: _Told) -> dict[str, Any]:
    """One series for a program."""
    samples = len(told.line.values)
    row: dict[str, Any] = {
        "name": told.name,
        "samples": samples,
        "last_time": told.line.times[-1] if samples else None,
        "last_value": told.line.values[-1] if samples else None,
        "reached": told.reached,
        "probability": None, "earliest": None, "likely": None, "latest": None, "backtests": 0, "forecast": None,
    }  # fmt: skip
    if told.ahead is not None:
        row |= {key: getattr(told.ahead, key) for key in ("probability", "earliest", "likely", "latest", "backtests")}
    if told.fan is not None:
        row["forecast"] = {key: value for key, value in asdict(told.fan).items() if key != "backtests"}
    return row


def _said(told: _Told, threshold: float, direction: Direction, ahead: float, timed: bool) -> str:
    """One series for people: where it stands, whether it crosses, where it will be."""
    if not told.line.values:
        return f"{told.name}: no sample, so nothing can be said"
    last, now = told.line.values[-1], told.line.times[-1]
    count, span = len(told.line.values), now - told.line.times[0]
    samples = f"{count:,} samples over {length(span)}" if count > 1 else "1 sample"
    when = f" at {clock(now)}" if timed else ""
    lines = [f"{told.name}: {short(last)}{when} ({samples})"]
    if told.ahead is None or told.fan is None:
        return "\n".join([*lines, "  nothing can be said: no sample is a usable number"])
    word = "at or above" if direction == "above" else "at or below"
    if told.reached:
        lines.append(f"  already {word} {short(threshold)}")
    else:
        lines += _crossing(told.ahead, threshold, word, ahead, now, timed)
    low, middle, high = (told.fan.paths[i][-1] for i in (0, len(told.fan.levels) // 2, -1))
    lines.append(f"  in {length(ahead)}: {short(middle)} expected (80 %: {short(low)} to {short(high)})")
    if not told.ahead.backtests:
        lines.append("  too short a history to test this on: take it as a guess")
    return "\n".join(lines)


def _crossing(found: Breach, threshold: float, word: str, ahead: float, now: float, timed: bool) -> list[str]:
    share = f"{found.probability:.0%}".replace("%", " %")
    within = f"{word} {short(threshold)} within {length(ahead)}"
    if found.probability < _OPEN or found.earliest is None or found.likely is None or found.latest is None:
        return [f"  not expected {within} ({share})"]
    verdict = "likely" if round(found.probability, 2) >= _LIKELY else "not likely"
    spans = [length(at - now) for at in (found.likely, found.earliest, found.latest)]
    lines = [f"  {verdict} {within} ({share})", f"  if so, in {spans[0]} (80 %: {spans[1]} to {spans[2]})"]
    if timed:
        lines[1] += ": {} (80 %: {} to {})".format(*clocks(found.likely, (found.earliest, found.latest)))
    return lines
