"""What a tool's result passes before it is stored or shown to a model: cleaned, masked, then cut."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from bot.domain.messages import ToolCall

Redact = Callable[[str], str]
_WHOLE, _SAMPLES = frozenset({int, bool, type(None)}), frozenset({float, type(None)})
_NO_CONTROL = {code: None for code in (*range(32), 127) if chr(code) not in "\n\t"}


def clean_text(text: str) -> str:
    """Without control characters, NUL and lone surrogates: what both databases and every model take."""
    return text.translate(_NO_CONTROL).encode("utf-8", "replace").decode("utf-8")


def clean(value: Any, redact: Redact) -> Any:
    """JSON with every string cleaned and masked; NaN and infinities become null; plain number lists pass untouched."""
    if isinstance(value, str):
        return redact(clean_text(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(value) if _is_numbers(value) else [clean(item, redact) for item in value]
    return value if isinstance(value, bool | int) or value is None else redact(clean_text(str(value)))


def _is_numbers(values: Sequence[Any]) -> bool:
    """Samples are most of what is kept: whether all are finite numbers of one type, or null, at the speed of C."""
    kinds = set(map(type, values))
    return kinds <= _WHOLE or (kinds <= _SAMPLES and math.isfinite(sum(filter(None, values))))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, at a line's end, saying how much was left out; the text is masked already."""
    if len(text) <= limit:
        return text
    kept = text[:limit].rpartition("\n")[0] or text[:limit]
    return f"{kept}\n… {len(text) - len(kept)} more characters are kept under this evidence id"


def fingerprint(call: ToolCall) -> str:
    """The same for two calls that ask the same."""
    return f"{call.name}:{json.dumps(call.arguments, sort_keys=True, default=str)}"
