"""Phrases of time as a table: a pattern over kinds of token, and what it makes of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.domain.when_clock import DAY, Clock, Here, Span
from bot.domain.when_words import Token
from bot.domain.window import Window

Hold = Literal["fixed", "since", "last"]
Tokens = Sequence[Token]
SLACK = timedelta(minutes=2)
"""Clocks differ a little: a time so far ahead of now is still today's."""
LEAST = timedelta(minutes=10)
"""`for 5 minutes` tells how an alert waits, not what is asked about."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Reading:
    """A stretch in UTC; what a later question without time words keeps of it: both ends, its start, or its length."""

    start: datetime
    end: datetime
    holds: Hold = "fixed"


@dataclass(frozen=True)
class Setting:
    """What a phrase is read against; `follows` says that it changes the `previous` window."""

    here: Here
    default: timedelta
    previous: Window | None = None
    follows: bool = False

    @property
    def base(self) -> Window:
        """What a relative phrase moves."""
        return self.previous or Window(self.here.now - self.default, self.here.now)


def _first(found: Tokens, kinds: str) -> Token | None:
    return next((token for token in found if token.kind in kinds), None)


def _clock(found: Tokens) -> Clock | None:
    token = _first(found, "TN")
    return token.value if token else None


def _span(found: Tokens) -> Span | None:
    token = _first(found, "D")
    return token.value if token else None


def _moment(found: Tokens, setting: Setting, late: bool = False) -> datetime:
    """The moment that the tokens name; of a stretch, and of an hour that comes twice, its first or its `late` end."""
    stamp, length, clock, span = _first(found, "X"), _first(found, "LU"), _clock(found), _span(found)
    if stamp:
        return setting.here.utc(stamp.value) if stamp.value.tzinfo is None else stamp.value
    if clock:
        return setting.here.at(span.day_of(clock.at) if span else _day(clock, setting), clock, late)
    if span:
        return setting.here.utc(span.end if late else span.start, late)
    return setting.here.now - (length.value if length else timedelta(0))


def _day(clock: Clock, setting: Setting) -> date:
    """The day of a time said without one: near the window before when that is changed, else the last that has come."""
    here, previous = setting.here, setting.previous
    zone = clock.zone or here.zone
    if setting.follows and previous:
        days = (previous.start.astimezone(zone).date(), previous.end.astimezone(zone).date())
        near = min(days, key=lambda day: _gap(here.at(day, clock), previous))
        if here.at(near, clock) <= here.now + SLACK:
            return near
    today = here.now.astimezone(zone).date()
    return today if here.at(today, clock) <= here.now + SLACK else today - DAY


def _gap(at: datetime, window: Window) -> timedelta:
    return max(window.start - at, at - window.end, timedelta(0))


def between(found: Tokens, setting: Setting) -> Reading:
    """From one moment to another; backwards it goes on after midnight when that is short, else it is turned round."""
    middle = next(at for at, token in enumerate(found) if at and token.kind in "tua")
    one, two = found[:middle], found[middle + 1 :]
    first, second = _clock(one), _clock(two)
    if first and second and not (_span(one) and _span(two)):
        return _clocks(_like(first, second), second, _span(found), setting)
    start, end = _moment(one, setting), _moment(two, setting, late=True)
    if start > end and all(token.kind == "D" and (token.value.back or 8) <= 7 for token in (one[-1], two[-1])):
        start = setting.here.moved(start, -7)
    return Reading(min(start, end), max(start, end), "since" if two[0].kind == "n" else "fixed")


def _like(first: Clock, second: Clock) -> Clock:
    """The first time read in the second's zone and half of the day: `from 2 to 4pm UTC`."""
    hour = first.at.hour + 12
    later = second.half == "p" and not first.half and hour <= second.at.hour
    return replace(first, zone=first.zone or second.zone, at=first.at.replace(hour=hour) if later else first.at)


def _clocks(first: Clock, second: Clock, span: Span | None, setting: Setting) -> Reading:
    here, day = setting.here, span.day_of(first.at) if span else _day(first, setting)
    start, end = here.at(day, first), here.at(day, second, late=True)
    if end <= start:
        wrapped = here.at(day + DAY, second, late=True)
        start, end = (start, wrapped) if wrapped - start <= DAY / 2 else (end, start)
    return Reading(start, end)


def since(found: Tokens, setting: Setting) -> Reading:
    """From a moment until now."""
    return Reading(_moment(found, setting), setting.here.now, "since")


def until(found: Tokens, setting: Setting) -> Reading:
    """Up to a moment: from where the window before began, else the usual length."""
    end = _moment(found, setting, late=_span(found) is None)
    start = setting.base.start if setting.follows and setting.base.start < end else end - setting.default
    return Reading(start, end)


def last(found: Tokens, setting: Setting) -> Reading:
    """A length that ends now."""
    return Reading(_moment([t for t in found if t.kind in "LU"], setting), setting.here.now, "last")


def lasting(found: Tokens, setting: Setting) -> Reading | None:
    """`for 2 hours`; short ones say how long something waits."""
    return last(found, setting) if found[-1].value >= LEAST else None


def ago(found: Tokens, setting: Setting) -> Reading:
    """Around a moment a while back, the wider the longer ago."""
    half = min(max(found[0].value / 2, 10 * MINUTE), HOUR)
    at = _moment(found, setting)
    return Reading(at - half, at + half)


def beside(found: Tokens, setting: Setting) -> Reading:
    """`30 min before 14:00`, `an hour after 14:00`."""
    ahead = _first(found, "us") == _first(found, "u")
    at = _moment(found[2:], setting)
    return Reading(at - found[0].value, at) if ahead else Reading(at, at + found[0].value)


def around(found: Tokens, setting: Setting) -> Reading:
    """A quarter of an hour on both sides of a moment, half an hour when it is said roughly."""
    clock = _clock(found)
    rough = _first(found, "o") is not None or (clock is not None and not clock.exact)
    half = (30 if rough else 15) * MINUTE
    return Reading(_moment(found, setting) - half, _moment(found, setting, late=True) + half)


def zoom(found: Tokens, setting: Setting) -> Reading:
    """A close look at a moment of the window before."""
    near = replace(setting, follows=True)
    half = min(max((setting.base.end - setting.base.start) / 8, 2 * MINUTE), 15 * MINUTE)
    return Reading(_moment(found, near) - half, _moment(found, near, late=True) + half)


def wider(_: Tokens, setting: Setting) -> Reading:
    """Half as much again on both sides."""
    half = (setting.base.end - setting.base.start) / 2
    return Reading(setting.base.start - half, setting.base.end + half)


def whole(found: Tokens, setting: Setting) -> Reading | None:
    """A named day or week; of a shorter window before, the same hours of it."""
    span, here = found[-1].value, setting.here
    start, end = here.utc(span.start), here.utc(span.end)
    if setting.follows and _days_back(span, setting) and setting.base.end - setting.base.start < end - start:
        return same(found, setting)
    return Reading(start, end, "since" if end > here.now else "fixed")


def same(found: Tokens, setting: Setting) -> Reading | None:
    """The window before, or the usual length until now, on another day by the wall clock."""
    span = _span(found)
    days = _days_back(span, setting) if span else 0
    return _moved(setting, -days, setting.base) if days else None


def _days_back(span: Span, setting: Setting) -> int:
    """How far the window before has to be moved into a named day, or by a named week; 0 when it cannot be."""
    if span.back is None or span.end - span.start != DAY:
        return span.back or 0
    return (setting.here.local(setting.base.start).date() - span.start.date()).days


def _moved(setting: Setting, days: int, base: Window) -> Reading:
    start = setting.here.moved(base.start, days)
    return Reading(start, start + (base.end - base.start))


def shifted(found: Tokens, setting: Setting) -> Reading:
    """The window before, earlier or later by a length; whole days by the wall clock; never past now."""
    base, sign = setting.base, 1 if found[-1].kind == "l" else -1
    length = found[0].value if found[0].kind in "LU" else base.end - base.start
    length = min(length, max(setting.here.now - base.end, timedelta(0))) if sign > 0 else length
    if length % DAY == timedelta(0) and length:
        return _moved(setting, sign * length.days, base)
    return Reading(base.start + sign * length, base.end + sign * length)


def beyond(found: Tokens, setting: Setting) -> Reading | None:
    """`before that`, `since then`: only where there is a window before."""
    if setting.previous is None or not (setting.follows or found[0].kind == "S"):
        return None
    if found[0].kind == "S":
        return Reading(setting.previous.end, setting.here.now, "since")
    return shifted(found, setting)


def anew(_: Tokens, setting: Setting) -> Reading:
    """The same length, until now."""
    return Reading(setting.here.now - (setting.base.end - setting.base.start), setting.here.now, "last")


_AT = "(?:o?X|o?D?o?TD?)"
_EDGE = "(?:o?X|o?D?o?[TN]D?|D|n|[LU]g)"
RULES: tuple[tuple[re.Pattern[str], Callable[[Tokens, Setting], Reading | None]], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (f"A{_AT}", since),
        ("mD|Dm", same),
        (f"D?f{_EDGE}[tua]{_EDGE}", between),
        (f"D?s{_EDGE}[tu]{_EDGE}", between),
        (f"(?:{_AT}|D)[tu](?:{_AT}|D|n)", between),
        (f"[LU][us](?:{_AT})", beside),
        (f"z{_AT}", zoom),
        (f"s(?:{_EDGE}|[pq]?[LU])", since),
        (f"D?f(?:{_AT}|D)", since),
        (f"u(?:{_AT}|D)", until),
        ("[pq][LU]", last),
        ("o?[LU]g", lambda found, setting: ago([t for t in found if t.kind != "o"], setting)),
        ("[LU][eul]", shifted),
        (_AT, around),
        ("D", whole),
        ("oN", around),
        ("r[LU]", lasting),
        ("^L$", last),
        ("Z", wider),
        ("S|[elu]", beyond),
        ("n", anew),
    )
)


def read(found: Tokens, setting: Setting) -> tuple[Reading, Tokens] | None:
    """What the first rule that fits makes of its tokens, and which they are."""
    kinds = "".join(token.kind for token in found)
    for pattern, rule in RULES:
        match = pattern.search(kinds)
        part = found[match.start() : match.end()] if match else ()
        reading = rule(part, setting) if part else None
        if reading:
            return reading, part
    return None
