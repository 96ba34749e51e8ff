"""A model may not say that a source is missing when it is there: what is plugged in is known to code."""

import re
from collections.abc import Sequence

_NOT = r"\bno\b|\bnot\b|n['’]t\b|\bwithout\b|\black(?:s|ing)?\b"
_THERE = r"configured|set up|enabled|connected|integrated|plugged in"
_MISSING = re.compile(rf"(?:{_NOT})[^.\n;]{{0,80}}?\b(?:{_THERE})\b|\b(?:un|mis)configured\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:toolsets?|tools?|sources?|integrations?|metrics|alerts|prometheus|alertmanager|data\s?sources?)\b",
    re.IGNORECASE,
)


def correct(text: str, plugged_in: Sequence[str]) -> str:
    """The text with a correction behind each sentence that calls a source missing; `plugged_in` are those that are not.

    Nothing is changed where nothing is plugged in, as then the sentence may be right.
    """
    if not plugged_in:
        return text
    return "\n".join(_line(line, plugged_in) for line in text.split("\n"))


def _line(line: str, plugged_in: Sequence[str]) -> str:
    wrong = next((match for match in _MISSING.finditer(line) if _ABOUT.search(line)), None)
    note = f" (not so: {', '.join(plugged_in)} {'is' if len(plugged_in) == 1 else 'are'} configured)"
    return line + note if wrong and note not in line else line
