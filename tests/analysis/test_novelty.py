"""What is new since the incident began."""

from bot.analysis.novelty import compare


def log(**counts: int) -> list[bytes]:
    """A log with so many lines of each kind."""
    return [f"10:00:00 INFO {kind} seen {i}\n".encode() for kind, n in counts.items() for i in range(n)]


def test_kinds_of_change() -> None:
    """A new, a vanished, a bursting and a dropping template are told from the steady one."""
    _, found = compare(log(steady=500, gone=60, many=20, few=300), log(steady=500, many=200, few=20, fresh=2))
    assert [(n.template.text.split()[0], n.kind) for n in found] == [
        ("fresh", "new"), ("gone", "gone"), ("many", "burst"), ("few", "drop"),
    ]  # fmt: skip
    assert found[0].count == 2
    assert found[0].expected == 0


def test_nothing_new_in_the_same_log() -> None:
    """The same log again says nothing, whatever its length."""
    assert compare(log(one=200, two=30), log(one=400, two=60))[1] == ()


def test_new_errors_come_first() -> None:
    """Of two new templates the error stands first."""
    window = [*log(steady=100, fresh=50), b"10:00:01 ERROR lost the quorum\n"]
    _, found = compare(log(steady=100), window)
    assert [n.template.level for n in found if n.kind == "new"] == ["ERROR", "INFO"]


def test_line_ids_run_on_through_the_window() -> None:
    """A new template cites lines after the baseline."""
    patterns, found = compare(log(steady=10), log(fresh=3))
    assert patterns.lines == 13
    assert (found[0].template.first, found[0].template.last) == (11, 13)


def test_what_was_seen_once_is_not_new() -> None:
    """One line of the baseline is enough to know a template."""
    assert compare(log(steady=100, rare=1), log(steady=100, rare=1))[1] == ()


def test_without_a_baseline_everything_is_new() -> None:
    """An empty baseline knows nothing."""
    assert [n.kind for n in compare([], log(one=3))[1]] == ["new"]
