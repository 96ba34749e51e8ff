"""What is plugged in is said by code."""

import pytest

from bot.check.sources import correct

THERE = ("prom-eu", "am-eu")


@pytest.mark.parametrize(
    "said",
    [
        "No Prometheus integration is configured, so I cannot tell.",
        "The metrics toolset is not enabled.",
        "Alertmanager isn't connected here.",
        "I answer without any metrics source configured.",
        "The alerts source seems to be unconfigured.",
    ],
)
def test_a_source_that_is_there_is_never_called_missing(said: str) -> None:
    """The sentence is corrected, once, with the sources' names."""
    corrected = correct(f"payment fails\n{said}", THERE)
    assert corrected == f"payment fails\n{said} (not so: prom-eu, am-eu are configured)"
    assert correct(corrected, THERE) == corrected


@pytest.mark.parametrize(
    "said",
    [
        "The pool is configured with 20 connections.",
        "The retry limit is not configured in payment v2.4.0.",
        "No alert fires and nothing moved.",
        "prometheus did not answer within 10 s",
    ],
)
def test_other_sentences_stay(said: str) -> None:
    """Configuration of the system itself, and honest failures, are no claims about our sources."""
    assert correct(said, THERE) == said


def test_with_nothing_plugged_in_it_may_be_true() -> None:
    """Then nobody is corrected."""
    said = "No metrics source is configured."
    assert correct(said, ()) == said
