"""The stretch of time that a question's words name, read by code in the asker's zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.domain.window import Window, last

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LAST = re.compile(r"\b(?:last|past|previous)\s+(\d{1,4})\s*(s|m|h|d|w)(?:ec\w*|in\w*|our\w*|ay\w*|eek\w*|rs?)?\b")
_SINCE = re.compile(r"\bsince\s+(\d{1,2}):(\d\d)\b")
_ANCHORS = (
    ("deploy", re.compile(r"\bsince\s+the\s+(?:\w+\s+)?(?:deploy(?:ment)?|release|rollout)\b")),
    ("alert", re.compile(r"\bsince\s+(?:the\s+(?:\w+\s+)?alert|it\s+(?:started|began))\b")),
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
    """The window that the words name, else the previous one's length, else `default`, ending now."""
    words, here = text.lower(), now.astimezone(ZoneInfo(zone))
    for kind, pattern in _ANCHORS:
        if found := pattern.search(words):
            return Anchor("deploy" if kind == "deploy" else "alert", found[0])
    if found := _LAST.search(words):
        return last(timedelta(seconds=int(found[1]) * _SECONDS[found[2]]), now, found[0])
    if (found := _SINCE.search(words)) and int(found[1]) < 24 and int(found[2]) < 60:
        start = datetime.combine(here.date(), time(int(found[1]), int(found[2])), here.tzinfo)
        start = start if start < here else start - timedelta(days=1)
        return Window(start.astimezone(UTC), now.astimezone(UTC), found[0])
    if "yesterday" in words:
        today = datetime.combine(here.date(), time(), here.tzinfo)
        return Window((today - timedelta(days=1)).astimezone(UTC), today.astimezone(UTC), "yesterday")
    return last(previous.end - previous.start if previous else default, now)
