"""Cases × models × repeats, side by side, under one ceiling of money, each result written down as it comes."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.agent.route import FALLBACK
from bot.domain import plain
from bot.domain.errors import SetupError
from bot.domain.outcomes import decode, encode
from bot.evals.case import Case
from bot.evals.result import Result, usd

FIRST_USD = 0.05
"""What must be left for a model whose price per run is not known yet."""
SECONDS = 600.0


@dataclass(frozen=True)
class Job:
    """One run to be done: at most `usd` for it (None: no limit of ours), recorded to or replayed from a folder."""

    case: Case
    model: str
    repeat: int = 1
    usd: float | None = None
    seconds: float = SECONDS
    judge: str = ""
    record: Path | None = None
    replay: Path | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """As the result's."""
        return self.case.id, self.model, self.repeat

    @property
    def free(self) -> bool:
        """Nothing that it asks costs money."""
        return self.replay is not None or (self.model == FALLBACK and not self.case.judge)


def broken(job: Job, why: str) -> Result:
    """What came of a run that ended without an answer."""
    return Result(job.case.id, job.model, job.repeat, job.case.mark, "error", (why,))


def plan(cases: Iterable[Case], models: Sequence[str], repeats: int) -> tuple[Job, ...]:
    """A case by every model before the next case, so that a spent ceiling leaves them even."""
    return tuple(Job(case, model, repeat) for repeat in range(1, repeats + 1) for case in cases for model in models)


@dataclass
class Purse:
    """What may still be spent; every run holds its share while it lasts."""

    ceiling: float | None
    spent: float = 0.0
    held: dict[tuple[str, str, int], float] = field(default_factory=dict)
    dearest: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, job: Job, at_once: int) -> Job | None:
        """The job with its share, once there is enough; None when there never will be."""
        if self.ceiling is None or job.free:
            return job
        async with self.changed:
            while (left := self.ceiling - self.spent - sum(self.held.values())) < self._enough(job.model):
                if not self.held:
                    return None
                await self.changed.wait()
            share = min(left, max(self._enough(job.model), left / at_once))
            self.held[job.key] = share
        return replace(job, usd=share)

    def _enough(self, model: str) -> float:
        return 1.5 * self.dearest[model] if model in self.dearest else FIRST_USD

    async def give_back(self, job: Job, result: Result) -> None:
        """Count what it took."""
        async with self.changed:
            self.held.pop(job.key, None)
            self.spent += usd([result])
            self.dearest[job.model] = max(self.dearest.get(job.model, 0.0), usd([result]))
            self.changed.notify_all()


@dataclass(frozen=True)
class Outcome:
    """What came of all: the last result of each run, and the runs that the ceiling left undone."""

    results: tuple[Result, ...]
    skipped: tuple[Job, ...] = ()


async def run(
    jobs: Sequence[Job],
    work: Callable[[Job], Awaitable[Result]],
    *,
    at_once: int,
    ceiling: float | None = None,
    notebook: "Notebook | None" = None,
    ended: Callable[[Result | None], None] = lambda result: None,
) -> Outcome:
    """Do what the notebook does not hold yet, at most `at_once` side by side; `ended` hears each (None: skipped)."""
    notebook = notebook or Notebook(None)
    purse = Purse(ceiling, usd(notebook.lines))
    waiting = deque(job for job in jobs if not notebook.holds(job))
    skipped: list[Job] = []

    async def worker() -> None:
        while waiting:
            job = waiting.popleft()
            granted = await purse.take(job, at_once)
            if granted is None:
                skipped.append(job)
                ended(None)
                continue
            result = await work(granted)
            notebook.add(result)
            await purse.give_back(job, result)
            ended(result)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(waiting))):
            group.create_task(worker())
    return Outcome(notebook.of(jobs), tuple(skipped))


class Notebook:
    """Results as lines of JSON, appended as runs end; without a path in memory only.

    A last line that was cut off by a crash is passed over. What was throttled or broke off is done again.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lines: list[Result] = []
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        rows = text.splitlines()
        for number, row in enumerate(rows, 1):
            try:
                self.lines.append(decode(Result, json.loads(row)))
            except ValueError as error:
                if number == len(rows):
                    break
                raise SetupError(f"{path}:{number} is no result of a run") from error
        if text and not text.endswith("\n"):
            path.write_text("".join(f"{row}\n" for row in rows[: len(self.lines)]), encoding="utf-8")

    def add(self, result: Result) -> None:
        """Write it down."""
        self.lines.append(result)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(plain.dumps(encode(Result, result)) + "\n")

    def holds(self, job: Job) -> bool:
        """Whether the run is done, of the case as it now is."""
        return any(one.state in ("passed", "failed") for one in self._of(job))

    def of(self, jobs: Sequence[Job]) -> tuple[Result, ...]:
        """The last result of each run."""
        return tuple(found[-1] for job in jobs if (found := self._of(job)))

    def _of(self, job: Job) -> list[Result]:
        return [one for one in self.lines if one.key == job.key and one.mark == job.case.mark]
