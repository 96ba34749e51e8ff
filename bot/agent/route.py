"""Which models do which task, in order: one table of tasks, and what the question at hand allows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.domain.messages import ModelFacts

Task = Literal["triage", "question", "deep", "digest", "history", "image", "prediction", "post-mortem"]
FALLBACK = "playbook"
"""Needs no model, and so ends every route of a task that it can do."""


@dataclass(frozen=True)
class Need:
    """What the case at hand asks for: tokens to be read at once, and that nothing leaves the house."""

    context_tokens: int = 0
    in_house: bool = False


@dataclass(frozen=True)
class Choice:
    """A model, and why it stands where it does."""

    name: str
    why: str


@dataclass(frozen=True)
class Rule:
    """How a task orders models: the smallest `order` first, as the settings list them where it is equal.

    `fits` leaves out those that cannot do it at all, `said` words the order, `playbook` whether rules can do it.
    """

    order: Callable[[ModelFacts], float]
    said: str
    fits: Callable[[ModelFacts], bool] = lambda facts: True
    playbook: bool = True


def _listed(facts: ModelFacts) -> float:
    return 0.0


def _price(facts: ModelFacts) -> float:
    """Of a task that reads ten times what it writes."""
    return 10 * facts.input_price + facts.output_price


def _own_first(facts: ModelFacts) -> float:
    return _price(facts) + 1000.0 * facts.hosted


def _sees(facts: ModelFacts) -> bool:
    return facts.sees


TABLE: Mapping[Task, Rule] = {
    "question": Rule(_listed, "as listed"),
    "deep": Rule(_listed, "as listed"),
    "post-mortem": Rule(_listed, "as listed"),
    "prediction": Rule(_price, "cheapest first"),
    "triage": Rule(_price, "cheapest first"),
    "digest": Rule(_own_first, "own model first, then the cheapest", playbook=False),
    "history": Rule(_own_first, "own model first, then the cheapest", playbook=False),
    "image": Rule(_listed, "those that see", _sees, playbook=False),
}


def route(
    task: Task, need: Need, models: Mapping[str, ModelFacts], chosen: Mapping[str, Sequence[str]] | None = None
) -> tuple[Choice, ...]:
    """The models for a task, best first; `models` in the order they are listed, `chosen` by task from the settings.

    Empty where no model may do it and rules cannot.
    """
    rule, given = TABLE[task], (chosen or {}).get(task, ())
    found = [name for name in (given or models) if name != FALLBACK and name in models]
    fit = [name for name in found if rule.fits(models[name]) and _allowed(models[name], need)]
    ordered = fit if given else sorted(fit, key=lambda name: rule.order(models[name]))
    said = "as set" if given else rule.said
    kept = "; in-house only" if need.in_house else ""
    choices = [Choice(name, f"{said} for {task}{kept}") for name in ordered]
    return (*choices, *([Choice(FALLBACK, "needs no model")] if rule.playbook else []))


def _allowed(facts: ModelFacts, need: Need) -> bool:
    return facts.context_tokens > need.context_tokens and not (need.in_house and facts.hosted)
