"""Which lines begin an entry and which go on with the one before (stack frames, indented lines)."""

import re

CONTINUES, EXCEPTION, SEVERE = 1, 2, 4
"""A line that goes on with the entry before; an exception named at the line's start; an entry of a high level."""
_INSIDE = re.compile(
    rb"\s+\S|\s*$|Caused by: |Traceback \(most recent|\.\.\. \d+ (more|common)|"
    rb"(During handling of|The above exception was)"
)
_NAMED = re.compile(
    rb"(Exception in thread \"|([A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(Error|Exception|Exit|Interrupt|Warning)(:|$))"
)
_LEVEL = re.compile(
    rb"\b(WARN(ING)?|ERROR|ERR|SEVERE|FATAL|CRIT(ICAL)?|EMERG|ALERT|error|fatal|warn(ing)?)\b|\s[EWF]\s|^[EWF]\d{4}\b"
)


def kind_of(line: bytes) -> int:
    """The line's kind as a sum of CONTINUES, EXCEPTION and SEVERE."""
    if _INSIDE.match(line[:200]):
        return CONTINUES
    if _NAMED.match(line[:400]):
        return EXCEPTION | SEVERE
    return SEVERE if _LEVEL.search(line[:200]) else 0
