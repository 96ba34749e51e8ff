"""What a metric's name says."""

import pytest

from bot.analysis.words import related, seconds_per, topic, unit_of, words_of


def test_names_fall_into_words() -> None:
    """Snake case, camel case and colons alike."""
    assert words_of("jvmMemory_used:bytes") == ("jvm", "memory", "used", "bytes")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("process_resident_memory_bytes",), "memory"),
        (("node_filesystem_avail_bytes",), "disk"),
        (("mysql_threads_connected", "mysql_max_connections"), "connections"),
        (("probe_ssl_earliest_cert_expiry",), "certificate"),
        (("wobble",), ""),
    ],
)
def test_people_have_a_word_for_it(names: tuple[str, ...], expected: str) -> None:
    """The thing measured, in the word that people use."""
    assert topic(*names) == expected


def test_related_names_share_what_they_measure() -> None:
    """Units and limits make no relation; stems do."""
    assert related("process_resident_memory_bytes", "container_spec_memory_limit_bytes") > 0
    assert related("redis_connected_clients", "redis_config_maxclients") > related("redis_x", "redis_y")
    assert related("queue_bytes", "disk_size_bytes") == 0


@pytest.mark.parametrize(
    ("name", "unit", "seconds"),
    [
        ("a_bytes", "bytes", 1.0),
        ("b_milliseconds", "seconds", 1e-3),
        ("c_us", "seconds", 1e-6),
        ("d_ratio", "ratio", 1.0),
    ],
)
def test_units_are_read_from_names(name: str, unit: str, seconds: float) -> None:
    """Bytes, seconds of any size, ratios; nothing where the name tells nothing."""
    assert (unit_of(name), seconds_per(name)) == (unit, seconds)
    assert unit_of("plain") == ""
