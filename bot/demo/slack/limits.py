"""Slack's rate limits: tiers per method and minute, and one post a second in each channel."""

import math
from collections import defaultdict, deque

from bot.demo.slack.methods.method import PER_MINUTE, SPECIAL, Method
from bot.demo.slack.records import Clock

WINDOW_S = 60.0
POST_EVERY_S = 1.0


class Limits:
    """Counts calls; switched off it lets everything through."""

    def __init__(self, now: Clock, *, on: bool) -> None:
        self.on = on
        self._now = now
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._posted: dict[str, float] = {}

    def wait_for(self, method: Method, channel: str) -> int:
        """Seconds to wait before the call may be made, 0 when it may be made (and is counted) now."""
        if not self.on:
            return 0
        now = self._now()
        if method.name == "chat.postMessage":
            return self._post(channel, now)
        if method.tier == SPECIAL:
            return 0
        calls = self._calls[method.name]
        while calls and now - calls[0] >= WINDOW_S:
            calls.popleft()
        if len(calls) >= PER_MINUTE[method.tier]:
            return max(1, math.ceil(WINDOW_S - (now - calls[0])))
        calls.append(now)
        return 0

    def _post(self, channel: str, now: float) -> int:
        if now - self._posted.get(channel, -WINDOW_S) < POST_EVERY_S:
            return 1
        self._posted[channel] = now
        return 0
