"""JSON that every database takes."""

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import plain

TEXT = st.text(st.characters(exclude_categories=[]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def storable(value: Any) -> bool:
    """Whether nothing in it would be refused."""
    if isinstance(value, str):
        return not any(char == "\x00" or 0xD800 <= ord(char) <= 0xDFFF for char in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(storable(key) and storable(item) for key, item in value.items())
    return all(map(storable, value)) if isinstance(value, list) else True


@given(ANY_JSON)
def test_what_is_left_is_storable(value: Any) -> None:
    """Whatever comes in: what goes on can be stored, and text and value agree."""
    cleaned = plain.cleaned(value)
    assert storable(cleaned)
    assert json.loads(plain.dumps(value)) == cleaned


@given(ANY_JSON.filter(storable))
def test_what_is_storable_stays(value: Any) -> None:
    """Nothing else is changed."""
    assert plain.cleaned(value) == value


def test_nothing_is_copied_without_need() -> None:
    """The usual value is given back as it is."""
    value = {"a": ["x", 1.5]}
    assert plain.cleaned(value) is value
