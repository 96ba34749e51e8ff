"""Annotations are expanded as Prometheus expands them."""

import math

import pytest

from bot.demo.vendors.rules import scientific
from bot.demo.vendors.template import expand
from bot.demo.vendors.wire import number, parse_duration, parse_time


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ $value | humanizePercentage }} of {{ $labels.service }}", 0.35294117, "35.29% of cart"),
        ("{{ $value | humanizeDuration }}", 0.0123, "12.3ms"),
        ("{{ $value | humanizeDuration }}", 4.5678, "4.568s"),
        ("{{ $value | humanizeDuration }}", 3723.0, "1h 2m 3s"),
        ("{{ $value | humanizeDuration }}", -90061.0, "-1d 1h 1m 1s"),
        ("{{ $value | humanizeDuration }}", 0.0, "0s"),
        ("{{ $value | humanize }}", 1234567.0, "1.235M"),
        ("{{ $value | humanize }}", 0.00012, "120u"),
        ("{{ $value | humanize }}", 7.0, "7"),
        ("{{$labels.nosuch}}{{ $value }}", 3.0, "3"),
    ],
)
def test_a_template_is_expanded(template: str, value: float, text: str) -> None:
    """Labels and humanized values."""
    assert expand(template, {"service": "cart"}, value) == text


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [
        (0.35294117647058826, "0.35294117647058826", "3.5294117647058826e-01"),
        (1.0, "1", "1e+00"),
        (250000000000000000.0, "250000000000000000", "2.5e+17"),
        (1e21, "1e+21", "1e+21"),
        (0.00001, "0.00001", "1e-05"),
        (1e-7, "1e-07", "1e-07"),
        (-0.0, "-0", "-0e+00"),
        (math.nan, "NaN", "NaN"),
        (-math.inf, "-Inf", "-Inf"),
    ],
)
def test_a_number_is_written_as_the_server_writes_it(value: float, text: str, short: str) -> None:
    """Shortest digits, no exponent between a millionth and 1e21; alert values always with one."""
    assert (number(value), scientific(value)) == (text, short)


def test_times_and_durations_come_in_two_forms() -> None:
    """Seconds or RFC 3339; seconds or units."""
    assert parse_time("1760000007.5", "time") == parse_time("2025-10-09T08:53:27.5Z", "time") == 1_760_000_007_500
    assert parse_duration("90", "step") == parse_duration("1m30s", "step") == 90_000
