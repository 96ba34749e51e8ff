"""How often streams may write, shared by all replies of the process: Slack counts per workspace, not per message."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_STARTS = 18  # a minute; startStream is tier 2, 20 a minute
MOST_UPDATES = 25  # a minute; chat.update is tier 3, 50 a minute, and the answers need the rest
LEAST_INTERVAL, PER_STREAM = 1.0, 0.7  # seconds; appendStream is tier 4, about 1.67 a second


BURST, A_SECOND = 10, 1.0  # messages of a channel; Slack takes about one a second, and short bursts


@dataclass
class Bucket:
    """So many at once, then one a second."""

    now: Callable[[], float] = time.monotonic
    _next: float = 0.0

    def take(self) -> float:
        """Count one more; in how many seconds its turn comes."""
        now = self.now()
        self._next = max(self._next, now - (BURST - 1) / A_SECOND) + 1 / A_SECOND
        return max(0.0, self._next - 1 / A_SECOND - now)

    def empty(self) -> None:
        """Slack has had enough: no burst from here on."""
        self._next = max(self._next, self.now())


@dataclass
class Minute:
    """So many a minute."""

    most: int
    now: Callable[[], float] = time.monotonic
    _taken: deque[float] = field(default_factory=deque)

    def take(self, spare: int = 0) -> bool:
        """Whether this minute has room for one more, and so many besides; counts it when it has."""
        now = self.now()
        while self._taken and now - self._taken[0] > 60:
            self._taken.popleft()
        if len(self._taken) + spare >= self.most:
            return False
        self._taken.append(now)
        return True


@dataclass
class Pace:
    """Counts open streams, and what this minute has seen."""

    active: int = 0
    starts: Minute = field(default_factory=lambda: Minute(MOST_STARTS))
    updates: Minute = field(default_factory=lambda: Minute(MOST_UPDATES))

    @property
    def interval(self) -> float:
        """Seconds between two writes of one stream."""
        return max(LEAST_INTERVAL, PER_STREAM * self.active)
