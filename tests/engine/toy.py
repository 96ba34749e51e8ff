"""A flow that can be stopped dead anywhere, and leaves a line for each thing it does.

Run as a module it is the worker that gets killed: `python -m tests.engine.toy URL LOG` prints `ready` when every flow
hangs in its window.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.messages import Message
from bot.domain.outcomes import Fault, ModelOutcome, Turn
from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.engine.dbos import DbosEngine

STEPS = ("begin", "left", "middle", "right", "finish")
SIDE = STEPS[1:4]
WINDOWS = tuple(f"{step} {when}" for step in STEPS for when in ("before", "answered", "recorded"))


@dataclass(frozen=True)
class Ground:
    """Where lines go; `hang` is off in the worker that takes over."""

    log: Path
    hang: bool = False

    def write(self, *words: object) -> None:
        """One line, at once on disk."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(" ".join(map(str, words)) + "\n")

    def lines(self, *start: str) -> list[str]:
        """The rest of every line that begins so."""
        head = " ".join(start) + " "
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line.removeprefix(head) for line in lines if line.startswith(head)]


async def run(steps: Steps, ground: Ground, payload: Any) -> Any:
    """Begin, three side by side (the first is the slowest), finish; then say what every step gave."""
    window = payload["window"]

    async def hang_in(here: str) -> None:
        if ground.hang and here == window:
            ground.write("hangs", steps.key)
            await asyncio.Event().wait()

    def step(name: str) -> Callable[[], Coroutine[Any, Any, Turn | Fault]]:
        async def call() -> Turn | Fault:
            await asyncio.sleep(0.06 - 0.02 * STEPS.index(name) if name in SIDE else 0)
            await hang_in(f"{name} before")
            ground.write("did", steps.key, name)
            await hang_in(f"{name} answered")
            if name == "middle":
                return Fault("timeout", name, joined=("U1",))
            return Turn(Message("assistant", name), "end", ended=0.1 + 0.2, joined=("U1", "U2"))

        return call

    def show(name: str) -> None:
        if not steps.replaying:
            ground.write("shows", steps.key, name)

    gave: list[Turn | Fault] = [await steps.once("begin", step("begin"), ModelOutcome)]
    show("begin")
    await hang_in("begin recorded")
    gave += await steps.together("side", [step(name) for name in SIDE], ModelOutcome)
    show("side")
    for name in SIDE:
        await hang_in(f"{name} recorded")
    gave.append(await steps.once("finish", step("finish"), ModelOutcome))
    show("finish")
    await hang_in("finish recorded")
    ground.write("gave", steps.key, gave)
    return None


FLOWS = {"toy": Flow("toy", run)}


async def work(url: str, log: Path) -> None:
    """Start one flow for each window, in a lane of its own, and wait to be killed."""
    ground = Ground(log, hang=True)
    engine = DbosEngine(url, FLOWS, concurrency=len(WINDOWS))
    async with engine.serving(ground):
        for number, window in enumerate(WINDOWS):
            await engine.start("toy", f"k{number}", f"lane{number}", {"window": window})
        while len(ground.lines("hangs")) < len(WINDOWS):  # noqa: ASYNC110  another task writes the file
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)  # the steps beside the hanging one are recorded by now
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
