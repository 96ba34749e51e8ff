"""The engine in memory: the same order, once-guard and cancelling, for the terminal and for tests.

What each step gave is kept in `journals` by key; a second engine that is given them goes on behind the last step, as
the durable one does after a crash.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from bot.domain import plain
from bot.domain.errors import NightjarError
from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.plugin import Flow
from bot.domain.ports import Load, Run

log = logging.getLogger(__name__)
T = TypeVar("T")
OnError = Callable[[Run, Exception], Awaitable[None]]
End = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True)
class Step:
    """One finished step: its name, and its outcome as JSON."""

    name: str
    outcome: JSON


Journal = dict[int, Step]


def cut(journal: Mapping[int, Step], steps: int) -> Journal:
    """The journal as a crash behind the first `steps` steps leaves it."""
    return {place: step for place, step in journal.items() if place < steps}


class InlineSteps:
    """The `Steps` port over a journal in memory."""

    def __init__(self, key: str, journal: Journal) -> None:
        self.key = key
        self.replaying = True
        self._begun = bool(journal)
        self._journal = journal
        self._next = 0

    async def once(self, name: str, call: Callable[[], Awaitable[T]], kind: Any) -> T:
        """Run `call`, or give back what the journal has at this place."""
        return await self._at(self._reserve(1)[0], name, call, kind)

    async def together(self, name: str, calls: Sequence[Callable[[], Awaitable[T]]], kind: Any) -> tuple[T, ...]:
        """Run all side by side, each at the place it has in `calls`."""
        places = self._reserve(len(calls))
        running = [
            self._at(place, f"{name}.{number}", call, kind)
            for number, (place, call) in enumerate(zip(places, calls, strict=True))
        ]
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        values: list[T] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            values.append(outcome)
        return tuple(values)

    async def now(self) -> datetime:
        """The time, the same again on replay."""
        return await self.once("now", _now, datetime)

    async def resumed(self) -> bool:
        """Whether the journal held anything."""
        return self._begun

    def _reserve(self, count: int) -> range:
        self._next += count
        return range(self._next - count, self._next)

    async def _at(self, place: int, name: str, call: Callable[[], Awaitable[T]], kind: Any) -> T:
        step = self._journal.get(place)
        if step is None:
            self.replaying = False
            step = self._journal[place] = Step(name, plain.cleaned(encode(kind, await call())))
        if step.name != name:
            raise NightjarError(f"{self.key}: step {place} was {step.name!r}, and is now {name!r}")
        value: T = decode(kind, step.outcome)
        return value


async def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Lane:
    waiting: list[Run] = field(default_factory=list)
    running: Run | None = None
    job: asyncio.Task[None] | None = None
    worker: asyncio.Task[None] | None = None


class InlineEngine:
    """The `Engine` port in memory; at most `concurrency` runs work, one whose lane is its own key beside them."""

    def __init__(
        self,
        flows: Mapping[str, Flow],
        *,
        concurrency: int = 20,
        on_error: OnError | None = None,
        journals: Mapping[str, Journal] | None = None,
    ) -> None:
        self._flows = flows
        self._free = asyncio.Semaphore(concurrency)
        self._on_error = on_error
        self._deps: Any = None
        self._lanes: dict[str, _Lane] = defaultdict(_Lane)
        self.journals: dict[str, Journal] = {key: dict(journal) for key, journal in (journals or {}).items()}
        self.ended: dict[str, End | None] = {}

    @contextlib.asynccontextmanager
    async def serving(self, deps: Any, *, listen: bool = True, drain_seconds: float = 10) -> AsyncIterator[None]:
        """Work until left; what still works after `drain_seconds` is cut off."""
        self._deps = deps
        try:
            yield
        finally:
            workers = [lane.worker for lane in self._lanes.values() if lane.worker]
            for lane in self._lanes.values():
                lane.waiting.clear()
            if workers:
                await asyncio.wait(workers, timeout=drain_seconds)
            for lane in self._lanes.values():
                if lane.job:
                    lane.job.cancel()
            await asyncio.gather(*workers)

    async def start(self, flow: str, key: str, lane: str, payload: JSON, *, delay: float = 0.0) -> bool:
        """Accept a run. False when the key is known already."""
        if key in self.ended:
            return False
        self.ended[key] = None
        if delay:
            asyncio.get_running_loop().call_later(delay, self._put, flow, key, lane, payload)
        else:
            self._put(flow, key, lane, payload)
        return True

    def _put(self, flow: str, key: str, lane: str, payload: JSON) -> None:
        here = self._lanes[lane]
        here.waiting.append(Run(key, flow, plain.cleaned(payload), running=False))
        if here.worker is None:
            here.worker = asyncio.create_task(self._work(here))

    async def cancel(self, key: str) -> None:
        """End a run that waits or works; nothing when it is over or unknown."""
        for lane in self._lanes.values():
            if any(run.key == key for run in lane.waiting):
                lane.waiting = [run for run in lane.waiting if run.key != key]
                self.ended[key] = "cancelled"
            elif lane.running and lane.running.key == key and lane.job:
                self.ended[key] = "cancelled"
                lane.job.cancel()

    async def lane(self, lane: str) -> tuple[Run, ...]:
        """What works and waits in the lane, in its order."""
        here = self._lanes.get(lane) or _Lane()
        return (*((here.running,) if here.running else ()), *here.waiting)

    async def load(self) -> Load:
        """What waits and works."""
        lanes = self._lanes.values()
        return Load(
            sum(len(lane.waiting) for lane in lanes), sum(lane.running is not None for lane in lanes), workers=1
        )

    async def forget(self, before: datetime) -> int:
        """Nothing outlives the process, so nothing is dropped."""
        return 0

    async def drained(self) -> None:
        """Wait until nothing works or waits."""
        while workers := [lane.worker for lane in self._lanes.values() if lane.worker]:
            await asyncio.wait(workers)

    async def _work(self, lane: _Lane) -> None:
        while lane.waiting:
            run = lane.running = replace(lane.waiting.pop(0), running=True)
            lane.job = asyncio.create_task(self._one(run))
            await asyncio.wait({lane.job})
            lane.running = lane.job = None
        lane.worker = None

    async def _one(self, run: Run) -> None:
        steps = InlineSteps(run.key, self.journals.setdefault(run.key, {}))
        room = contextlib.nullcontext() if run.key in self._lanes else self._free
        try:
            async with room:
                if run.flow not in self._flows:
                    raise NightjarError(f"this version has no flow called {run.flow!r}")  # noqa: TRY301  told like any other
                await self._flows[run.flow].run(steps, self._deps, run.payload)
            self.ended[run.key] = "done"
        except Exception as error:  # the worker: whatever a flow raises is told here
            self.ended[run.key] = "failed"
            log.exception("a flow failed", extra={"key": run.key, "flow": run.flow})
            await self._tell(run, error)

    async def _tell(self, run: Run, error: Exception) -> None:
        if self._on_error is None:
            return
        try:
            await self._on_error(run, error)
        except Exception:  # a failure to tell must not stop the lane
            log.exception("a failure could not be told", extra={"key": run.key})
