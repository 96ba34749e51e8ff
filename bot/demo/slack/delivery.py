"""Bringing events, commands and clicks to the app: one try, and Slack's tries again for events."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.demo.slack.records import Json
from bot.demo.slack.traffic import Traffic

RETRY_DELAYS_S = (0.0, 60.0, 300.0)
ACK_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Envelope:
    """One thing to deliver; `kind` is Socket Mode's word for it."""

    id: str
    kind: str
    name: str
    payload: Json


@dataclass(frozen=True)
class Outcome:
    """How one try ended: `ok`, or why not; the ack's body when it had one."""

    reason: str
    body: Json | None = None
    final: bool = False

    @property
    def ok(self) -> bool:
        """Whether the app took it."""
        return self.reason == "ok"


class Carrier(Protocol):
    """A way to the app: sockets or signed HTTP."""

    async def carry(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        """Try once; `attempt` is 0 for the first try."""
        ...


class Courier:
    """Owns the delivery tasks, and tries events again as Slack does; commands and clicks are tried once."""

    def __init__(self, carrier: Carrier, traffic: Traffic, delays: Sequence[float] = RETRY_DELAYS_S) -> None:
        self.carrier = carrier
        self.delays = tuple(delays)
        self._traffic = traffic
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside, and keep hold of it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, envelope: Envelope) -> Outcome:
        """Deliver once and return what the app said."""
        return await self._once(envelope, 0, "")

    async def deliver(self, envelope: Envelope) -> Outcome:
        """Deliver an event, with tries again until it is taken or given up."""
        outcome = await self._once(envelope, 0, "")
        for attempt, delay in enumerate(self.delays, start=1):
            if outcome.ok or outcome.final:
                break
            await asyncio.sleep(delay)
            outcome = await self._once(envelope, attempt, outcome.reason)
        return outcome

    async def settle(self) -> None:
        """Wait until nothing is being delivered."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Give up whatever is still under way."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        outcome = await self.carrier.carry(envelope, attempt, reason)
        self._traffic.note(
            envelope.kind,
            envelope.name,
            envelope.payload,
            outcome.body or {},
            status=outcome.reason,
            attempt=attempt,
        )
        return outcome
