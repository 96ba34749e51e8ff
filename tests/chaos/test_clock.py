"""A worker whose clock is wrong writes its lines by the true time, and sleeps as long as it is told to."""

import time
from pathlib import Path

import pytest

from tests.chaos.clock import faked, library, seconds
from tests.chaos.stage import stage


def test_how_far_off() -> None:
    """As libfaketime has it."""
    assert [seconds(off) for off in ("+10m", "-10m", "+90s", "-1h")] == [600, -600, 90, -3600]


@pytest.mark.skipif(library() is None, reason="a wrong clock is NOT tested: libfaketime is not installed")
@pytest.mark.parametrize("off", ["+10m", "-10m"])
async def test_a_question_to_a_process_of_a_wrong_clock(off: str, tmp_path: Path) -> None:
    """It is answered as ever, over signed HTTP, and what the engine recorded is told by the true time."""
    own, wrong = [faked(off)] * 2, dict.fromkeys(("web", "w0"), seconds(off))
    async with stage(transport="http", own=own, off=wrong, folder=tmp_path / "run") as town:
        began = time.time()
        await town.ask("inc-a", "", "@nightjar why is cart failing?")
        await town.drained(40)
        verdict = town.verdict()
        times = [*town.history.records.values(), *(work.at for work in town.history.works)]
    assert (verdict.wrong, verdict.answered) == ([], 1)
    assert began - 1 <= min(times) <= max(times) <= time.time()
    assert not any(shown.part == "offer" or "Late: " in shown.text for shown in town.history.shown)
