"""How often streams may write, shared by all replies of the process: Slack counts per workspace, not per message."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_STARTS = 18  # a minute; Slack's tier 2 is 20
LEAST_INTERVAL, PER_STREAM = 1.0, 0.7  # seconds; appendStream is tier 4, about 1.67 a second


@dataclass
class Pace:
    """Counts open streams and their starts; remembers that a surface is not there."""

    now: Callable[[], float] = time.monotonic
    active: int = 0
    sessions: bool = True
    _starts: deque[float] = field(default_factory=deque)

    @property
    def interval(self) -> float:
        """Seconds between two writes of one stream."""
        return max(LEAST_INTERVAL, PER_STREAM * self.active)

    def may_start(self) -> bool:
        """Whether this minute still has room for a new stream; counts it when it has."""
        now = self.now()
        while self._starts and now - self._starts[0] > 60:
            self._starts.popleft()
        if len(self._starts) >= MOST_STARTS:
            return False
        self._starts.append(now)
        return True
