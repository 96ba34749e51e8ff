"""Which metric the words of a panel name, and the query that such a panel usually shows.

Careful, as a wrong metric would speak against a picture that is right: every telling word of the metric's name must be
said, and no word may be left over that means a part of what it counts.
"""

import re
from collections.abc import Mapping, Sequence

from bot.analysis.words import ERROR, UNITS, words_of
from bot.check.promql import selector
from bot.domain.series import Metric

TOKEN = re.compile(r"[\w.-]+")
_QUANTILE = re.compile(r"\bp(\d{2,3})\b|\b(\d{2})(?:th|\s?%)? ?(?:percentile|quantile)", re.I)
_PART_OF = ERROR | {"5xx", "4xx", "success", "ratio", "share", "percent"}
"""Words for some of what a metric counts."""
_PARTS = ("_bucket", "_count", "_sum")
_ALIKE = (
    {"latency", "duration", "time"},
    {"requests", "request", "rps", "traffic"},
    {"memory", "mem"},
    {"errors", "error"},
)

_ALL = {"total", "all", "sum", "value"}
_IMPLIED = {"latency": {"request", "response"}}
_GENERIC = {"http", "grpc", "rpc", "server"}
_FILLING = {
    *("p", "the", "of", "by", "per", "for", "and", "service", "rate", "second", "sec", "s", "percentile", "quantile"),
    *("avg", "average", "mean", "http", "grpc", "response"),
}
_RANK = re.compile(r"p?\d{2,3}(?:th)?")


def is_whole(title: str, name: str, metric: str, labels: Mapping[str, str]) -> bool:
    """Whether metric and labels say all that matters of the words: a part of the series is not the whole of them.

    A legend that tells no label's value is explained by metric and title, or means all.
    """
    told = {*words_of(metric), *(word for value in labels.values() for word in words_of(value))}
    if (set(words_of(f"{title} {name}")) - told) & _PART_OF:
        return False
    return bool(labels) or set(words_of(name)) <= told | set(words_of(title)) | _ALL


def named(found: Sequence[Metric], words: str) -> Metric | None:
    """The metric that stands there by its name, else the one whose every telling word is said, of most such words.

    None where two do.
    """
    by_name = _by_name(found)
    written = [base for base in by_name if base in words]
    if written:
        top = [base for base in written if not any(base in other for other in written if other != base)]
        return by_name[top[0]] if len(top) == 1 else None
    return _most({base: set(words_of(base)) - UNITS for base in by_name}, _said(words), by_name, least=2)


def implied(found: Sequence[Metric], words: str) -> Metric | None:
    """The one metric that is meant where people leave out what goes without saying: `checkout p99 latency`.

    Only for words that are all explained by it, as `is_explained` tells.
    """
    by_name, said = _by_name(found), _said(words)
    said |= {word for word, more in _IMPLIED.items() if word in said for word in more}
    return _most({base: set(words_of(base)) - UNITS - _GENERIC for base in by_name}, said, by_name, least=1)


def is_explained(title: str, name: str, metric: str, labels: Mapping[str, str]) -> bool:
    """Whether metric and labels leave no word over; without a label it could be anybody's."""
    told = {word for value in labels.values() for word in words_of(value)} | set(words_of(metric)) | _FILLING | UNITS
    told |= {word for alike in _ALIKE if alike & told for word in alike}
    left = {word for word in words_of(f"{title} {name}") if word not in told and not _RANK.fullmatch(word)}
    return bool(labels) and not left


def _by_name(found: Sequence[Metric]) -> dict[str, Metric]:
    known: dict[str, Metric] = {}
    for metric in found:
        known.setdefault(base_of(metric), metric)
    return known


def _said(words: str) -> set[str]:
    said = set(words_of(words))
    return said | {word for alike in _ALIKE if alike & said for word in alike}


def _most(
    telling: Mapping[str, set[str]], said: set[str], by_name: Mapping[str, Metric], *, least: int
) -> Metric | None:
    fit = {base: len(own) for base, own in telling.items() if len(own) >= least and own <= said}
    top = [base for base, count in fit.items() if count == max(fit.values())]
    return by_name[top[0]] if len(top) == 1 else None


def is_spread(metric: Metric) -> bool:
    """Whether it is kept as buckets or quantiles, with a sum and a count."""
    return metric.type in ("histogram", "summary")


def base_of(metric: Metric) -> str:
    """The name without the part of a histogram."""
    part = next((part for part in _PARTS if metric.name.endswith(part)), "") if is_spread(metric) else ""
    return metric.name.removesuffix(part)


def labels_named(sets: Sequence[Mapping[str, str]], name: str, title: str) -> dict[str, str]:
    """The labels whose one value the series' name says, or else the title."""
    values: dict[str, set[str]] = {}
    for labels in sets:
        for label, value in labels.items():
            if label not in ("__name__", "le", "quantile"):
                values.setdefault(label, set()).add(value)
    found = {}
    for label, known in values.items():
        for text in (name, title):
            tokens = {token.lower() for token in TOKEN.findall(text)}
            here = [value for value in known if value.lower() in tokens]
            if len(here) == 1:
                found[label] = here[0]
                break
    return found


def query_of(metric: Metric, words: str, labels: Mapping[str, str]) -> str:
    """The usual query of a metric by its type; empty where a histogram's panel does not say which quantile."""
    if not is_spread(metric):
        chosen = selector(metric.name, labels)
        return f"sum(rate({chosen}[5m]))" if metric.type == "counter" else chosen
    base, quantile = base_of(metric), _QUANTILE.search(words)
    if quantile and metric.type == "histogram":
        digits = quantile[1] or quantile[2]
        return f"histogram_quantile(0.{digits}, sum by (le) (rate({selector(f'{base}_bucket', labels)}[5m])))"
    if re.search(r"\b(avg|average|mean)\b", words, re.I):
        total, count = (selector(f"{base}{part}", labels) for part in ("_sum", "_count"))
        return f"sum(rate({total}[5m])) / sum(rate({count}[5m]))"
    return ""
