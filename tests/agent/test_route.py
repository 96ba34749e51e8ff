"""Which models do which task, in order, and what the case at hand leaves of them."""

from typing import get_args

import pytest

from bot.agent.route import FALLBACK, TABLE, Need, Task, route
from bot.domain.messages import ModelFacts

MODELS = {
    "claude:deep": ModelFacts("deep", "claude", 1_000_000, input_price=4, output_price=20, sees=True),
    "claude:small": ModelFacts("small", "claude", 1_000_000, input_price=0.1, output_price=0.5),
    "llama:own": ModelFacts("own", "llama", 128_000, hosted=False, sees=True),
    FALLBACK: ModelFacts(FALLBACK, FALLBACK, hosted=False),
}
NOTHING = Need()


def names(task: Task, need: Need = NOTHING, **chosen: tuple[str, ...]) -> list[str]:
    """The route of a task."""
    return [choice.name for choice in route(task, need, MODELS, chosen)]


def test_every_task_has_a_row() -> None:
    """The table is whole."""
    assert set(TABLE) == set(get_args(Task))


ORDERS: dict[Task, list[str]] = {
    "question": ["claude:deep", "claude:small", "llama:own", FALLBACK],
    "deep": ["claude:deep", "claude:small", "llama:own", FALLBACK],
    "post-mortem": ["claude:deep", "claude:small", "llama:own", FALLBACK],
    "triage": ["llama:own", "claude:small", "claude:deep", FALLBACK],
    "prediction": ["llama:own", "claude:small", "claude:deep", FALLBACK],
    "digest": ["llama:own", "claude:small", "claude:deep"],
    "history": ["llama:own", "claude:small", "claude:deep"],
    "image": ["claude:deep", "llama:own"],
}


@pytest.mark.parametrize(("task", "expected"), ORDERS.items())
def test_the_order_of_each_task(task: Task, expected: list[str]) -> None:
    """By price, by house, as listed; rules end what rules can do."""
    assert names(task) == expected


def test_what_does_not_fit_is_left_out() -> None:
    """By the size of the context."""
    assert names("digest", Need(context_tokens=500_000)) == ["claude:small", "claude:deep"]


@pytest.mark.parametrize("task", get_args(Task))
def test_in_house_leaves_no_hosted_model(task: Task) -> None:
    """Whatever the task, and whatever the settings say."""
    chosen: dict[str, tuple[str, ...]] = {task: ("claude:deep", "llama:own")}
    for found in (route(task, Need(in_house=True), MODELS), route(task, Need(in_house=True), MODELS, chosen)):
        assert not any(MODELS[choice.name].hosted for choice in found)
        assert "llama:own" in {choice.name for choice in found}


def test_the_settings_win() -> None:
    """In their order, and nothing else but what needs no model."""
    assert names("question", question=("claude:small",)) == ["claude:small", FALLBACK]
    (first, *_) = route("question", NOTHING, MODELS, {"question": ("claude:small",)})
    assert first.why == "as set for question"


def test_why_is_said() -> None:
    """In words for the answer's details."""
    (first, *_) = route("digest", Need(in_house=True), MODELS)
    assert first.why == "own model first, then the cheapest for digest; in-house only"


def test_without_any_model() -> None:
    """The playbook does what rules can do; the rest nobody does."""
    assert [choice.name for choice in route("question", NOTHING, {})] == [FALLBACK]
    assert route("digest", NOTHING, {}) == ()
