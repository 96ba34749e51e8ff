"""A server that keeps failing is not waited for again and again by everyone who asks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 3
FIRST, LONGEST = 5.0, 30.0


@dataclass
class Breaker:
    """Counts faults in a row; after `most` of them the server is left alone.

    After a pause one request tries again, while the others still go without; the pause doubles up to `longest` seconds
    as long as that fails. Faults of requests that were under way when it was left alone change nothing.
    """

    most: int = MOST
    first: float = FIRST
    longest: float = LONGEST
    now: Callable[[], float] = time.monotonic
    why: str = ""
    _faults: int = 0
    _pause: float = 0.0
    _until: float = 0.0
    _trying: bool = False

    def holds(self) -> bool:
        """Whether to leave it alone; lets one through when the pause is over."""
        if not self._pause:
            return False
        now = self.now()
        if now < self._until:
            return True
        self._trying = True
        self._until = now + self.longest  # until whoever asks now has an outcome, or is gone
        return False

    def failed(self, why: str, *, at_once: bool = False) -> None:
        """A request failed; `at_once` where the next one is sure to fail as well."""
        self._faults += 1
        self.why = why
        if self._pause and not self._trying:
            return
        if at_once or self._faults >= self.most:
            self._pause = min(max(self.first, 2 * self._pause), self.longest)
            self._until, self._trying = self.now() + self._pause, False

    def worked(self) -> None:
        """The server answered."""
        self._faults, self._pause, self._trying, self.why = 0, 0.0, False, ""

    @property
    def pause(self) -> float:
        """Seconds between one try and the next while it is left alone; 0 when it is not."""
        return self._pause

    @property
    def trouble(self) -> str:
        """Why it is left alone, and how long still; empty when it is not."""
        if not self._pause:
            return ""
        left = max(1.0, self._until - self.now())
        often = f"{self._faults} times in a row, so it" if self._faults > 1 else "it"
        return f"{self.why}; {often} is left alone for {left:.0f} s"
