"""How far an investigation may go."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.messages import Usage


@dataclass(frozen=True)
class Budget:
    """Where it ends: turns, tool calls, tokens, seconds, dollars."""

    turns: int = 8
    tool_calls: int = 24
    tokens: int = 200_000
    seconds: float = 120.0
    usd: float = 1.0


@dataclass
class Spent:
    """What it has used so far; times come from recorded turns, so that replay decides alike."""

    started: float
    turns: int = 0
    usage: Usage = field(default_factory=Usage)
    ended: float = 0.0

    def add(self, usage: Usage, ended: float) -> None:
        """Count one turn."""
        self.turns += 1
        self.usage += usage
        self.ended = max(self.ended, ended)

    def over(self, budget: Budget) -> str:
        """Which limit is reached, in words for the answer; empty while there is room."""
        tokens = self.usage.input_tokens + self.usage.output_tokens + self.usage.cache_write_tokens
        checks = (
            (self.usage.cost_usd >= budget.usd, f"the limit of ${budget.usd:g} per question was reached"),
            (self.ended - self.started >= budget.seconds, f"the limit of {budget.seconds:g} s was reached"),
            (tokens >= budget.tokens, f"the limit of {budget.tokens} tokens was reached"),
            (self.turns >= budget.turns, f"the limit of {budget.turns} model turns was reached"),
        )
        return next((said for reached, said in checks if reached), "")


def going_on(now: datetime) -> Callable[[], float]:
    """UTC seconds from this time on, also where the clock that told it stands, or is set meanwhile."""
    since = now.timestamp() - time.monotonic()
    return lambda: since + time.monotonic()
