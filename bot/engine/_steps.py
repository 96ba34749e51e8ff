"""A running flow's steps on DBOS: each outcome is one row, written before the flow goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from dbos import DBOS, StepOptions
from pydantic import ValidationError

from bot import telemetry
from bot.domain import plain
from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.ports import Fence
from bot.engine._rows import Rows

T = TypeVar("T")


class OtherVersion(Exception):
    """What another version of the flow has recorded does not fit this one."""


class DbosSteps:
    """The `Steps` port; live and replayed values both come through the codec, so that they are equal."""

    def __init__(self, key: str, fence: Fence, rows: Rows) -> None:
        self.key = key
        self.replaying = True
        self._replayed = False
        self._fence, self._rows = fence, rows

    async def once(self, name: str, call: Callable[[], Awaitable[T]], kind: Any) -> T:
        """Run `call`, or give back what it gave before the process ended."""
        outcome = await DBOS.run_step_async(_options(name), self._run, name, call, kind)
        await self._came_on()
        value: T = _read(kind, outcome)
        return value

    async def together(self, name: str, calls: Sequence[Callable[[], Awaitable[T]]], kind: Any) -> tuple[T, ...]:
        """Run all side by side; each has its place before any starts, so that a replay cannot swap them."""
        places = [DBOS.reserve_step() for _ in calls]
        running = [
            place.run_async(_options(f"{name}.{number}"), self._run, name, call, kind)
            for number, (place, call) in enumerate(zip(places, calls, strict=True))
        ]
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        await self._came_on()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return tuple(_read(kind, outcome) for outcome in outcomes)

    async def resumed(self) -> bool:
        """Whether it was begun before, here or elsewhere; may be asked inside a step."""
        return await asyncio.to_thread(self._rows.begun, self.key) > 1

    async def now(self) -> datetime:
        """The time, the same again on replay."""
        return await self.once("now", _now, datetime)

    async def _came_on(self) -> None:
        """One that was taken up again and records something new does not end its process: its attempts count anew."""
        if self.replaying:
            self._replayed = True
        elif self._replayed:
            self._replayed = False
            await asyncio.to_thread(self._rows.goes_on, self.key)

    async def _run(self, name: str, call: Callable[[], Awaitable[Any]], kind: Any) -> JSON:
        await self._fence.passes()
        self.replaying = False
        with telemetry.span(name, self.key):
            return plain.cleaned(encode(kind, await call()))


async def _now() -> datetime:
    return datetime.now(UTC)


def _read(kind: Any, outcome: JSON) -> Any:
    try:
        return decode(kind, outcome)
    except ValidationError as error:
        raise OtherVersion(str(error).partition("\n")[0]) from error


def _options(name: str) -> StepOptions:
    return {"name": name, "preemptible": True}
