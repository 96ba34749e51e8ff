"""Random numbers addressed by (seed, stream, tick), so that any moment can be drawn again without its past."""

import math
from random import Random

BLOCK = 240
"""Ticks drawn at once: an hour of 15 s ticks."""


class Noise:
    """Streams of uniform numbers in [0, 1) that depend on the absolute tick only."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._blocks: dict[tuple[str, int], list[float]] = {}

    def uniform(self, stream: str, tick: int) -> float:
        """The number of a stream at a tick."""
        block, place = divmod(tick, BLOCK)
        drawn = self._blocks.get((stream, block))
        if drawn is None:
            draw = self.random(f"{stream}|{block}").random
            drawn = self._blocks[stream, block] = [draw() for _ in range(BLOCK)]
        return drawn[place]

    def drift(self, stream: str, tick: int, period: int) -> float:
        """A slow wander in [-1, 1]: cosine interpolation between numbers that lie `period` ticks apart."""
        knot, place = divmod(tick, period)
        before, after = self.uniform(stream, knot), self.uniform(stream, knot + 1)
        share = 0.5 - 0.5 * math.cos(math.pi * place / period)
        return 2.0 * (before + (after - before) * share) - 1.0

    def random(self, stream: str) -> Random:
        """A generator of its own for choices that are made once."""
        return Random(f"{self.seed}|{stream}")  # noqa: S311 - a simulation, not a secret
