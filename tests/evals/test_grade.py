"""Grading by facts: a right answer passes, and every way to be wrong is said in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.answers import Answer, Cause, Numbers
from bot.evals.case import Fact, Forbidden
from bot.evals.grade import misses
from tests.evals.made import answer, case


def test_a_right_answer_has_no_misses() -> None:
    """Cause, head, required facts, nothing forbidden, every number backed."""
    facts = (
        Fact(words=("errors", "5xx")),
        Fact(time="onset"),
        Fact(number=0.33, within=0.02),
        Fact(service="payments"),
    )
    assert misses(case(required=facts, forbidden=(Forbidden(cause="edge"),)), answer()) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(service="edge"), "names edge as the cause; it is payments"),
        (answer(service=""), "names no cause; it is payments"),
        (answer("edge is unhealthy: errors 33 %."), "the head does not name payments"),
        (answer("payments-db is unhealthy: errors 33 %."), "the head does not name payments"),
        (answer(numbers=Numbers(2, 1, ("42 %",))), "numbers without evidence: 42 %"),
        (answer(missing=("cited but unknown: E9",)), "cited but unknown: E9"),
    ],
)
def test_what_is_wrong_is_said(given: Answer, said: str) -> None:
    """One miss, in words."""
    assert misses(case(), given) == (said,)


@pytest.mark.parametrize(
    ("fact", "holds"),
    [
        ({"words": ("timeouts",)}, False),
        ({"words": ("ERRORS",)}, True),
        ({"phrase": "Errors 33 %"}, True),
        ({"phrase": "errors 34"}, False),
        ({"number": 33}, True),
        ({"number": 0.33, "within": 0.001}, True),
        ({"number": 0.4, "within": 0.05}, False),
        ({"time": "2026-06-10T13:21:00Z", "within": 1}, True),
        ({"time": "2026-06-10T13:40:00Z"}, False),
        ({"service": "pay"}, False),
    ],
)
def test_a_required_fact_is_there_or_not(fact: dict[str, Any], holds: bool) -> None:
    """Words and phrases whatever their case, numbers and times within their tolerance, services by their whole name."""
    assert (misses(case(required=(Fact(**fact),)), answer()) == ()) is holds


def test_a_time_may_stand_in_the_head() -> None:
    """As a clock time, the last one before the question, also of the day before."""
    head = "payments is unhealthy since 23:55 UTC."
    given = answer(head, numbers=Numbers())
    quiet = Answer(given.head, cause=Cause("payments", "errors"), model="x")
    assert misses(case(required=(Fact(time="2026-06-09T23:55:00Z", within=1),)), quiet) == ()
    assert misses(case(required=(Fact(time="2026-06-10T13:20:00Z", within=1),)), quiet) != ()


def test_what_is_forbidden_is_seen() -> None:
    """A cause; a phrase in the head, or anywhere where the case says so."""
    quoted = answer(body="A log line says: all is well.")
    assert misses(case(forbidden=(Forbidden(phrase="All is well"),)), quoted) == ()
    assert misses(case(forbidden=(Forbidden(phrase="All is well", anywhere=True),)), quoted) == ("says “All is well”",)
    rules = (Forbidden(cause="payments"),)
    assert misses(case(root_cause=(), forbidden=rules), answer()) == ("names payments as the cause, which it is not",)


def test_nothing_wrong_is_an_answer() -> None:
    """Naming no cause is right then, not knowing it is not; several causes may be right."""
    healthy = case(root_cause="none")
    assert misses(healthy, answer("Nothing is wrong.", service="")) == ()
    assert misses(healthy, answer("Cause not known.", service="")) != ()
    assert misses(healthy, answer()) == ("names payments as the cause; it is nothing",)
    assert misses(case(root_cause=["none", "payments"]), answer()) == ()


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=40))
def test_no_answer_breaks_the_grading(head: str, service: str, since: str) -> None:
    """Whatever a model writes is right or wrong, never an error."""
    facts = (Fact(time="onset"), Fact(number=1), Fact(words=("x",)), Fact(service="payments"))
    misses(case(required=facts), Answer(head, cause=Cause(service, "", since)))
