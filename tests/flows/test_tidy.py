"""Once an hour, what was kept long enough goes, and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.domain.place import Place, Said
from bot.flows import tidy
from bot.flows.deps import Deps
from bot.parts import policy
from bot.settings import Settings
from tests.flows.house import house

T = TypeVar("T")
HERE = Place("T1", "C1")


class Later:
    """Steps at another time."""

    key = "tidy"
    replaying = False

    def __init__(self, days: float) -> None:
        self._now = datetime.now(UTC) + timedelta(days=days)

    async def once(self, name: str, call: Callable[[], Awaitable[T]], kind: Any) -> T:
        """Do it."""
        return await call()

    async def together(self, name: str, calls: Sequence[Callable[[], Awaitable[T]]], kind: Any) -> tuple[T, ...]:
        """Do them."""
        return tuple([await call() for call in calls])

    async def resumed(self) -> bool:
        """The first."""
        return False

    async def now(self) -> datetime:
        """That time."""
        return self._now


async def filled(deps: Deps) -> Deps:
    """A store that holds one of each."""
    await deps.votes.put("ans:1", "U1", "up")
    await deps.history.keep(HERE, Said("1.0", "U1", "x"), datetime.now(UTC) + timedelta(days=30))
    for key in ("keep:T1:C1", "solo:T1:C1:1.0", "queued:ans:1"):
        await deps.notes.put(key, "1")
    return replace(deps, policy=replace(deps.policy, keep_days=100))


async def left(deps: Deps) -> set[str]:
    """What is there of it."""
    notes = {key for key in ("keep:T1:C1", "solo:T1:C1:1.0", "queued:ans:1") if await deps.notes.get(key)}
    return notes | {"vote" for _ in await deps.votes.all("ans:1")} | {"said" for _ in await deps.history.recent(HERE)}


async def test_each_goes_in_its_time() -> None:
    """Notes of a run after a week, what was said as its channel has it, the rest as the settings have it."""
    async with house({}) as here:
        deps = await filled(here.deps)
        everything = await left(deps)
        assert await tidy.run(Later(6), deps, None) == {"dropped": 0}
        assert await left(deps) == everything
        assert await tidy.run(Later(8), deps, None) == {"dropped": 1}
        assert await left(deps) == everything - {"queued:ans:1"}
        assert await tidy.run(Later(31), deps, None) == {"dropped": 1}
        assert await left(deps) == {"vote", "keep:T1:C1", "solo:T1:C1:1.0"}
        assert await tidy.run(Later(101), deps, None) == {"dropped": 2}
        assert await left(deps) == {"keep:T1:C1"}


async def test_an_end_with_batches() -> None:
    """More than one batch is dropped batch by batch."""
    sizes = [500, 500, 7, 0]

    async def purge() -> int:
        return sizes.pop(0)

    assert await tidy._all(purge) == 1007
    assert sizes == []


def test_how_long_is_a_setting() -> None:
    """The policy has it."""
    assert policy(Settings(keep_days=30), ()).keep_days == 30


def test_it_is_plugged_in() -> None:
    """Hourly."""
    assert (tidy.FLOW.name, tidy.FLOW.every) == ("tidy", "17 * * * *")
