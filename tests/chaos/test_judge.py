"""The judge finds each kind of broken promise in a made-up history, and nothing in one that is whole."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.history import Asked, Delivery, Harm, History, ModelCall, Row, Shown, Work
from tests.chaos.judge import FOLDED, Verdict, judge, story

FIRST, SECOND, LANE = "ans:T:C:1.0", "ans:T:C:2.0", "T:C:1.0"
STEPS = ("begin1", "model1", "finish1")


def history() -> History:
    """Two questions of a thread, one after the other; the first one's process was killed in its model step."""
    made = History()
    for key, at, tag in ((FIRST, 10.0, "case-aaaaa"), (SECOND, 11.0, "case-bbbbb")):
        ts = key.rpartition(":")[2]
        made.asked.append(Asked(key, "question", at, "C", ts, "1.0", tag))
        made.deliveries[key] = [Delivery(at + 0.1, "ok")]
        made.rows[key] = Row(key, "SUCCESS", LANE, int(at * 1000), state="answered")
        made.shown.append(Shown(f"{ts}1", "C", "1.0", key, "answer", final=True, text=f"{tag}: it is well"))
        made.finals[key] = at + 10
    made.works = [Work(10.2, "w0-1", "began", FIRST, "begin1", 1), Work(10.3, "w0-1", "did", FIRST, "begin1", 1)]
    made.works += [Work(10.5, "w0-1", "began", FIRST, "model1", 2)]
    made.harms = [Harm(11.5, "kill", "w0-1", until=11.5)]
    made.births = {"w0-1": 1.0, "w1-1": 1.0}
    made.works += [Work(16.0, "w1-1", "began", FIRST, "model1", 2), Work(17.0, "w1-1", "did", FIRST, "model1", 2)]
    made.works += [Work(18.0, "w1-1", "began", FIRST, "finish1", 3)]
    made.works += [Work(20.5 + place, "w1-1", "began", SECOND, step, place + 1) for place, step in enumerate(STEPS)]
    made.records = {(FIRST, 1): 10.3, (FIRST, 2): 17.0, (FIRST, 3): 19.0} | {(SECOND, n + 1): 21 + n for n in range(3)}
    made.calls = [ModelCall(16.1, "w1-1", "case-aaaaa", frozenset({"case-aaaaa"}))]
    return made


def test_a_whole_history_has_nothing_wrong() -> None:
    """Both were answered, in order; the take-over took 4.5 s."""
    verdict = judge(history())
    assert (verdict.accepted, verdict.answered, verdict.wrong) == (2, 2, [])
    assert verdict.takeovers == [4.5]
    assert verdict.resumes == []


def _unanswered(made: History) -> None:
    made.shown[0] = replace(made.shown[0], final=False)


def _gone(made: History) -> None:
    del made.shown[0], made.rows[FIRST]


def _swapped(made: History) -> None:
    made.shown[0] = replace(made.shown[0], text="case-bbbbb: it is well")


def _joined_and_not_read(made: History) -> None:
    made.rows[FIRST] = replace(made.rows[FIRST], state="joined")
    made.calls.clear()
    del made.shown[0]


@pytest.mark.parametrize("harm", [_unanswered, _gone, _swapped, _joined_and_not_read])
def test_what_was_acked_and_not_answered_is_lost(harm: Callable[[History], None]) -> None:
    """A placeholder for ever, nothing at all, another one's answer, or an instruction that no model saw."""
    harm(made := history())
    assert judge(made).lost == [FIRST]


def _another(made: History) -> str:
    made.shown.append(replace(made.shown[0], ts="9.0", final=False))
    return FIRST


def _noted_twice(made: History) -> str:
    made.shown += [replace(made.shown[0], ts=ts, part="note") for ts in ("8.0", "9.0")]
    return FIRST


def _open_stream(made: History) -> str:
    made.shown.append(Shown("9.0", "C", "1.0", "", "", final=False, streaming=True, text=FOLDED))
    return "C/9.0"


def _progress(made: History) -> str:
    made.shown.append(Shown("9.0", "C", "1.0", FIRST, "progress", final=False, text="looking"))
    return FIRST


@pytest.mark.parametrize("harm", [_another, _noted_twice, _open_stream, _progress])
def test_a_second_message_and_what_is_left_beside_it_are_doubled(harm: Callable[[History], str]) -> None:
    """A second placeholder, a second note, a stream still open, progress that nobody took away."""
    key = harm(made := history())
    assert judge(made).doubled == [key]


def test_folded_progress_is_counted_apart() -> None:
    """Where Slack does not delete, one line may stay."""
    made = history()
    made.shown.append(Shown("9.0", "C", "1.0", FIRST, "progress", final=False, text=FOLDED))
    verdict = judge(made)
    assert (verdict.wrong, verdict.folded) == ([], 1)


def test_a_recorded_step_that_begins_again_is_repeated() -> None:
    """The engine had it since 10.3, and at 16.0 it began again."""
    made = history()
    made.works.append(Work(16.0, "w1-1", "began", FIRST, "begin1", 1))
    assert judge(made).repeated == [FIRST]


def test_a_step_cut_before_it_was_recorded_may_begin_again() -> None:
    """What was done and not recorded is done once more, before the record there is."""
    made = history()
    made.records[FIRST, 1] = 16.2
    made.works.append(Work(16.0, "w1-1", "began", FIRST, "begin1", 1))
    assert judge(made).repeated == []


def test_an_answer_before_an_earlier_ones_is_disorder() -> None:
    """By the engine's order, not by the time of the ack; a run stopped by a person has none."""
    made = history()
    made.finals = {FIRST: 21.0, SECOND: 20.0}
    assert judge(made).disorder == [SECOND]
    made.rows[FIRST] = replace(made.rows[FIRST], status="CANCELLED")
    assert judge(made).disorder == []


def test_accepted_in_one_millisecond_the_key_decides() -> None:
    """SQLite's clock has whole seconds; the key holds Slack's order."""
    made = history()
    made.rows = {key: replace(row, created=10_000) for key, row in made.rows.items()}
    assert judge(made).disorder == []


def test_within_one_second_both_clocks_decide() -> None:
    """Earlier in Slack and accepted earlier is earlier; where they disagree, either order is one."""
    made = history()
    made.rows = {key: replace(row, created=10_000) for key, row in made.rows.items()}
    made.finals = {FIRST: 21.0, SECOND: 20.0}
    first, second = (Work(0, "w0-1", "accepted", key, "answer") for key in (FIRST, SECOND))
    made.works = [replace(first, at=10.1), replace(second, at=10.4)]
    assert judge(made).disorder == [SECOND]
    made.works = [replace(first, at=10.4), replace(second, at=10.1)]
    assert judge(made).disorder == []
    made.finals = {FIRST: 20.0, SECOND: 21.0}
    assert judge(made).disorder == []


def test_a_model_call_of_a_thawed_process_is_a_zombies() -> None:
    """Frozen at 11.5 and thawed at 16.5, it asks for a run that w1-1 has begun to work on."""
    made = history()
    made.harms = [Harm(11.5, "stop", "w0-1", until=16.5)]
    made.calls.append(ModelCall(16.6, "w0-1", "case-aaaaa", frozenset({"case-aaaaa"})))
    assert judge(made).zombies == [FIRST]
    made.calls[-1] = replace(made.calls[-1], worker="w1-1")
    assert judge(made).zombies == []


def test_what_never_came_is_counted_apart() -> None:
    """All tries failed and the engine knows nothing: not accepted, so not lost."""
    made = history()
    del made.rows[FIRST], made.shown[0]
    made.deliveries[FIRST] = [Delivery(10.1, "timeout"), Delivery(13.1, "no_connection", 1)]
    verdict = judge(made)
    assert (verdict.undelivered, verdict.accepted, verdict.lost) == ([FIRST], 1, [])


def test_a_run_stopped_before_it_showed_anything_is_kept() -> None:
    """Cancelled with nothing in the thread; with a placeholder left there it is lost."""
    made = history()
    made.rows[FIRST] = replace(made.rows[FIRST], status="CANCELLED")
    placeholder = replace(made.shown.pop(0), final=False)
    assert (judge(made).lost, judge(made).stopped) == ([], 1)
    made.shown.append(placeholder)
    assert judge(made).lost == [FIRST]


def test_a_joined_instruction_that_the_model_saw_is_kept() -> None:
    """It needs no answer of its own."""
    made = history()
    made.rows[FIRST] = replace(made.rows[FIRST], state="joined")
    del made.shown[0]
    verdict = judge(made)
    assert (verdict.joined, verdict.lost) == (1, [])


def test_a_take_over_with_another_harm_meanwhile_is_told_apart() -> None:
    """It says nothing about how long one takes."""
    made = history()
    made.harms.append(Harm(13.0, "kill", "w2-1", until=13.0))
    verdict = judge(made)
    assert (verdict.takeovers, verdict.disturbed) == ([], [4.5])


def test_from_the_start_of_a_new_process() -> None:
    """On SQLite what counts is the time from there."""
    made = history()
    made.births["w1-1"] = 14.0
    assert judge(made).resumes == [2.0]


def test_given_up_is_counted() -> None:
    """Its thread was told, so it is answered, too."""
    made = history()
    made.rows[FIRST] = replace(made.rows[FIRST], status="MAX_RECOVERY_ATTEMPTS_EXCEEDED")
    verdict = judge(made)
    assert (verdict.given_up, verdict.answered) == ([FIRST], 2)


def test_a_story_tells_all_that_is_known() -> None:
    """What was said, delivered, worked on, broken and shown, also of a message that is nobody's."""
    made = history()
    made.shown.append(Shown("9.0", "C", "1.0", "", "", final=False, streaming=True, text="left"))
    told = story(made, FIRST)
    for part in ("said (question, case-aaaaa)", "try 0: ok", "w0-1 began model1 #2", "-- kill  w0-1", "recorded #1"):
        assert part in told
    assert f"also in the thread: {made.rows[SECOND]}" in told
    assert "left" in story(made, "C/9.0")
    assert isinstance(judge(made), Verdict)
