"""Every figure that the evidence holds, indexed so that looking one up costs a binary search."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.check.figures import ARROW, Figure, Kind, clocks, figures, moment, moments, quick, unit_of, versions
from bot.domain.evidence import Evidence

_DAY = 86_400.0
_MANY = 40  # numbers in one list beyond which only its first, last, lowest and highest count
_FEW = 8  # moments in one piece of evidence up to which the time between any two of them counts
_AFTER = ("now", "min", "max")
_NUMERIC = {int, float}
_DIGIT = re.compile(r"\d")
_UNITLESS: tuple[Kind, tuple[float, ...]] = ("plain", (1.0,))
# An evidence value without a unit may be meant in these multiples of a figure's base: 0.35 for 35 %, 231 for 231 ms.
_MEANT: dict[Kind, tuple[float, ...]] = {"time": (1.0, 1e3), "ratio": (1.0, 100.0), "bytes": (1.0,), "rate": (1.0,)}


class Known:
    """The figures of the evidence by kind, in base units; clock times are read in UTC and in `zone`."""

    def __init__(self, evidence: Sequence[Evidence], zone: str = "UTC", told: Sequence[str] = ()) -> None:
        self._values: dict[str, set[float]] = defaultdict(set)
        self._versions: set[str] = set()
        for item in evidence:
            self._add(item)
        for figure in (figure for text in told for figure in figures(text)):
            self._values[figure.kind].update(figure.values)
            self._values["shown"].add(figure.number)
        moments = self._values["moment"]
        offsets = {at: _offset(at, zone) for at in moments}
        self._values["clock"] |= {(at + shift) % _DAY for at in moments for shift in (0.0, offsets[at])}
        self._values["any"] = set().union(*(self._values[kind] for kind in ("plain", "count", "shown", *_MEANT)))
        self._sorted = {kind: sorted(values) for kind, values in self._values.items()}

    def holds(self, figure: Figure) -> bool:
        """Whether the evidence carries the figure, at the precision shown, in any unit that means the same."""
        if figure.kind == "version":
            return figure.shown.lstrip("v") in self._versions
        if figure.kind == "clock":
            at, half = figure.values[0], figure.half[0]
            return any(self._near("clock", at + turn, half) for turn in (0.0, _DAY, -_DAY))
        readings = tuple(zip(figure.values, figure.half, strict=True))
        if figure.kind == "plain":
            return any(self._near("any", value, half) for value, half in readings)
        if any(self._near(figure.kind, value, half) for value, half in readings):
            return True
        meant = _MEANT.get(figure.kind, ())
        return any(self._near("plain", v * scale, half * scale) for v, half in readings for scale in meant)

    def add_lengths(self, clocks: Iterable[float]) -> None:
        """Clock times that stand in one answer may also be told by how far they lie apart."""
        at = sorted(set(clocks))
        lengths = {(b - a) % _DAY for a in at for b in at if a != b}
        self._sorted["time"] = sorted(self._values["time"] | lengths)

    def _near(self, kind: str, value: float, half: float) -> bool:
        values = self._sorted.get(kind, ())
        half = half * 1.001 + 1e-9 * abs(value)
        at = bisect_left(values, value - half)
        return at < len(values) and values[at] <= value + half

    def _add(self, item: Evidence) -> None:
        if "picture" in item.facts:  # read off by a model: only what live metrics say of it was measured
            self._fact(item.facts.get("checked"), "")
            return
        others, self._values["moment"] = self._values["moment"], set()
        self._fact(item.facts, "")
        self._fact(item.raw, "")
        for text in (item.text, item.summary, item.query, *item.missing):
            self._text(text)
        edges = {item.window.start.timestamp(), item.window.end.timestamp()}
        own = self._values["moment"]
        ends = edges | own if len(own) <= _FEW else edges
        self._values["time"] |= {abs(one - at) for one in ends for at in own} | {item.window.seconds}
        self._values["moment"] = others | own | edges

    def _fact(self, value: Any, unit: str) -> None:
        """A value of the facts; numbers beside a `unit` have it."""
        if isinstance(value, str):
            self._string(value)
        elif isinstance(value, dict):
            own = value.get("unit")
            unit = own if isinstance(own, str) else unit
            self._pairs(value, unit)
            self._each(value.values(), unit)
        elif isinstance(value, list | tuple):
            self._list(value, unit)
        else:
            self._each((value,), unit)

    def _each(self, items: Iterable[Any], unit: str) -> None:
        kind, factors = unit_of(unit) if unit else _UNITLESS
        for item in items:
            if type(item) in _NUMERIC:
                self._values[kind].add(abs(item * factors[0]))
            elif isinstance(item, str | dict | list | tuple):
                self._fact(item, unit)

    def _list(self, items: Sequence[Any], unit: str) -> None:
        """Its length counts, and so do its rows by each value that they share; a long run of numbers by its ends."""
        counts = self._values["count"]
        counts.add(float(len(items)))
        if len(items) > _MANY and set(map(type, items)) <= _NUMERIC:
            items = (items[0], items[-1], min(items), max(items))
        self._each(items, unit)
        shared = Counter(
            (key, value)
            for row in items
            if isinstance(row, dict)
            for key, value in row.items()
            if isinstance(value, str)
        )
        counts |= set(map(float, shared.values()))
        counts |= set(map(float, Counter(key for key, _ in shared).values()))

    def _string(self, text: str) -> None:
        at = moment(text) if text[:4].isdigit() else None
        if at is not None:
            self._values["moment"].add(at)
        else:
            self._text(text)

    def _pairs(self, fact: dict[str, Any], unit: str) -> None:
        first = fact.get("before")
        if isinstance(first, int | float):
            kind, factors = unit_of(unit) if unit else _UNITLESS
            for second in (fact.get(name) for name in _AFTER):
                if isinstance(second, int | float):
                    self._pair(kind, first * factors[0], second * factors[0])

    def _pair(self, kind: Kind, first: float, second: float) -> None:
        """What follows from a before and a now: how much more, how many percent, how many times."""
        self._values[kind].add(abs(second - first))
        if first:
            self._values["ratio"].add(abs((second - first) / first))
            self._values["times"].add(abs(second / first))
        if second:
            self._values["times"].add(abs(first / second))

    def _text(self, text: str) -> None:
        if _DIGIT.search(text) is None:
            return
        values = self._values
        for number, kind, base in quick(text):
            values[kind].update(base)
            values["shown"].add(number)
        if ":" in text:
            values["clock"] |= clocks(text)
            values["moment"] |= moments(text)
        if "." in text or "v" in text:
            self._versions |= versions(text)
        for first, unit, second, other in ARROW.findall(text) if "→" in text or "->" in text or " to " in text else ():
            self._arrow(first, unit, second, other)

    def _arrow(self, first: str, unit: str, second: str, other: str) -> None:
        """`231 ms → 4.7 s` in a text is a before and a now as well."""
        (kind, factors), (other_kind, others) = (unit_of(u) if u else _UNITLESS for u in (unit or other, other))
        if kind == other_kind:
            self._pair(kind, *(float(w.replace(",", "")) * f[0] for w, f in ((first, factors), (second, others))))


def _offset(at: float, zone: str) -> float:
    offset = datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() if offset else 0.0
