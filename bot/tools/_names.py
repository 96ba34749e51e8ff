"""Many metrics in one query, each named literally, and the label sets behind them."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.analysis.frames import Row
from bot.analysis.labels import MONITORS
from bot.analysis.words import NOISE
from bot.domain.errors import ToolError
from bot.domain.ports import SeriesStore

NAME = "metric_name"
LONGEST = 1_800
MOST_SERIES = 800
_PARTS = ("_bucket", "_created", "_sum")


def is_worth(name: str) -> bool:
    """Whether a metric can tell something of a service: no part of a histogram but its count, no runtime noise."""
    own = any(name.startswith(f"{monitor}_") and not name.endswith("_build_info") for monitor in MONITORS)
    return not (own or name.startswith(NOISE) or name.endswith(_PARTS) or ":" in name or name == "up")


def union(names: Iterable[str]) -> str:
    """One query for several metrics; a label tells them apart, as `or` alone would drop equal label sets."""
    return " or ".join(f'label_replace({name}, "{NAME}", "{name}", "", "")' for name in names)


def chunks(sized: Iterable[tuple[str, int]]) -> list[list[str]]:
    """Names in groups that fit one query by its length and by the number of series."""
    groups: list[list[str]] = []
    length = series = 0
    for name, count in sized:
        cost = len(union([name])) + 4
        if not groups or length + cost > LONGEST or series + count > MOST_SERIES:
            groups.append([])
            length = series = 0
        groups[-1].append(name)
        length, series = length + cost, series + count
    return groups


def named(row: Row) -> Row:
    """The row under its metric's own name."""
    if NAME not in row.labels:
        return row
    labels = {k: v for k, v in row.labels.items() if k != NAME}
    return Row({**labels, "__name__": row.labels[NAME]}, row.values)


async def label_sets(
    store: SeriesStore, names: Sequence[str], at: datetime, gate: asyncio.Semaphore
) -> list[dict[str, str]]:
    """The label sets of the metrics at a moment; of a very large metric a sample."""

    async def some(part: Sequence[str]) -> list[dict[str, str]]:
        async with gate:
            try:
                answer = await store.instant(union(part), at)
            except ToolError:
                return []
        if answer.left_out and len(part) > 1:
            halves = await asyncio.gather(some(part[: len(part) // 2]), some(part[len(part) // 2 :]))
            return [*halves[0], *halves[1]]
        return [{**{k: v for k, v in s.labels.items() if k != NAME}, "__name__": s.labels[NAME]} for s in answer.series]

    found = await asyncio.gather(*(some(part) for part in chunks((name, 0) for name in names)))
    return [labels for part in found for labels in part]
