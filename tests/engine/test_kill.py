"""A worker is killed with -9 in every window of a flow; the next one goes on behind the last finished step."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from bot.engine.dbos import DbosEngine
from tests.engine.toy import FLOWS, STEPS, WINDOWS, Ground


async def killed_in_all_windows(url: str, ground: Ground) -> None:
    """Let a child process work until each flow hangs in its window, then kill it."""
    command = (sys.executable, "-m", "tests.engine.toy", url, str(ground.log))
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 60) == b"ready\n"
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()


def expected(window: str) -> Counter[str]:
    """How often each step was done in all: once, but twice when it was done and not yet recorded."""
    step, when = window.split()
    counts = Counter(dict.fromkeys(STEPS, 1))
    counts[step] += when == "answered"
    return counts


async def test_no_finished_step_is_repeated(engine_url: str, tmp_path: Path) -> None:
    """Over all windows: every flow ends, no recorded step runs again, nothing is shown twice, replay equals live."""
    ground = Ground(tmp_path / "log")
    await killed_in_all_windows(engine_url, ground)
    engine = DbosEngine(engine_url, FLOWS)
    async with engine.serving(ground):
        await engine.start("toy", "live", "live", {"window": ""})
        await asyncio.wait_for(engine.drained(), 60)
    assert len(ground.lines("gave")) == len(WINDOWS) + 1
    for number, window in enumerate(WINDOWS):
        key = f"k{number}"
        assert Counter(ground.lines("did", key)) == expected(window), window
        assert ground.lines("gave", key) == ground.lines("gave", "live"), window
        assert ground.lines("shows", key) == ["begin", "side", "finish"], window
