"""Why a query found nothing: a wrong name, a wrong label, or a condition that does not hold."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.check.promql import metric_names, selector
from bot.domain.errors import ToolError
from bot.domain.ports import SeriesStore
from bot.domain.window import Window

NEAR = 5
VALUES = 6
_COMPARED = re.compile(r"[<>]|==|!=")
_PLACES = ("__name__", "instance", "job", "le", "pod")


@dataclass(frozen=True)
class Reason:
    """A sentence or two; `known` when the metrics are there, so that emptiness is an answer."""

    text: str
    known: bool


async def why_empty(store: SeriesStore, query: str, window: Window) -> Reason:
    """For the model, with names near a wrong one; it costs two look-ups per metric, three metrics at most."""
    looked = []
    for name in metric_names(query)[:3]:
        try:
            looked.append(await _look(store, name, window))
        except ToolError:
            continue
    text = " ".join(reason.text for reason in looked)
    compares = _COMPARED.search(re.sub(r"\{[^}]*\}", "", query)) is not None
    if looked and compares and all(reason.known for reason in looked):
        return Reason(f"The condition holds for no series. {text}", True)
    return Reason(text, False)


async def _look(store: SeriesStore, name: str, window: Window) -> Reason:
    known = [metric.name for metric in await store.metrics(name, NEAR + 1)]
    if name not in known:
        near = ", ".join(known[:NEAR])
        return Reason(
            f"No metric is called {name}" + (f"; near names: {near}." if near else ", and none is near it."), False
        )
    sets = await store.label_sets(selector(name, {}), window, 200)
    if not sets:
        return Reason(f"The metric {name} is known, but has no samples in this window.", False)
    return Reason(f"There is {name} with {labels_seen(sets, _PLACES)}.", True)


def labels_seen(sets: Iterable[Mapping[str, str]], without: tuple[str, ...], most: int = VALUES) -> str:
    """`code: 200, 500; service: cart, payment`."""
    values: dict[str, set[str]] = {}
    for labels in sets:
        for label, value in labels.items():
            values.setdefault(label, set()).add(value)
    shown = [f"{label}: {_some(held, most)}" for label, held in sorted(values.items()) if label not in without]
    return "; ".join(shown) or f"the labels {', '.join(sorted(values))}"


def _some(values: set[str], most: int) -> str:
    listed = ", ".join(sorted(values)[:most])
    return f"{listed} and {len(values) - most} more" if len(values) > most else listed
