"""What label values mean."""

import pytest

from bot.analysis.labels import failures


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"200", "404", "503"}, {"503"}),
        ({"2xx", "5xx"}, {"5xx"}),
        ({"OK", "Unavailable", "NotFound"}, {"Unavailable"}),
        ({"success", "error"}, {"error"}),
        ({"true", "false"}, {"false"}),
        ({"ok"}, set()),
    ],
)
def test_failures_are_told_from_the_rest(values: set[str], expected: set[str]) -> None:
    """HTTP status, gRPC codes and plain words."""
    assert set(failures(values) or ()) == expected
    assert failures(values) is not None


@pytest.mark.parametrize("values", [set(), {""}, {"GET", "POST"}, {"/a", "/b"}])
def test_other_labels_tell_no_outcome(values: set[str]) -> None:
    """Methods and routes are no outcomes."""
    assert failures(values) is None
