"""Text as JSON, both databases and every model take it: no lone surrogates, no NUL."""

import math
from typing import Any


def clean(text: str) -> str:
    """The same text where it is sound; split surrogate pairs are joined, lone ones replaced, NUL removed."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "") if "\0" in text else text


def clean_json(value: Any) -> Any:
    """JSON with every string cleaned; NaN and infinities become null, anything that is no JSON its text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value if value is None or isinstance(value, bool | int) else clean(str(value))
