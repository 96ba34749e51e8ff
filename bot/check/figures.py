"""The figures a text holds: numbers with their unit, lengths of time, factors, clock times, versions.

What is no figure: evidence ids, names with digits in them (db-1, p99, 5xx), addresses, dates, ordinals, list numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Literal

Kind = Literal["time", "bytes", "ratio", "rate", "times", "plain", "clock", "moment", "version"]

_UNITS: dict[str, tuple[Kind, tuple[float, ...]]] = {
    "ns": ("time", (1e-9,)),
    "µs|μs|us|microseconds?": ("time", (1e-6,)),
    "ms|msecs?|milliseconds?": ("time", (1e-3,)),
    "s|secs?|seconds?": ("time", (1.0,)),
    "m|mins?|minutes?": ("time", (60.0,)),
    "h|hrs?|hours?": ("time", (3_600.0,)),
    "d|days?": ("time", (86_400.0,)),
    "weeks?": ("time", (604_800.0,)),
    "%|percent(?:age points?)?|pct|pp": ("ratio", (0.01,)),
    "B|bytes?": ("bytes", (1.0,)),
    "[kK]B": ("bytes", (1e3, 1024.0)),
    "KiB|Ki": ("bytes", (1024.0,)),
    "MB": ("bytes", (1e6, 1024.0**2)),
    "MiB|Mi": ("bytes", (1024.0**2,)),
    "GB": ("bytes", (1e9, 1024.0**3)),
    "GiB|Gi": ("bytes", (1024.0**3,)),
    "TB": ("bytes", (1e12, 1024.0**4)),
    "TiB|Ti": ("bytes", (1024.0**4,)),
    "×|x|times|-?fold": ("times", (1.0,)),
    "k|thousand": ("plain", (1e3,)),
    "M|million": ("plain", (1e6,)),
}
_PER = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3_600.0, "hour": 3_600.0}
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?"
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_END = r"(?![A-Za-z0-9_])"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_ADDRESS = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.])"
_FREE = r"(?<![\w.:/#@$])(?<![A-Za-z_]-)"
_LONG = "days?|d|hours?|h|minutes?|mins?|min|m|seconds?|secs?|sec|s"
_FIGURE = re.compile(
    rf"(?P<skip>\[E\d[^\]\n]*\]|{_ADDRESS}|^[ \t>]*\d{{1,3}}[.)]\s|\b\d{{1,2}}\.?\s{_MONTH}(?:\s\d{{4}})?\b"
    rf"|\b{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s\d{{4}}\b(?!-))?(?!:)|\b\d+(?:st|nd|rd|th)\b|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b)"
    r"|(?P<moment>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?)"
    r"|(?P<date>\b\d{4}-\d\d-\d\d\b)"
    r"|(?P<clock>(?<![\d:.\w])\d{1,2}:\d\d(?::\d\d)?(?![\d:])(?:\s?[ap]\.?m\b)?)"
    r"|(?P<version>(?<![\w.])v?\d+\.\d+\.\d+(?:[.+-]?\w+)*|\bv\d+(?:\.\d+)*\b)"
    rf"|{_FREE}(?P<span>\d+\s?(?:{_LONG})\s?(?:and\s)?\d+\s?(?:{_LONG})){_END}"
    rf"|{_FREE}(?P<value>{_NUMBER})(?:"
    rf"\s?(?P<unit>{_UNIT})(?P<rated>/s|\sper\ss(?:econd)?)?{_END}"
    rf"|\s?(?:[a-z]+\s?)?(?:/|per\s)\s?(?P<per>{'|'.join(sorted(_PER, key=len, reverse=True))}){_END}"
    rf"|\s?(?P<rps>rps|qps|ops){_END}|(?![A-Za-z_]|\.\d|:\d))"
    rf"|\b(?P<word>{'|'.join(_WORDS)})(?:\s|-)?(?:times|fold)\b",
    re.MULTILINE,
)
_QUICK = re.compile(
    rf"(?<![\w.:])(?<!\w-)({_NUMBER})"
    rf"(?:\s?({_UNIT})|\s?(?:[a-z]+\s?)?(?:/|per )({'|'.join(_PER)})|\s?(?:rps|qps))?(?![\w:]|\.\d)"
)
_QUICK_CLOCK = re.compile(r"(?<![\d:.\w])(\d{1,2}):(\d\d)(?::(\d\d))?(?![\d:])")
_QUICK_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: ?(?:Z|UTC|[+-]\d\d:\d\d))?")
_QUICK_VERSION = re.compile(r"(?<![\w.])(?:v?\d+\.\d+\.\d+(?:[.+-]?\w+)*|v\d+(?:\.\d+)*)")
ARROW = re.compile(rf"({_NUMBER})\s?({_UNIT})?\s(?:→|->|to)\s({_NUMBER})\s?({_UNIT})?(?!\w)")
_PART = re.compile(rf"(\d+)\s?({_LONG})")
_ABOUT = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|close to|some|~|≈|circa)\s?$", re.IGNORECASE
)
_OVER = re.compile(
    r"(?:over|above|more than|at least|exceed(?:s|ed|ing)?|>|≥|up to|under|below|less than|<|≤)\s?$", re.IGNORECASE
)
_COMPILED = tuple((re.compile(pattern), kind, factors) for pattern, (kind, factors) in _UNITS.items())


@dataclass(frozen=True)
class Figure:
    """A figure where it stands: `value` and `half` (its last digit's half) in base units, per reading of the unit.

    Bases are seconds, bytes, 1 (ratio), 1/s; a clock is seconds of the day, a moment UTC seconds; `number` as written.
    """

    start: int
    end: int
    shown: str
    kind: Kind
    values: tuple[float, ...]
    half: tuple[float, ...]
    number: float = 0.0


def figures(text: str) -> Iterator[Figure]:
    """All figures in the order they stand."""
    for match in _FIGURE.finditer(text):
        kind = match.lastgroup or ""
        read = _READ.get("rate" if kind in ("per", "rps") else kind, _plain)
        if kind not in ("skip", "date") and (figure := read(match)) is not None:
            yield figure


def quick(text: str) -> Iterator[tuple[float, Kind, tuple[float, ...]]]:
    """The measured figures of a text, each once, as number, kind and values in base units: for evidence, where
    neither place nor precision matters and one figure too many does no harm."""
    for written, unit, per in set(_QUICK.findall(text)):
        number = float(written.replace(",", ""))
        kind, factors = ("rate", (1 / _PER.get(per, 1.0),)) if per else unit_of(unit) if unit else ("plain", (1.0,))
        yield number, kind, tuple([number * factor for factor in factors])


def clocks(text: str) -> set[float]:
    """The times of day in a text, in seconds of the day."""
    found = set(_QUICK_CLOCK.findall(text))
    return {int(hour) * 3600.0 + int(minute) * 60 + int(second or 0) for hour, minute, second in found}


def moments(text: str) -> set[float]:
    """The full times in a text, in UTC seconds."""
    return {at for written in set(_QUICK_MOMENT.findall(text)) if (at := moment(written)) is not None}


def versions(text: str) -> set[str]:
    """The versions in a text, without their v."""
    return {written.lstrip("v") for written in _QUICK_VERSION.findall(text)}


def unit_of(unit: str) -> tuple[Kind, tuple[float, ...]]:
    """Kind and factors of a unit as written or as facts name it."""
    return _cached_unit(unit)


@cache
def _cached_unit(unit: str) -> tuple[Kind, tuple[float, ...]]:
    found = next(((k, f) for pattern, k, f in _COMPILED if pattern.fullmatch(unit)), None)
    return found or _FACT_UNITS.get(unit, ("plain", (1.0,)))


def _plain(match: re.Match[str]) -> Figure:
    kind, factors = unit_of(match["unit"]) if match["unit"] else ("plain", (1.0,))
    return _figure(match, kind, factors)


def _rate(match: re.Match[str]) -> Figure:
    return _figure(match, "rate", (1 / _PER[match["per"]] if match["per"] else 1.0,))


def _figure(match: re.Match[str], kind: Kind, factors: tuple[float, ...]) -> Figure:
    written = match["value"].replace(",", "")
    number = float(written)
    mantissa, _, exponent = written.lower().partition("e")
    half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    before = match.string[max(0, match.start() - 16) : match.start()]
    loose = 0.08 if _ABOUT.search(before) else 0.2 if _OVER.search(before) else 0.0
    half = max(half, loose * number)
    start = match.start("value")
    return Figure(
        start,
        match.end(),
        match.string[start : match.end()],
        kind,
        tuple(number * factor for factor in factors),
        tuple(half * factor for factor in factors),
        number,
    )


def _span(match: re.Match[str]) -> Figure:
    parts = [(int(count), unit_of(unit)[1][0]) for count, unit in _PART.findall(match["span"])]
    total, last = sum(count * factor for count, factor in parts), parts[-1][1]
    return Figure(match.start(), match.end(), match.group(), "time", (total,), (last,))


def _clock(match: re.Match[str]) -> Figure | None:
    digits = re.findall(r"\d+", match["clock"])
    hour, minute, second = (*map(int, digits), 0, 0)[:3]
    half = match["clock"][-2:].lower() if match["clock"][-1] in "mM" else ""
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    if hour > 24 or minute > 59 or second > 59:
        return None
    precise = 2.0 if len(digits) == 3 else 60.0
    if _ABOUT.search(match.string[max(0, match.start() - 16) : match.start()]):
        precise = 600.0
    return Figure(
        match.start(), match.end(), match.group(), "clock", (hour * 3600.0 + minute * 60 + second,), (precise,)
    )


def _moment(match: re.Match[str]) -> Figure | None:
    at = moment(match["moment"])
    precise = 2.0 if match["moment"].count(":") > 1 else 60.0
    return None if at is None else Figure(match.start(), match.end(), match.group(), "moment", (at,), (precise,))


def moment(text: str) -> float | None:
    """UTC seconds of an ISO 8601 time; one without a zone is UTC; None when it is none."""
    try:
        at = datetime.fromisoformat(
            text.replace(" UTC", "+00:00").replace("UTC", "+00:00").replace("Z", "+00:00").strip()
        )
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _version(match: re.Match[str]) -> Figure:
    return Figure(match.start(), match.end(), match.group(), "version", (), ())


def _word(match: re.Match[str]) -> Figure:
    return Figure(match.start(), match.end(), match.group(), "times", (float(_WORDS[match["word"]]),), (0.5,))


_FACT_UNITS: dict[str, tuple[Kind, tuple[float, ...]]] = {
    "seconds": ("time", (1.0,)),
    "bytes": ("bytes", (1.0,)),
    "ratio": ("ratio", (1.0,)),
    "1/s": ("rate", (1.0,)),
}
_READ = {"span": _span, "clock": _clock, "moment": _moment, "version": _version, "word": _word, "rate": _rate}
