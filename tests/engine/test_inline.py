"""The engine in memory: journals stand for crashes."""

import asyncio
from typing import Any

import pytest

from bot.domain.plugin import Flow
from bot.domain.ports import Run, Steps
from bot.engine.inline import InlineEngine, Step, cut
from tests.engine.toy import FLOWS, STEPS, Ground


async def run(ground: Ground, journals: dict[str, dict[int, Step]] | None = None) -> InlineEngine:
    """Run the toy flow to its end, on a journal or without one."""
    engine = InlineEngine(FLOWS, journals=journals)
    async with engine.serving(ground):
        await engine.start("toy", "k", "lane", {"window": ""})
        await engine.drained()
    return engine


@pytest.mark.parametrize("finished", range(len(STEPS) + 1))
async def test_it_goes_on_behind_the_last_step(tmp_path: Any, finished: int) -> None:
    """After a crash behind any number of steps only the others run, and what all gave is the same."""
    whole, rest = Ground(tmp_path / "whole"), Ground(tmp_path / "rest")
    first = await run(whole)
    second = await run(rest, {"k": cut(first.journals["k"], finished)})
    assert sorted(rest.lines("did", "k")) == sorted(STEPS[finished:])
    assert rest.lines("gave") == whole.lines("gave")
    assert second.journals == first.journals
    assert second.ended == {"k": "done"}


async def test_a_journal_of_another_flow_is_noticed(tmp_path: Any) -> None:
    """A step whose name is not what it was ends the run as failed, and says which."""
    told: list[str] = []

    async def tell(run: Run, error: Exception) -> None:
        told.append(str(error))

    engine = InlineEngine(FLOWS, on_error=tell, journals={"k": {0: Step("else", None)}})
    async with engine.serving(Ground(tmp_path / "log")):
        await engine.start("toy", "k", "lane", {"window": ""})
        await engine.drained()
    assert told == ["k: step 0 was 'else', and is now 'begin'"]
    assert engine.ended == {"k": "failed"}


async def test_leaving_cuts_what_still_works() -> None:
    """Nothing is left behind when the engine is left: neither the running one nor those that wait."""
    cut_off: list[str] = []

    async def flow(steps: Steps, deps: Any, payload: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut_off.append(steps.key)
            raise

    engine = InlineEngine({"f": Flow("f", flow)})
    async with engine.serving(None, drain_seconds=0):
        await engine.start("f", "a", "lane", None)
        await engine.start("f", "b", "lane", None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert cut_off == ["a"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
