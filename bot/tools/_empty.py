"""Why a query found nothing: a wrong name, a wrong label, or a condition that does not hold."""

import re
from collections.abc import Sequence

from bot.check.promql import metric_names
from bot.domain.errors import ToolError
from bot.domain.ports import SeriesStore
from bot.domain.window import Window

NEAR = 5
VALUES = 6
_COMPARED = re.compile(r"[^=!]=?[<>]|==|!=(?!\")")
_PLACES = ("__name__", "instance", "job", "le", "pod")


async def why_empty(store: SeriesStore, query: str, window: Window) -> str:
    """One or two sentences for the model, with names near a wrong one; it costs a look-up per metric."""
    said = []
    for name in metric_names(query)[:3]:
        try:
            said.append(await _why(store, name, window))
        except ToolError:
            continue
    if all(text.startswith("There is") for text in said) and _COMPARED.search(re.sub(r"\{[^}]*\}", "", query)):
        said.append("The query compares: an empty result also means that the condition holds nowhere.")
    return " ".join(said)


async def _why(store: SeriesStore, name: str, window: Window) -> str:
    known = [metric.name for metric in await store.metrics(name, NEAR + 1)]
    if name not in known:
        near = ", ".join(known[:NEAR])
        return f"No metric is called {name}" + (f"; near names: {near}." if near else ", and none is near it.")
    sets = await store.label_sets(name, window, 200)
    if not sets:
        return f"The metric {name} is known, but has no samples in this window."
    return f"There is {name} with {_labels(sets)}."


def _labels(sets: Sequence[object]) -> str:
    values: dict[str, set[str]] = {}
    for labels in sets:
        for label, value in dict(labels).items():  # type: ignore[call-overload]
            values.setdefault(label, set()).add(value)
    shown = [f"{label}: {_some(held)}" for label, held in sorted(values.items()) if label not in _PLACES]
    return "; ".join(shown) or f"the labels {', '.join(sorted(values))}"


def _some(values: set[str]) -> str:
    listed = ", ".join(sorted(values)[:VALUES])
    return f"{listed} and {len(values) - VALUES} more" if len(values) > VALUES else listed
