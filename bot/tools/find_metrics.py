"""The tool that finds the right metric."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from bot.check.promql import selector
from bot.domain.errors import ToolError
from bot.domain.evidence import Found
from bot.domain.series import Metric
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools._empty import labels_seen
from bot.tools._scope import ENV, ask, scope, series_of

FETCHED = 60
SHOWN = 15
LABELLED = 5
VALUES = 5
_PART = {"_bucket": 0, "_count": 1, "_sum": 2}
Labelled = tuple[Metric, str]


@tool(role="search", need="series")
async def find_metrics(
    desk: Desk,
    words: Annotated[str, "what is measured, such as `request latency`, or part of a name"],
    env: Annotated[str, ENV] = "",
) -> Found:
    """The metrics that fit some words, best first, with type, help, labels and their values. Use it before PromQL."""
    told = await ask(scope(desk, "series", env), lambda instance: _search(instance, desk, words))
    lines = []
    for instance, metrics in told.answers:
        place = f" ({instance.shown})" if told.many else ""
        lines.append(f"{len(metrics)} metrics for {words!r}{place}:")
        lines += [_line(metric, labels) for metric, labels in metrics]
    names = [metric.name for _, metrics in told.answers for metric, _ in metrics]
    none = tuple(f"{i.name} has no metric like {words!r}" for i, metrics in told.answers if not metrics)
    missing = (*told.missing, *none)
    rows = [
        {"name": metric.name, "type": metric.type, "help": metric.help, "labels": labels, "source": i.name}
        for i, metrics in told.answers
        for metric, labels in metrics
    ]
    return Found(
        text="\n".join([*lines, *(f"Not seen: {item}" for item in missing)]),
        source=told.source,
        query=f"metrics for {words}",
        env=told.env,
        facts={"metrics": rows},
        raw={"metrics": rows},
        summary=", ".join(dict.fromkeys(names[:4])) or "no metric found",
        missing=missing,
    )


async def _search(instance: Instance, desk: Desk, words: str) -> list[Labelled]:
    store = series_of(instance)
    found = _joined(await store.metrics(words, FETCHED))[:SHOWN]

    async def labels(metric: Metric) -> str:
        try:
            return labels_seen(
                await store.label_sets(selector(metric.name, {}), desk.window, 100), ("__name__", "le"), VALUES
            )
        except ToolError:
            return ""

    told = await asyncio.gather(*(labels(metric) for metric in found[:LABELLED]))
    return [(metric, told[at] if at < len(told) else "") for at, metric in enumerate(found)]


def _joined(metrics: Iterable[Metric]) -> list[Metric]:
    """A histogram's three parts as one entry, under the name that histogram_quantile takes."""
    kept: dict[str, Metric] = {}
    for metric in metrics:
        part = next((part for part in _PART if metric.name.endswith(part)), "")
        if metric.type not in ("histogram", "summary") or not part:
            kept.setdefault(metric.name, metric)
            continue
        base = metric.name.removesuffix(part)
        held = kept.setdefault(base, metric)
        if held.name != base and _PART[part] < _PART[held.name.removeprefix(base)]:
            kept[base] = replace(held, name=metric.name)
    return list(kept.values())


def _line(metric: Metric, labels: str) -> str:
    about = f": {' '.join(metric.help.split())[:120]}" if metric.help else ""
    return f"{metric.name} ({metric.type}){about}" + (f" [{labels}]" if labels else "")


TOOL = find_metrics
