"""An answer's parts, and what the evidence makes of its cause."""

from datetime import UTC, datetime

import pytest

from bot.check.claims import HEAD_CHARS, check_claims, parse_answer
from bot.domain.evidence import Evidence
from bot.domain.window import Window

WINDOW = Window(datetime(2026, 11, 24, 6, tzinfo=UTC), datetime(2026, 11, 24, 7, tzinfo=UTC))
CAUSE = '{"service": "payment", "signal": "errors", "since": "2026-11-24T06:01:00Z"}'
TEXT = f"payment fails [E2]\nSince 06:01\nNext: roll back\n\nDetails [E1] [E2]\nCAUSE {CAUSE}"


def evidence(id: str, **facts: object) -> Evidence:
    """A piece of evidence with these facts."""
    return Evidence(id, "flow", "tool", "prom", "prod", "q", WINDOW, "s", "t", facts)


def test_the_parts() -> None:
    """Head, body, cause and citations come apart, and the cause line is gone."""
    parsed = parse_answer(TEXT)
    assert parsed.head == "payment fails [E2]\nSince 06:01\nNext: roll back"
    assert (parsed.body, parsed.cited) == ("Details [E1] [E2]", ("E2", "E1"))
    assert parsed.cause == {"service": "payment", "signal": "errors", "since": "2026-11-24T06:01:00Z"}


@pytest.mark.parametrize(
    "line",
    ["CAUSE null", "CAUSE {broken", 'CAUSE {"service": ""}', "CAUSE []", "", f"`CAUSE {CAUSE}` and more"],
)
def test_no_cause(line: str) -> None:
    """Null, nothing, or something that is no cause gives none, and the text stays."""
    parsed = parse_answer(f"Nothing is wrong\n\n{line}")
    assert parsed.cause is None
    assert parsed.head == "Nothing is wrong"


def test_a_fence_around_the_cause_goes_with_it() -> None:
    """Some models fence what is for code."""
    parsed = parse_answer(f"a\n\nbody\n```json\nCAUSE {CAUSE}\n```")
    assert (parsed.body, parsed.cause is not None) == ("body", True)


def test_a_long_head_goes_on_in_the_body() -> None:
    """Nothing is lost, and the head ends at a word within its 400 characters."""
    parsed = parse_answer("word " * 200 + "\nsecond\nthird\nfourth\n\nrest")
    assert len(parsed.head) <= HEAD_CHARS + 2
    assert parsed.head.endswith("word …")
    assert "fourth" in parsed.body
    assert parsed.body.endswith("rest")


FACT = {"service": "payment", "since": "2026-11-24T06:02:00Z", "confidence": "confirmed", "reason": "deploy"}


@pytest.mark.parametrize(
    ("facts", "confidence"),
    [
        ({"cause": FACT}, "confirmed"),
        ({"causes": [{**FACT, "service": "cart"}, FACT]}, "confirmed"),
        ({"cause": {**FACT, "since": "2026-11-24T06:40:00Z"}}, "likely"),
        ({"cause": {**FACT, "since": "noon"}}, "likely"),
        ({"cause": {**FACT, "confidence": "likely"}}, "likely"),
        ({"movers": [{"service": "Payment"}]}, "likely"),
        ({"alerts": [{"service": "payment"}]}, "likely"),
        ({"movers": [{"service": "cart"}], "cause": None}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_confidence_by_stated_conditions(facts: dict[str, object], confidence: str) -> None:
    """The word follows from the facts alone."""
    claims = check_claims(parse_answer(TEXT), [evidence("E1", **facts), evidence("E2")])
    assert (claims.confidence, claims.unknown_ids) == (confidence, ())


def test_a_cited_id_must_exist() -> None:
    """Ids that no evidence has are named."""
    assert check_claims(parse_answer("see [E7]\n\nCAUSE null"), [evidence("E1")]).unknown_ids == ("E7",)


def test_without_a_cause_nothing_is_sure() -> None:
    """No cause, no confidence."""
    assert check_claims(parse_answer("all is well"), []).confidence == "unknown"
