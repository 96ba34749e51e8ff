"""What is new in a log since an incident began: templates of a window against those of a baseline.

The baseline is any log of ordinary times: the window before, or the same hour of the day before. Both are mined
together, so that a template means the same in both.
"""

import math
from collections.abc import Iterable

from bot.analysis.templates import Miner
from bot.domain.logs import ERROR, LogPatterns, Novelty, Template

_STRONG = 5.0
"""Standard deviations (of a Poisson count) that make a burst or a drop."""
_TIMES = 3.0
"""A burst has at least this many times the expected count; a drop at most one part of it."""


def compare(
    baseline: Iterable[bytes], window: Iterable[bytes], *, fold: bool = True
) -> tuple[LogPatterns, tuple[Novelty, ...]]:
    """The templates of both logs together, and the window's novelties, the most telling first.

    Line ids run through the baseline and on through the window.
    """
    miner = Miner(keep=False, fold=fold)
    for piece in baseline:
        miner.feed(piece)
    miner.mark()
    for piece in window:
        miner.feed(piece)
    patterns, counts = miner.parts()
    return patterns, novelties(patterns.templates, counts[0].tolist(), counts[1].tolist())


def novelties(templates: Iterable[Template], before: list[int], now: list[int]) -> tuple[Novelty, ...]:
    """What is new, gone, bursting or dropping, given each template's count before and now; highest score first."""
    scale = sum(now) / max(1, sum(before))
    found = []
    for template, b, n in zip(templates, before, now, strict=True):
        kind, strength = _kind(b, n, b * scale)
        if kind:
            weight = strength * (3.0 if template.severity >= ERROR else 1.0)
            found.append(Novelty(template, kind, n, b * scale, weight))
    return tuple(sorted(found, key=lambda f: (-f.score, f.template.id)))


def _kind(before: int, now: int, expected: float) -> tuple[str, float]:
    """The kind of change, empty for none, and its strength."""
    deviation = (now - expected) / math.sqrt(expected + 1.0)
    if now and not before:
        return "new", 100.0 + math.log2(1 + now)
    if before and not now and expected > _STRONG**2:
        return "gone", 10.0 + math.log2(1 + expected)
    if deviation > _STRONG and now > _TIMES * expected:
        return "burst", 10.0 + math.log2(1 + deviation)
    if deviation < -_STRONG and now * _TIMES < expected:
        return "drop", math.log2(1 - deviation)
    return "", 0.0
