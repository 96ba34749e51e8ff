"""Fitting a transcript into a window keeps what later turns need."""

import re

from bot.agent.context import fit, tokens
from bot.agent.guards import clean, cut
from bot.domain.messages import Message, ToolCall, ToolResult


def transcript(results: int, size: int) -> tuple[Message, ...]:
    """A question and many big results."""
    said = [Message("user", "why is checkout slow?")]
    for n in range(results):
        said.append(Message("assistant", calls=(ToolCall(f"c{n}", "look", {"query": str(n)}),)))
        said.append(Message("user", results=(ToolResult(f"c{n}", "look", "x" * size, f"E{n}"),)))
    return tuple(said)


def test_what_fits_is_left_alone() -> None:
    """A short transcript comes back as it is."""
    messages = transcript(3, 100)
    assert fit(messages, 100_000) == messages


def test_old_results_shrink_first_and_their_ids_stay() -> None:
    """In a tight window the oldest results become one line under their id; the newest and the question stay whole."""
    fitted = fit(transcript(20, 3_000), 25_000)
    assert tokens(fitted) <= 0.6 * 25_000
    assert fitted[-1].results[0].text == "x" * 3_000
    assert fitted[0].text == "why is checkout slow?"
    shrunk = [m.results[0] for m in fitted if m.results and "shortened" in m.results[0].text]
    assert shrunk
    assert all(re.match(rf"\[{result.evidence_id}\]", result.text) for result in shrunk)


def test_calls_and_results_stay_paired() -> None:
    """Compaction drops no message, so every call keeps its result."""
    before = transcript(20, 3_000)
    assert [m.role for m in fit(before, 10_000)] == [m.role for m in before]


def test_cleaning() -> None:
    """Control characters, lone surrogates and non-numbers go; structure stays."""
    dirty = {"a\x00": ["\ud800x", float("inf"), 1, True, None, ("y\x1b[0m",)], "b": {1: object}}
    cleaned = clean(dirty, str)
    assert cleaned["a"] == ["?x", None, 1, True, None, ["y[0m"]]
    assert set(cleaned) == {"a", "b"}


def test_a_cut_says_how_much_is_left_out() -> None:
    """A long text ends at a line with the number of characters that remain."""
    assert cut("short", 100) == "short"
    assert cut("line one\nline two\nline three", 20).endswith("more characters are kept under this evidence id")
