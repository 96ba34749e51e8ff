"""What a tool's result passes before anything is stored."""

import math
from typing import Any

import pytest

from bot.agent import guards


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([1.5, None, 2.5], [1.5, None, 2.5]),
        ([1.5, math.nan, math.inf], [1.5, None, None]),
        ([math.inf, -math.inf], [None, None]),
        ([1e308, 1e308, -1e308], [1e308, 1e308, -1e308]),
        ((1, True, None, 10**400), [1, True, None, 10**400]),
        ([1, 2.5, math.nan], [1, 2.5, None]),
        ([1.5, "a\x00b"], [1.5, "ab"]),
        ([], []),
    ],
)
def test_samples_are_kept_and_only_finite_ones(given: Any, kept: Any) -> None:
    """Whatever the list holds, numbers stay as they are, and what is none becomes null."""
    cleaned = guards.clean(given, str)
    assert cleaned == kept
    assert [type(item) for item in cleaned] == [type(item) for item in kept]
