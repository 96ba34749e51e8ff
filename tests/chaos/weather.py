"""How Slack fails: a share of all calls, by chance, and repeatably."""

from collections import Counter
from random import Random

from bot.demo.slack.faults import BY_CHANCE, Fault, Faults

LONGEST_STALL = 12.0  # seconds; the bot's patience with one call is ten


class Weather(Faults):
    """Planned faults first; then `share` of all calls, with stalls among the kinds. `met` counts them."""

    def __init__(self, share: float, seed: int = 0) -> None:
        super().__init__()
        self.share = share
        self.met: Counter[str] = Counter()
        self._chance = Random(f"{seed} weather")

    def for_call(self, method: str) -> Fault | None:
        """The fault the next call of a method meets, if any."""
        fault = super().for_call(method)
        if fault is None and self._chance.random() < self.share:
            kind = self._chance.choice((*BY_CHANCE, "stall"))
            fault = Fault(kind, self._chance.uniform(0.2, LONGEST_STALL) if kind == "stall" else 1.0)
        if fault is not None:
            self.met[fault.kind] += 1
        return fault
