"""A run says something of a model only if the model was heard; its transcript has everything, in order."""

import pytest

from bot.domain.evidence import Found
from bot.domain.messages import Message, Stop, ToolCall
from bot.domain.outcomes import Fault, FaultCause, Turn
from bot.evals.result import Taken, graded, transcript
from bot.evals.shelf import Kept
from tests.evals.made import answer, case

END = Turn(Message("assistant", "It is payments.", model="claude"), "end")


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        ("rate_limited", "throttled"), ("overloaded", "throttled"), ("spend_limit", "throttled"),
        ("timeout", "error"), ("auth", "error"), ("garbage", "error"),
    ],
)  # fmt: skip
def test_what_the_playbook_finished_is_not_the_models(cause: FaultCause, state: str) -> None:
    """However right that answer is."""
    taken = Taken({"claude": [Fault(cause, "so it said")], "playbook": [END]})
    assert graded(case(), "claude", answer(model="playbook"), taken) == (state, (f"{cause}: so it said",))


@pytest.mark.parametrize(("stop", "said"), [("refusal", "would not answer"), ("tools", "within its limits")])
def test_a_model_that_gave_no_answer_is_wrong(stop: Stop, said: str) -> None:
    """It was heard, and did not answer."""
    taken = Taken({"claude": [Turn(Message("assistant"), stop)]})
    state, missed = graded(case(), "claude", answer(model="playbook"), taken)
    assert state == "failed"
    assert said in missed[0]


def test_a_model_that_came_back_after_a_fault_is_graded() -> None:
    """A retry that worked is an answer."""
    taken = Taken({"claude": [Fault("rate_limited", "wait"), END]})
    assert graded(case(), "claude", answer(), taken) == ("passed", ())
    assert graded(case(), "playbook", answer(model="playbook"), Taken()) == ("passed", ())


def test_the_transcript_has_everything_in_order() -> None:
    """What code gathered, each turn's words and calls with their results, refused calls, faults."""
    calls = (Kept("alerts", {}, Found("one fires", "am", "")), Kept("query", {"q": "up"}, None, "it is down"))
    asks = Message("assistant", "I look.", (ToolCall("1", "query", {"q": "up"}), ToolCall("2", "alerts", {"x": 1})))
    taken = Taken({"claude": [Turn(asks, "tools"), Fault("cut", "gone"), END]}, calls)
    assert [(line.by, line.title, line.text) for line in transcript(case(), taken)] == [
        ("code", "asked", "what broke?"),
        ("code", "alerts()", "one fires"),
        ("model", "claude", "I look."),
        ("tool", "query(q=up)", "failed: it is down"),
        ("tool", "alerts(x=1)", "refused"),
        ("fault", "claude: cut", "gone"),
        ("model", "claude", "It is payments."),
    ]
