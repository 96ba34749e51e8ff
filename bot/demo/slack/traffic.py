"""Everything that went over the wire, in order: calls of the bot, and what was sent to it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.slack.records import Clock, Json

KEPT = 20_000


@dataclass(frozen=True)
class Exchange:
    """One Web API call (`call`) or one delivery to the app (`event`, `slash`, `interactive`)."""

    number: int
    at: float
    kind: str
    name: str
    sent: Json
    answer: Json
    status: str
    attempt: int = 0

    def to_json(self) -> Json:
        """As the traffic list shows it."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__}


class Traffic:
    """The list, bounded, with whoever wants to hear of each new line."""

    def __init__(self, now: Clock) -> None:
        self.now = now
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.listeners: list[Callable[[Exchange], None]] = []
        self._count = 0

    def note(self, kind: str, name: str, sent: Json, answer: Json, *, status: str, attempt: int = 0) -> Exchange:
        """Add a line; `status` is `ok` or says what went wrong."""
        self._count += 1
        exchange = Exchange(self._count, self.now(), kind, name, sent, answer, status, attempt)
        self.exchanges.append(exchange)
        for listener in self.listeners:
            listener(exchange)
        return exchange

    def of(self, kind: str, name: str | None = None) -> list[Exchange]:
        """The lines of one kind, of one name when given."""
        return [e for e in self.exchanges if e.kind == kind and name in (None, e.name)]
