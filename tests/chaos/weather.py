"""How Slack fails: a share of all calls, by chance, and repeatably."""

from collections import Counter
from random import Random

from bot.demo.slack.faults import BY_CHANCE, Fault, Faults

TIMED_OUT = 10.5  # seconds; the bot's patience with one call is ten
SLOW = 0.8  # seconds at most until a slow call takes effect


class Weather(Faults):
    """Planned faults first; then `share` of all calls, some slow or timed out among them. `met` counts them."""

    def __init__(self, share: float, seed: int = 0) -> None:
        super().__init__()
        self.share = share
        self.met: Counter[str] = Counter()
        self._chance = Random(f"{seed} weather")

    def for_call(self, method: str) -> Fault | None:
        """The fault the next call of a method meets, if any."""
        fault = super().for_call(method)
        if fault is None and self._chance.random() < self.share:
            fault = self._any()
        if fault is not None:
            self.met[fault.kind] += 1
        return fault

    def _any(self) -> Fault:
        kind = self._chance.choice((*BY_CHANCE, "stall", "landed_stall"))
        if kind == "stall":
            return Fault(kind, self._chance.uniform(0.1, SLOW))
        return Fault(kind, TIMED_OUT if kind == "landed_stall" else 1.0)
