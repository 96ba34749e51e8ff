"""A model behind its breaker: while it keeps failing nobody waits for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.breaker import Breaker
from bot.domain.messages import Ask, ModelFacts
from bot.domain.outcomes import Fault, FaultCause, Turn
from bot.domain.ports import Model

SAYS_NOTHING: frozenset[FaultCause] = frozenset({"refused_request", "too_long"})
"""Faults of one question; the model works."""
STAYS: frozenset[FaultCause] = frozenset({"auth", "spend_limit"})
"""Faults that the next question meets as well."""


@dataclass(frozen=True)
class Guarded:
    """The `Model` port over another one. That it is left alone is an outcome like any other, recorded by its step."""

    model: Model
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def facts(self) -> ModelFacts:
        """The model's own."""
        return self.model.facts

    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault:
        """One turn of the model, or at once a fault while it is left alone."""
        if self.breaker.holds():
            return Fault("left_alone", self.breaker.trouble)
        outcome = await self.model.turn(ask, tools, show)
        if isinstance(outcome, Turn) or outcome.cause in SAYS_NOTHING:
            self.breaker.worked()
        else:
            self.breaker.failed(outcome.detail[:200], at_once=outcome.cause in STAYS)
        return outcome

    async def close(self) -> None:
        """Give the model's connections back."""
        if close := getattr(self.model, "close", None):
            await close()
