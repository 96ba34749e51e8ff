"""What goes wrong on purpose: the next calls of a method, a share of them by chance, or lost acks."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

ANY = "*"


@dataclass(frozen=True)
class Fault:
    """One failure of one call; `seconds` is the Retry-After, or how long a stall lasts."""

    kind: str
    seconds: float = 1.0


KINDS = {
    "rate_limited": "429 with Retry-After; nothing happens",
    "server_error": "500; nothing happens",
    "landed_error": "the call takes effect, the answer is a 500",
    "landed_dropped": "the call takes effect, the connection is cut before the answer",
    "dropped": "the connection is cut; nothing happens",
    "stall": "the answer waits; the call takes effect after it",
    "landed_stall": "the call takes effect, the answer waits",
}
BY_CHANCE = ("rate_limited", "server_error", "landed_error", "landed_dropped", "dropped")


class Faults:
    """Planned faults first, then chance: `rates` maps a method (or `*`) to a share between 0 and 1."""

    def __init__(self, rates: Mapping[str, float] | None = None, seed: int = 0) -> None:
        self.rates = dict(rates or {})
        self.acks_to_drop = 0
        self._random = Random(seed)  # noqa: S311 - failures must be repeatable, not secret
        self._planned: dict[str, deque[Fault]] = defaultdict(deque)

    def plan(self, method: str, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Let the next `times` calls of a method (or `*`) fail; raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
        self._planned[method].extend([Fault(kind, seconds)] * times)

    def for_call(self, method: str) -> Fault | None:
        """The fault the next call of a method meets, if any."""
        for key in (method, ANY):
            if self._planned[key]:
                return self._planned[key].popleft()
        rate = self.rates.get(method, self.rates.get(ANY, 0.0))
        if rate and self._random.random() < rate:
            return Fault(self._random.choice(BY_CHANCE), 1.0)
        return None

    def loses_ack(self) -> bool:
        """Whether the ack that just came is to be lost."""
        if self.acks_to_drop <= 0:
            return False
        self.acks_to_drop -= 1
        return True

    def clear(self) -> None:
        """Nothing fails any more."""
        self._planned.clear()
        self.rates.clear()
        self.acks_to_drop = 0
