"""JSON that every database takes: no NUL, no NaN or infinity, no lone surrogate."""

import json
import math
import re
from typing import Any

from bot.domain.messages import JSON

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def text(value: str) -> str:
    """The text without what a database refuses."""
    return _UNSTORABLE.sub("", value)


def dumps(value: JSON) -> str:
    """Plain JSON types as ASCII JSON text; what cannot be stored is left out, a number that is none becomes null."""
    try:
        written = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_cleaned(value), allow_nan=False, separators=(",", ":"))
    return json.dumps(_cleaned(value), separators=(",", ":")) if _SUSPECT.search(written) else written


def cleaned(value: JSON) -> JSON:
    """The value as it comes back from a database; the very same object when nothing had to go."""
    try:
        suspect = _SUSPECT.search(json.dumps(value, allow_nan=False))
    except ValueError:
        return _cleaned(value)
    return _cleaned(value) if suspect else value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {text(key) if isinstance(key, str) else key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
