"""Finds how densely a server's samples lie, and lays the time axis of a survey accordingly."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from bot.analysis.frames import Axis, Segment
from bot.domain.ports import SeriesStore
from bot.domain.series import Series
from bot.domain.window import Window

FINE = 720.0
"""How many seconds before the end are read finely, where the samples are dense enough."""
POINTS = 360
LEAST = 6
"""Fewer fine points than these tell nothing of their own."""


async def axis_of(store: SeriesStore, span: Window) -> Axis:
    """Coarse over the whole span, fine at its end where the samples are denser; empty when there is no sample."""
    end, start = span.end.timestamp(), span.start.timestamp()
    coarse = max(5.0, round((end - start) / 240))
    recent, close = Window(max(span.start, span.end - timedelta(seconds=FINE)), span.end), FINE / POINTS
    dense, sparse = await asyncio.gather(
        store.range("max(count_over_time(up[10s]))", recent, close),
        store.range("max(count_over_time(up[60s]))", span, coarse),
    )
    per_minute, per_ten = _points(sparse.series), _points(dense.series)
    if not per_minute and not per_ten:
        return Axis(())
    first = max(start, min([at - 60 for at, _ in per_minute[:1]] + [at - 10 for at, _ in per_ten[:1]]))
    interval = _interval([n for _, n in per_minute], 60.0)
    fine = _fine_start(per_ten, max(close, dense.step))
    if fine is None:
        return Axis((_segment(first, end, max(interval, (end - start) / POINTS), interval),))
    every = _interval([max(n for _, n in per_ten[-5:])], 10.0)
    begin = max(fine, end - FINE, first)
    newest = _segment(begin, end, max(every, (end - begin) / POINTS), every)
    if newest.start - first < max(75.0, 2 * coarse):
        return Axis((newest,)) if newest.end > newest.start else Axis(())
    if newest.count < LEAST:
        return Axis((_segment(first, end, max(interval, (end - start) / POINTS), interval),))
    older = _segment(first, newest.start - 1, max(interval, 5.0, (end - start) / POINTS), interval)
    return Axis((older, newest))


def _points(series: Sequence[Series]) -> list[tuple[float, float]]:
    return [pair for one in series[:1] for pair in zip(one.times, one.values, strict=True)]


def _interval(counts: Sequence[float], seconds: float) -> float:
    """The scrape interval from how many samples fell into `seconds`."""
    middle = sorted(counts)[len(counts) // 2] if counts else 0
    return float(max(1.0, round(seconds / middle))) if middle else 60.0


def _fine_start(points: Sequence[tuple[float, float]], coarse: float) -> float | None:
    """Since when, without a break up to the end, there is a sample at least every three seconds or so."""
    start = None
    for at, count in reversed(points):
        if count < 3 or (start is not None and start - at > 3 * coarse):
            break
        start = at
    return None if start is None else start - 6


def _segment(start: float, end: float, step: float, interval: float) -> Segment:
    step = float(max(1, round(step)))
    rate = max(4 * interval if interval > 2 else 5 * interval, step)
    return Segment((start // step + 1) * step, (end // step) * step, step, rate)
