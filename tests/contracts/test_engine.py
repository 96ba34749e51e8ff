"""What every engine must do: in memory, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import pytest

from bot.domain.messages import Message, Usage
from bot.domain.outcomes import Fault, ModelOutcome, Turn
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Run, Steps
from bot.engine.dbos import DbosEngine
from bot.engine.inline import InlineEngine
from tests.conftest import BOTH


class Served(Engine, Protocol):
    """What wiring asks of an engine beside its port."""

    def serving(
        self, deps: Any, *, listen: bool = True, drain_seconds: float = 10
    ) -> AbstractAsyncContextManager[None]: ...
    async def drained(self) -> None: ...


@dataclass
class World:
    """What the toy flows did, and what they wait for; `told` is what the error callback was given."""

    done: list[Any] = field(default_factory=list)
    told: list[tuple[str, str, Any, str]] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    engine: Any = None

    async def tell(self, run: Run, error: Exception) -> None:
        """Note it."""
        self.told.append((run.key, run.flow, run.payload, f"{type(error).__name__}: {error}"))
        if run.payload == "nobody listens":
            raise RuntimeError("the chat service is down as well")


async def until(true: Callable[[], bool]) -> None:
    """Wait for it, 10 s at most."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  the condition is a plain look at a list
            await asyncio.sleep(0.02)


async def say(steps: Steps, world: World, payload: Any) -> Any:
    """One step that notes what it was given."""

    async def note() -> str:
        world.done.append(payload)
        return str(payload)

    return await steps.once("note", note, str)


async def wait(steps: Steps, world: World, payload: Any) -> Any:
    """One step that waits to be let go, and notes it when it is cut off."""

    async def waits() -> bool:
        world.began.set()
        try:
            await world.go.wait()
        except asyncio.CancelledError:
            world.done.append(("cut", payload))
            raise
        world.done.append(payload)
        return True

    return await steps.once("wait", waits, bool)


async def fail(steps: Steps, world: World, payload: Any) -> Any:
    """A step, then an error."""
    await say(steps, world, payload)
    raise ValueError("no luck")


async def look(steps: Steps, world: World, payload: Any) -> Any:
    """Side by side, the later ones faster, each with awaits before its end; every value noted as it came back."""

    async def outcome(number: int) -> Turn | Fault:
        await asyncio.sleep(0.05 * (3 - number))
        if number == 1:
            return Fault("timeout", "slow", seconds=float(number))
        return Turn(Message("assistant", f"turn {number}"), "end", Usage(cost_usd=0.1), joined=("a",))

    calls = [partial(outcome, number) for number in range(4)]
    before = steps.replaying
    world.done.append((before, await steps.together("look", calls, ModelOutcome), steps.replaying, await steps.now()))


async def part(steps: Steps, world: World, payload: Any) -> Any:
    """Side by side, the first two fail, the earlier one later."""

    async def outcome(number: int) -> int:
        await asyncio.sleep(0.05 * (3 - number))
        world.done.append(number)
        if number < 2:
            raise ValueError(number)
        return number

    await steps.together("part", [partial(outcome, number) for number in range(3)], int)


async def nest(steps: Steps, world: World, payload: Any) -> Any:
    """A step that itself starts, lists and cancels."""

    async def inner() -> list[bool]:
        first = await world.engine.start("say", "inner", "inner", "in")
        return [first, await world.engine.start("say", "inner", "inner", "in")]

    world.done.append(await steps.once("nest", inner, list[bool]))


FLOWS = {flow.__name__: Flow(flow.__name__, flow) for flow in (say, wait, fail, look, part, nest)}


@pytest.fixture
def world() -> World:
    """A new one."""
    return World()


@pytest.fixture(params=["inline", *BOTH])
async def engine(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Served]:
    """A working engine of each kind."""
    made: Served
    if request.param == "inline":
        made = InlineEngine(FLOWS, concurrency=2, on_error=world.tell)
    else:
        url = request.getfixturevalue(f"{request.param}_url").replace("nightjar.sqlite", "engine.sqlite")
        made = DbosEngine(url, FLOWS, concurrency=2, on_error=world.tell)
    world.engine = made
    async with made.serving(world, drain_seconds=0):
        yield made


async def test_once_per_key(engine: Served, world: World) -> None:
    """The second start says False, waiting, running or over; the flow runs once."""
    assert await engine.start("say", "k1", "lane", 1)
    assert not await engine.start("say", "k1", "lane", 2)
    assert not await engine.start("say", "k1", "another", 1)
    await engine.drained()
    assert not await engine.start("say", "k1", "lane", 1)
    await engine.drained()
    assert world.done == [1]


async def test_a_lane_runs_in_order(engine: Served, world: World) -> None:
    """One after the other, as they were accepted."""
    for number in range(5):
        await engine.start("say", f"k{number}", "lane", number)
    await engine.drained()
    assert world.done == [0, 1, 2, 3, 4]


async def test_lanes_do_not_wait_for_each_other(engine: Served, world: World) -> None:
    """A lane goes on while another is busy; what is listed is what runs and waits in that lane only."""
    await engine.start("wait", "a1", "a", {"text": "first"})
    await asyncio.wait_for(world.began.wait(), 10)
    await engine.start("say", "a2", "a", "second")
    await engine.start("say", "b1", "b", "beside")
    await until(lambda: "beside" in world.done)
    listed = (Run("a1", "wait", {"text": "first"}, running=True), Run("a2", "say", "second", running=False))
    assert await engine.lane("a") == listed
    world.go.set()
    await engine.drained()
    assert (await engine.lane("a"), world.done) == ((), ["beside", {"text": "first"}, "second"])


async def test_a_lane_of_its_own_is_never_queued(engine: Served, world: World) -> None:
    """A stop gets through when every place is taken."""
    for lane in "abc":
        await engine.start("wait", lane, f"lane {lane}", lane)
    await asyncio.wait_for(world.began.wait(), 10)
    await engine.start("say", "stop", "stop", "stop")
    await until(lambda: bool(world.done))
    assert world.done == ["stop"]


async def test_side_by_side_in_call_order(engine: Served, world: World) -> None:
    """Results stand in the order of the calls, not of their ends, with their types."""
    await engine.start("look", "k", "lane", None)
    await engine.drained()
    ((before, outcomes, after, now),) = world.done
    assert [type(outcome) for outcome in outcomes] == [Turn, Fault, Turn, Turn]
    assert (outcomes[0].message.text, outcomes[3].message.text) == ("turn 0", "turn 3")
    assert (before, after) == (True, False)
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60


async def test_cancel_cuts_a_running_step(engine: Served, world: World) -> None:
    """The step is cut off, the next of the lane runs, and the error callback is not called."""
    await engine.start("wait", "k1", "lane", 1)
    await engine.start("say", "k2", "lane", 2)
    await asyncio.wait_for(world.began.wait(), 10)
    await engine.cancel("k1")
    await engine.drained()
    await until(lambda: ("cut", 1) in world.done)
    assert (sorted(map(str, world.done)), world.told) == (["('cut', 1)", "2"], [])


async def test_cancel_of_a_waiting_one(engine: Served, world: World) -> None:
    """It never runs, and its key stays known; an unknown key is no error."""
    await engine.start("wait", "k1", "lane", 1)
    await engine.start("say", "k2", "lane", 2)
    await engine.cancel("k2")
    await engine.cancel("unknown")
    world.go.set()
    await engine.drained()
    assert (world.done, await engine.start("say", "k2", "lane", 2)) == ([1], False)


@pytest.mark.parametrize(("flow", "said"), [("fail", "ValueError: no luck"), ("gone", "no flow called 'gone'")])
async def test_an_error_is_told_and_the_lane_goes_on(engine: Served, world: World, flow: str, said: str) -> None:
    """The callback gets key, flow, payload and error; the next of the lane runs."""
    await engine.start(flow, "k1", "lane", {"n": 1})
    await engine.start("say", "k2", "lane", 2)
    await engine.drained()
    ((key, name, payload, error),) = world.told
    assert (key, name, payload) == ("k1", flow, {"n": 1})
    assert said in error
    assert world.done[-1] == 2


async def test_an_error_that_cannot_be_told(engine: Served, world: World) -> None:
    """The lane goes on all the same."""
    await engine.start("fail", "k1", "lane", "nobody listens")
    await engine.start("say", "k2", "lane", 2)
    await engine.drained()
    assert (len(world.told), world.done) == (1, ["nobody listens", 2])


async def test_an_error_side_by_side_waits_for_the_others(engine: Served, world: World) -> None:
    """No call goes on behind the flow's back; the first error in call order is the one that counts."""
    await engine.start("part", "k1", "lane", None)
    await engine.drained()
    assert (world.done, world.told) == ([2, 1, 0], [("k1", "part", None, "ValueError: 0")])


async def test_a_step_may_use_the_engine(engine: Served, world: World) -> None:
    """What a flow starts from a step is a run of its own, not a part of it."""
    await engine.start("nest", "k1", "lane", None)
    await engine.drained()
    assert [True, False] in world.done
    assert "in" in world.done


async def test_payloads_that_no_database_takes(engine: Served, world: World) -> None:
    """A lone surrogate in a message must not keep it from being accepted."""
    assert await engine.start("say", "k1", "lane", "caf\ud83d\x00é")
    await engine.drained()
    assert world.done == ["café"]


async def test_a_delayed_one_waits(engine: Served, world: World) -> None:
    """It begins when its time has come, at most 2 s late, does not hold up its lane, and its key is known at once."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await engine.start("say", "later", "lane", "later", delay=1.0)
    assert not await engine.start("say", "later", "lane", "later")
    await engine.start("say", "now", "lane", "now")
    await until(lambda: len(world.done) == 2)
    assert world.done == ["now", "later"]
    assert 1.0 <= loop.time() - began <= 3.2


async def test_the_load(engine: Served, world: World) -> None:
    """What works and what waits."""
    await engine.start("wait", "k1", "lane", 1)
    await engine.start("say", "k2", "lane", 2)
    await asyncio.wait_for(world.began.wait(), 10)
    load = await engine.load()
    assert (load.waiting, load.working, load.given_up, load.workers) == (1, 1, 0, 1)
    world.go.set()
    await engine.drained()
    load = await engine.load()
    assert (load.waiting, load.working, load.oldest_seconds) == (0, 0, 0.0)
