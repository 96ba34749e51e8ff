"""A log in a few words."""

import re

import pytest

from bot.analysis.digest import digest, tokens_in
from bot.analysis.novelty import compare
from bot.analysis.templates import mine


def kind(i: int) -> str:
    """A word without digits, different for every i."""
    return "".join(chr(103 + i // 20**p % 20) for p in range(4))


def lines(level: str, kinds: int) -> list[bytes]:
    """Lines of so many kinds."""
    return [
        f"10:00:00 {level} {kind(i)}: {kind(i * 7)} {kind(i + 9)} of {kind(i * 3)} happened\n".encode()
        for i in range(kinds)
    ]


@pytest.mark.parametrize("kinds", [1, 5, 60, 3_000])
@pytest.mark.parametrize("budget", [100, 500, 2_000])
def test_budget_holds_and_nothing_is_left_out_unsaid(kinds: int, budget: int) -> None:
    """Within the budget always, and what is shown and left out adds up to all there is."""
    patterns = mine(lines("INFO", kinds))
    made = digest(patterns, budget=budget)
    assert tokens_in(made.text) == made.tokens <= budget
    assert made.shown + made.left_out == len(patterns.templates)
    assert ("more groups" in made.text) == bool(made.left_out)


def test_errors_and_news_come_before_the_frequent() -> None:
    """Every error and every new group is in, though a thousand others are more frequent."""
    base = lines("INFO", 1_000) * 3
    new = [b"10:00:01 INFO quorum lost by zoo\n"]
    errors = [f"10:00:01 ERROR {kind(i)} broke down\n".encode() for i in range(4)]
    patterns, found = compare([*base, *errors], [*base, *new])
    made = digest(patterns, found)
    assert "NEW ×1 INFO quorum lost by zoo" in made.text
    assert all(f"ERROR {kind(i)} broke down" in made.text or "ERROR <*> broke down" in made.text for i in range(4))
    assert "(0 of them new or of error class)" in made.text


def test_every_cited_line_says_it() -> None:
    """The lines that stand behind a group exist and say its words."""
    log = [*lines("INFO", 20), *lines("WARN", 20)]
    made = digest(mine(log))
    cited = re.findall(r"of (\w+) happened \[L([\d,L]+)\]", made.text)
    assert len(cited) >= 20
    for word, ids in cited:
        assert all(word in log[int(i) - 1].decode() for i in ids.replace("L", "").split(","))
    assert {int(i) for i in re.findall(r"L(\d+)", made.text)} == set(made.cited)


def test_the_innermost_cause_of_a_trace_is_named() -> None:
    """A folded stack trace shows what caused it."""
    head = b"10:00:00 ERROR write failed\njava.io.IOException: x\n\tat a.b\n"
    trace = head + b"Caused by: java.lang.Error: quota is spent\n\tat c.d\n"
    assert "Caused by: java.lang.Error: quota is spent" in digest(mine([trace])).text


def test_what_all_share_is_said_once() -> None:
    """A start that most templates share does not take the room of what tells them apart."""
    log = [f"10:00:00 INFO trace: {i} span: {i} {kind(i)} met {kind(i * 3)}\n".encode() for i in range(40)]
    made = digest(mine(log))
    assert made.text.count("span:") == 1
    assert "INFO …" in made.text


def test_an_empty_log() -> None:
    """Nothing is said of nothing."""
    assert digest(mine([])).text.startswith("0 lines, 0 entries, 0 templates")
