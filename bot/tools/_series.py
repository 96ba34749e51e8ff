"""What several instances answered to one query, as one list, and what of it is not there."""

import asyncio
from dataclasses import replace

from bot.domain.ports import SeriesStore
from bot.domain.series import Labels, Series, SeriesAnswer
from bot.domain.window import Window
from bot.tools._empty import why_empty
from bot.tools._scope import Told, series_of

FINE = 30_000.0
"""Seconds; a longer stretch is read in steps of more than a minute."""


async def ranged(store: SeriesStore, query: str, window: Window) -> SeriesAnswer:
    """A range query that ends with the window's very end: where the step is coarse, one more value is read there."""
    if window.seconds <= FINE:
        return await store.range(query, window)
    answer, last = await asyncio.gather(store.range(query, window), store.instant(query, window.end))
    ends = {_key(one.labels): one for one in last.series}
    grown = tuple(_with_end(one, ends.get(_key(one.labels))) for one in answer.series)
    return replace(answer, series=grown)


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _with_end(one: Series, end: Series | None) -> Series:
    if end is None or end.times[-1] <= one.times[-1]:
        return one
    return Series(one.labels, (*one.times, end.times[-1]), (*one.values, end.values[-1]))


def placed(told: Told[SeriesAnswer]) -> list[Series]:
    """All series; where several places answered, each says by the label `env` which is its own."""
    return [
        replace(one, labels={**one.labels, "env": instance.shown}) if told.many else one
        for instance, answer in told.answers
        for one in answer.series
    ]


async def not_seen(told: Told[SeriesAnswer], query: str, window: Window) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing (who did not answer, dropped series, no such metric), and notes that only explain."""
    missing, notes = list(told.missing), []
    for instance, answer in told.answers:
        notes += [f"{instance.name}: {warning}" for warning in answer.warnings]
        if answer.left_out:
            missing.append(f"{instance.name}: {answer.left_out} more series; aggregate or narrow the query")
        if not answer.series:
            reason = await why_empty(series_of(instance), query, window)
            if reason.known:
                notes.append(f"{instance.name}: {reason.text}")
            else:
                missing.append(f"{instance.name} has no data for this query. {reason.text}".strip())
    return tuple(missing), tuple(notes)


def closing(missing: tuple[str, ...], notes: tuple[str, ...]) -> list[str]:
    """The last lines of a tool's text."""
    return [*(f"Note: {note}" for note in notes), *(f"Not seen: {item}" for item in missing)]
