"""How figures and times read."""

from datetime import timedelta

import pytest

from bot.tools import _words
from tests.tools.stores import NOW, desk


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.2314, "seconds", "231.4 ms"),
        (2.5, "seconds", "2.5 s"),
        (5_000, "seconds", "83 min"),
        (0, "seconds", "0 s"),
        (-90_000, "seconds", "-25 h"),
        (300_000, "seconds", "3.5 days"),
        (1_610_612_736, "bytes", "1.5 GiB"),
        (512, "bytes", "512 B"),
        (0.35123, "ratio", "0.3512 (35.12 %)"),
        (0, "ratio", "0"),
        (12.3456, "1/s", "12.35/s"),
        (1234.5, "", "1234"),
        (0.00001234, "", "1.234e-05"),
        (123_456_789.5, "", "1.235e+08"),
        (41, "count", "41"),
        (3.5, "widgets", "3.5 widgets"),
    ],
)
def test_numbers(value: float, unit: str, text: str) -> None:
    """Four digits that matter, in a unit that people read."""
    assert _words.number(value, unit) == text


def test_times_are_the_askers() -> None:
    """Today's times have no day, others have; lengths read in the fitting unit."""
    at = desk(zone="Europe/Berlin")
    assert _words.clock(NOW, at) == "13:00:00 CET"
    assert _words.clock(NOW - timedelta(days=2), at) == "Sat 21 Nov 13:00:00 CET"
    assert _words.ago(NOW - timedelta(minutes=3), at) == "3 min"
    assert _words.ago(NOW + timedelta(minutes=3), at) == "0 s"


def test_labels() -> None:
    """Labels in order, without the metric's name; what is very long or very many is cut, and said so."""
    assert _words.labels({"b": "2", "a": "1", "__name__": "x"}) == "a=1 b=2"
    assert _words.labels({"b": "2"}, ("b",)) == "{}"
    long = _words.labels({f"l{n:02}": "x" * 500 for n in range(30)})
    assert long.endswith(" and 10 more labels")
    assert len(long) < 3_000
