"""Finding the metric that is meant."""

import pytest

from bot.sources._catalogue import metrics, near, ranked

META = {
    "http_request_duration_seconds": [{"type": "histogram", "help": "How long requests took.", "unit": ""}],
    "http_requests_total": [{"type": "counter", "help": "Requests served."}],
    "process_resident_memory_bytes": [{"type": "gauge", "help": "Resident memory."}],
    "process_cpu_seconds_total": [{"type": "counter", "help": "CPU time."}],
    "pg_stat_activity_count": [{"type": "gauge", "help": "Connections by state."}],
    "go_memstats_heap_bytes": [{"type": "gauge", "help": "Heap of the Go runtime."}],
}
NAMES = [
    *(name for name in META if "duration" not in name),
    *(f"http_request_duration_seconds_{part}" for part in ("bucket", "sum", "count")),
    "unheard_of_total",
    *(f"node_memory_{n}_bytes" for n in range(40)),
]
KNOWN = metrics(NAMES, META)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("request latency", "http_request_duration_seconds_bucket"),
        ("requests", "http_requests_total"),
        ("memory", "process_resident_memory_bytes"),
        ("database connections", "pg_stat_activity_count"),
        ("http_requests_total", "http_requests_total"),
        ("slow responses", "http_request_duration_seconds_bucket"),
        ("requestdur", "http_request_duration_seconds_bucket"),
        ("stat_activity", "pg_stat_activity_count"),
        ("stat resid", "process_resident_memory_bytes"),
        ("heaps", "go_memstats_heap_bytes"),
    ],
)
def test_people_words_find_it(words: str, name: str) -> None:
    """What people say leads to the metric, though many others hold the same word."""
    assert name in [metric.name for metric in ranked(KNOWN, words, 12)]


def test_latency_is_asked_of_distributions() -> None:
    """A counter of seconds is not what people mean by latency, though its name is shorter."""
    names = [metric.name for metric in ranked(KNOWN, "latency", 4)]
    assert names.index("process_cpu_seconds_total") == 3


def test_parts_of_a_histogram_know_their_type() -> None:
    """Metadata is kept under the histogram's name; a metric without any is judged by its suffix."""
    types = {metric.name: metric.type for metric in KNOWN}
    assert types["http_request_duration_seconds_bucket"] == "histogram"
    assert types["unheard_of_total"] == "counter"


@pytest.mark.parametrize("wrong", ["http_reqests_total", "http_request_total", "HTTP_requests_totl"])
def test_a_wrong_name_has_near_ones(wrong: str) -> None:
    """A typo leads back to the name."""
    assert near(KNOWN, wrong, 3)[0].name == "http_requests_total"


def test_without_words_the_services_come_first() -> None:
    """An overview begins with what services export, not with runtimes."""
    names = [metric.name for metric in ranked(KNOWN, "", 100)]
    assert names[-1] == "go_memstats_heap_bytes"
    assert len(names) == len(NAMES)


def test_what_fits_nothing_finds_nothing() -> None:
    """Words that fit no name and are near none give an empty list, not an error."""
    assert ranked(KNOWN, "zzzz qqqq", 5) == ()
    assert ranked((), "memory", 5) == ()
