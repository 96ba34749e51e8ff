"""Prometheus' JSON into series: strings become floats, what is no number is dropped and counted."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from bot.domain.errors import SourceRefused
from bot.domain.series import Series, SeriesAnswer

MAX_SERIES = 1_000


def data(source: str, body: Any) -> Any:
    """The `data` of an answer; SourceRefused when it is none."""
    if not isinstance(body, dict) or body.get("status") != "success":
        said = str(body.get("error", ""))[:300] if isinstance(body, dict) else ""
        raise SourceRefused(f"{source} gave an answer that is not Prometheus': {said or 'no status'}")
    return body.get("data")


def series(source: str, query: str, body: Any, step: float = 0.0) -> SeriesAnswer:
    """A query's answer of any result type; SourceRefused when its shape is not Prometheus'."""
    held = data(source, body)
    try:
        kind, result = held["resultType"], held["result"]
        rows, notes, left_out = _READ[kind](result)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SourceRefused(f"{source} gave a result whose shape is not Prometheus'") from error
    said = (str(text)[:300] for key in ("warnings", "infos") for text in body.get(key) or ())
    return SeriesAnswer(rows, query, step, (*said, *notes), left_out)


Read = tuple[tuple[Series, ...], tuple[str, ...], int]


def _matrix(result: Sequence[dict[str, Any]]) -> Read:
    return _rows([(row["metric"], row.get("values") or ()) for row in result[:MAX_SERIES]], result)


def _vector(result: Sequence[dict[str, Any]]) -> Read:
    return _rows([(row["metric"], (row["value"],) if "value" in row else ()) for row in result[:MAX_SERIES]], result)


def _scalar(result: Sequence[Any]) -> Read:
    return _rows([({}, (result,))], ())


def _string(result: Sequence[Any]) -> Read:
    return (), (f"the query gives a text, no number: {str(result[1])[:200]!r}",), 0


_READ = {"matrix": _matrix, "vector": _vector, "scalar": _scalar, "string": _string}


def _rows(pairs: Iterable[tuple[dict[str, str], Sequence[Any]]], result: Sequence[dict[str, Any]]) -> Read:
    rows, dropped = [], 0
    for labels, points in pairs:
        times, values = _numbers(points)
        dropped += len(points) - len(values)
        if values:
            rows.append(Series(labels, times, values))
    histograms = sum("histogram" in row or "histograms" in row for row in result)
    notes = []
    if dropped:
        notes.append(f"{dropped} values were NaN or infinite (0/0, no data) and are left out")
    if histograms:
        notes.append(f"{histograms} series are native histograms; wrap them in histogram_quantile(0.95, …)")
    return tuple(rows), tuple(notes), max(0, len(result) - MAX_SERIES)


def _numbers(points: Sequence[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if not points:
        return (), ()
    times, texts = zip(*points, strict=True)
    values = tuple(map(float, texts))
    if math.isfinite(sum(values)):
        return times, values
    kept = [(time, value) for time, value in zip(times, values, strict=True) if math.isfinite(value)]
    return tuple(time for time, _ in kept), tuple(value for _, value in kept)
