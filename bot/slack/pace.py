"""How often streams may write, shared by all replies of the process: Slack counts per workspace, not per message."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_STARTS = 18  # a minute; startStream is tier 2, 20 a minute
MOST_UPDATES = 25  # a minute; chat.update is tier 3, 50 a minute, and the answers need the rest
LEAST_INTERVAL, PER_STREAM = 1.0, 0.7  # seconds; appendStream is tier 4, about 1.67 a second
BURST, EVERY = 5, 1.0  # messages of a channel at once, and seconds between them after that; Slack takes one a second


@dataclass
class Bucket:
    """So many at once, then one a second."""

    now: Callable[[], float] = time.monotonic
    _full: float = 0.0

    @property
    def due(self) -> float:
        """Seconds until one more may go, 0 when it may go now."""
        return max(0.0, self._full - (BURST - 1) * EVERY - self.now())

    def take(self) -> None:
        """Count one that goes now."""
        self._full = max(self._full, self.now()) + EVERY

    def empty(self, seconds: float) -> None:
        """Slack has had enough for so long: no burst after that."""
        self._full = max(self._full, self.now() + seconds + (BURST - 1) * EVERY)


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
