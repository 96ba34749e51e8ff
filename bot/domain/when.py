"""The stretch of time that a question's words name, read by code in the asker's zone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bot.domain.when_clock import here as clock_of
from bot.domain.when_rules import SLACK, Hold, Reading, Setting, read
from bot.domain.when_words import Token, tokens
from bot.domain.window import Window

MOST = timedelta(days=30)
LEAST = timedelta(minutes=1)
SAID = 80
_OPENING = re.compile(
    r"\W*(?:(?:ok(?:ay)?|so|now|hm+|then|but)\W+)*(?:and|what about|how about|same|zoom|compared?|wider|versus|vs)\b",
    re.IGNORECASE | re.ASCII,
)
_COUNTING = frozenset(
    (
        "scaled",
        "went",
        "grew",
        "rose",
        "dropped",
        "fell",
        "jumped",
        "increased",
        "decreased",
        "changed",
        "moved",
        "up",
        "down",
    )
)
_ASKING = frozenset(
    (
        "did",
        "do",
        "was",
        "were",
        "is",
        "are",
        "has",
        "had",
        "what",
        "why",
        "how",
        "who",
        "which",
        "when",
        "where",
        "there",
    )
)


@dataclass(frozen=True)
class Anchor:
    """A start that only the sources know; `said` keeps the asker's words."""

    kind: Literal["deploy", "alert"]
    said: str


def resolve(
    text: str,
    now: datetime,
    zone: str,
    previous: Window | None = None,
    default: timedelta = timedelta(hours=1),
) -> Window | Anchor:
    """The window that the words name in `zone`; a follow-up changes only what it names of `previous`.

    Without time words: the previous window as its own words hold it, else `default` until now. It never ends after
    `now`, is at least a minute and at most 30 days long; `said` is empty when nobody said anything.
    """
    setting = Setting(clock_of(now, zone), default, previous)
    found = _sober(tokens(text, setting.here))
    setting = replace(setting, follows=previous is not None and _follows(text, found))
    if not setting.follows:
        found = found[: next((at for at, token in enumerate(found) if token.kind == "c"), None)]
    known = read(found, setting)
    anchor = next((token for token in found if token.kind == "A"), None)
    if anchor and not (known and known[1][0] is anchor):
        return Anchor(anchor.value, _words(text, [anchor]))
    if known is None:
        return _kept(setting)
    reading, part = known
    return _within(reading, _words(text, part), setting)


def _follows(text: str, found: list[Token]) -> bool:
    """Whether a question only changes the one before: it opens so, or is nothing but time words."""
    return bool(_OPENING.match(text)) or not any(token.kind == "w" for token in found)


def _sober(found: list[Token]) -> list[Token]:
    """Bare numbers that count things are no hours: `scaled from 3 to 5`, `between 2 and 4 pods`."""
    plain = []
    for at, token in enumerate(found):
        after, before = found[at + 1 : at + 2], found[max(0, at - 4) : at]
        counts = any(word.kind in "w." and word.value not in _ASKING for word in after)
        counts = counts or any(word.value in _COUNTING for word in before if word.kind == "w")
        plain.append(replace(token, kind="w") if token.kind == "N" and counts else token)
    return plain


def _words(text: str, part: Sequence[Token]) -> str:
    return " ".join(text[part[0].start : part[-1].end].split())[:SAID]


def _kept(setting: Setting) -> Window:
    """Without time words: both ends of a finished window, the start of one that runs, else its length until now."""
    now, previous = setting.here.now, setting.previous
    if previous is None:
        return Window(now - setting.default, now)
    holds = _holds(previous, setting)
    start = {"fixed": previous.start, "since": previous.start, "last": now - (previous.end - previous.start)}[holds]
    return _within(Reading(start, previous.end if holds == "fixed" else now), previous.said, setting)


def _holds(previous: Window, setting: Setting) -> Hold:
    """What the words for the window before say of its ends, read when it ended."""
    then = Setting(replace(setting.here, now=previous.end), setting.default)
    found = tokens(previous.said, then.here)
    if any(token.kind == "A" for token in found):
        return "since"
    known = read(found, then)
    return known[0].holds if known else "last"


def _within(reading: Reading, said: str, setting: Setting) -> Window:
    """Cut to what can be asked about; what had to be changed is said."""
    now = setting.here.now
    if reading.start > now + SLACK:
        return Window(now - setting.default, now, f"{said} (still to come)")
    end = min(reading.end, now)
    start = min(reading.start, end - LEAST)
    if end - start > MOST:
        note = f"(no more than {MOST.days} days)"
        return Window(end - MOST, end, said if said.endswith(note) else f"{said} {note}".strip())
    return Window(start, end, said)
