"""A server that has stopped answering is not waited for again and again by everyone who asks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 4
"""Requests in a row that time out before the server counts as silent."""
SECONDS = 15.0
"""How long nothing is sent then; the next requests try again."""


@dataclass
class Silence:
    """Counts time-outs since the last answer of any kind."""

    now: Callable[[], float] = time.monotonic
    _missed: int = 0
    _last: float = 0.0

    def count(self) -> None:
        """A request timed out."""
        self._missed += 1
        self._last = self.now()

    def over(self) -> None:
        """The server answered."""
        self._missed = 0

    def holds(self) -> bool:
        """Whether to leave it alone for now."""
        return self._missed >= MOST and self.now() - self._last < SECONDS

    @property
    def said(self) -> str:
        """For messages."""
        ago = self.now() - self._last
        return f"let the last {self._missed} requests time out, and is left alone for {max(1.0, SECONDS - ago):.0f} s"
