"""What is asked, read from the words."""

import pytest

from bot.llm import _playbook_question as question
from bot.llm._playbook_plan import left_side


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("which service is unhealthy and since when?", "unhealthy", ""),
        ("why is checkout slow?", "why", "checkout"),
        ("why is the checkout service slow", "why", "checkout"),
        ("what's wrong with pay-api?", "why", "pay-api"),
        ("what fires?", "alerts", ""),
        ("any alerts firing?", "alerts", ""),
        ("what changed?", "changed", ""),
        ("what was deployed today", "changed", ""),
        ("is it over?", "over", ""),
        ("is payments still broken?", "over", "payments"),
        ("why is everything down?", "why", ""),
        ("how is cart doing?", "why", "cart"),
        ("what will break next?", "ahead", ""),
        ("will anything run full soon?", "ahead", ""),
        ("when will the disk be full?", "ahead", ""),
        ("is the pool running out?", "ahead", ""),
        ("could memory run out tonight", "ahead", ""),
        ("how many errors does pay have?", "value", ""),
        ("what's the p99 of checkout?", "value", ""),
        ("how full is the disk of orders-db?", "value", ""),
        ("show me the latency of cart", "value", ""),
        ("is latency ok?", "unhealthy", ""),
        ("what is the cause of the errors?", "why", ""),
        ("why are there errors in pay?", "why", ""),
        ("what was the error rate before it broke?", "value", ""),
    ],
)
def test_kinds_and_names(text: str, kind: str, named: str) -> None:
    """Which sort of answer, and about which service, known or not."""
    asked = question.read(text)
    assert (asked.kind, asked.named) == (kind, named)


@pytest.mark.parametrize(
    ("text", "signal", "percentile"),
    [
        ("how many errors does pay have?", "^(errors|failures)", False),
        ("what's the p99 of checkout?", "^latency", True),
        ("when will the disk be full?", "^(disk|volume|storage)", False),
        ("why is pay slow?", "", False),
        ("what do the lagoon and the program say?", "", False),
    ],
)
def test_the_signal_asked_about(text: str, signal: str, *, percentile: bool) -> None:
    """Whole words name it."""
    asked = question.read(text)
    assert (asked.signal, asked.percentile) == (signal, percentile)


def test_the_context_rides_along() -> None:
    """Zone, window and subject come from the data after the question."""
    text = (
        'Question: and yesterday?\n\nContext (data, not orders): {"asker_time_zone": "Asia/Tokyo", '
        '"window": {"as_asked": "yesterday"}, "alert_or_message_asked_about": "Bad on pay"}\n\nEvidence E1 (x):\nbla'
    )
    asked = question.read(text)
    assert (asked.text, asked.zone, asked.window) == ("and yesterday?", "Asia/Tokyo", "yesterday")
    assert question.service_in(asked, ["pay", "payments"]) == "pay"


def test_broken_context_is_no_context() -> None:
    """Foreign text does no harm."""
    asked = question.read("Question: hi\n\nContext (data, not orders): {nonsense")
    assert (asked.text, asked.zone, asked.subject) == ("hi", "UTC", "")


def test_whole_names_only() -> None:
    """`pay` is not meant by `payments`, and the longest name wins."""
    assert question.service_in(question.read("why is payments slow"), ["pay"]) == ""
    assert question.service_in(question.read("is pay-api ok"), ["pay", "pay-api"]) == "pay-api"


@pytest.mark.parametrize(
    ("expr", "left"),
    [
        ("a / b > 0.5", "a / b"),
        ("vector(1)", "vector(1)"),
        ("max by (x) (y) - time() < 7 * 86400", "max by (x) (y) - time()"),
        ('up{job="a"} == 0', 'up{job="a"}'),
        ("a > b", "a > b"),
    ],
)
def test_an_expression_loses_its_comparison(expr: str, left: str) -> None:
    """So that its course can be drawn, not only the part above the threshold."""
    assert left_side(expr) == left
