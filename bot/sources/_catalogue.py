"""Which metric is meant: ranks names and help texts by words, and finds names near a wrong one."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.domain.series import Metric

CROWD = 6
_SAME = (
    {"latency", "duration", "seconds", "slow", "response", "time"},
    {"error", "errors", "failed", "failures", "failure", "code", "status", "exceptions"},
    {"traffic", "requests", "request", "rps", "throughput", "load"},
    {"memory", "rss", "heap", "resident"},
    {"disk", "filesystem", "storage", "volume"},
    {"queue", "backlog", "depth", "lag", "pending"},
    {"deploy", "version", "build", "release"},
    {"restart", "restarts", "start"},
    {"certificate", "cert", "ssl", "tls"},
    {"connections", "connection", "pool", "conns"},
)
"""Words that people use for one thing; a related word counts less than the word itself."""
_STOP = frozenset(
    {"of", "the", "a", "an", "for", "in", "by", "per", "to", "and", "or", "on", "metric", "metrics", "how", "many"}
)
_OF_SERVERS = ("go_", "prometheus_", "promhttp_", "scrape_", "alertmanager_", "net_conntrack_", "python_")
_PARTS = ("_bucket", "_count", "_sum", "_total", "_created")


def metrics(names: Iterable[str], metadata: Mapping[str, Any]) -> tuple[Metric, ...]:
    """All names with what the server knows of them; a histogram's parts share its metadata."""
    return tuple(_metric(name, metadata) for name in names)


def ranked(known: Sequence[Metric], words: str, limit: int) -> tuple[Metric, ...]:
    """Those that fit the words, best first; near names when no word fits; without words the services' own first."""
    wanted = _words(words)
    if not wanted:
        return tuple(sorted(known, key=lambda m: (m.name.startswith(_OF_SERVERS), m.name)))[:limit]
    scored = [(score, metric) for metric in known if (score := _score(wanted, metric)) > 0]
    best = [metric for _, metric in sorted(scored, key=lambda pair: (-pair[0], len(pair[1].name), pair[1].name))]
    return tuple(_mixed(best)[:limit]) or near(known, words, limit)


def near(known: Sequence[Metric], name: str, limit: int) -> tuple[Metric, ...]:
    """Those whose names look like `name`, most alike first."""
    grams = _grams(name.lower())
    by_name = {metric.name.lower(): metric for metric in known}
    alike = sorted(by_name, key=lambda other: (-len(grams & _grams(other)), len(other)))[:200]
    return tuple(by_name[other] for other in difflib.get_close_matches(name.lower(), alike, limit, 0.55))


def _metric(name: str, metadata: Mapping[str, Any]) -> Metric:
    suffix = next((part for part in _PARTS if name.endswith(part)), "")
    entries = metadata.get(name) or metadata.get(name.removesuffix(suffix)) or ()
    entry = entries[0] if entries else {}
    told = str(entry.get("type") or "unknown")
    kind = told if told not in ("unknown", "untyped") else _guess(suffix)
    return Metric(name, kind, str(entry.get("help") or ""), str(entry.get("unit") or ""))


def _guess(suffix: str) -> str:
    return {"_bucket": "histogram", "_total": "counter", "_count": "counter", "_sum": "counter"}.get(suffix, "unknown")


def _mixed(best: Sequence[Metric]) -> list[Metric]:
    """The same with the many of one kind (`node_memory_…`) behind the first few of each."""
    seen: Counter[str] = Counter()
    first: list[Metric] = []
    rest: list[Metric] = []
    for metric in best:
        kind = "_".join(metric.name.split("_")[:2])
        seen[kind] += 1
        (first if seen[kind] <= CROWD else rest).append(metric)
    return first + rest


def _words(text: str) -> tuple[str, ...]:
    split = re.split(r"[^a-z0-9]+", text.lower())
    return tuple(dict.fromkeys(word for word in split if word and word not in _STOP))


def _score(wanted: Sequence[str], metric: Metric) -> float:
    parts, help_words = set(_words(metric.name)), set(_words(metric.help))
    score = sum(_hit(word, parts, help_words, metric.name.lower()) for word in wanted)
    if score and metric.type in ("histogram", "summary") and _SAME[0] & set(wanted):
        score += 1.0  # how long things take is asked of distributions, not of seconds counted
    return score - 0.5 if score and metric.name.startswith(_OF_SERVERS) else score


def _hit(word: str, parts: set[str], help_words: set[str], name: str) -> float:
    if parts & {word, f"{word}s", word.removesuffix("s")}:
        return 4.0
    if len(word) > 2 and any(part.startswith(word) or word.startswith(part) for part in parts if len(part) > 2):
        return 3.0
    if len(word) > 3 and word in name:
        return 2.0
    related = next((group for group in _SAME if word in group), set())
    if word in help_words or related & parts:
        return 2.5
    return 0.5 if related & help_words else 0.0


def _grams(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(len(text) - 2)}
