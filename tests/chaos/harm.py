"""What is done to the workers: a plan made from the seed, and whoever carries it out."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.chaos.crew import Worker
from tests.chaos.stage import Town

STEPS = ("begin1", "context1", "tools1", "model1", "tools2", "model2", "finish1")
WINDOWS = (
    *(f"{step} {when}" for step in STEPS for when in ("before", "within", "answered", "recorded")),
    *(f"accept {when}" for when in ("before", "within", "recorded")),
)
WITHIN = {"accept": 8.0, "tools1": 60.0, "begin1": 60.0, "tools2": 20.0}  # milliseconds into the work at the most
PATIENCE = 8.0  # seconds in which a worker must come to a window
FROZEN = (5.5, 11.0)  # seconds: past the lease, thawed while another still works, or after it is done
EXTRA = 20  # one stop and one frozen worker for so many kills
EVERY = (0.8, 2.2)  # seconds between harms
ONLY = {"kills": ("aimed",), "random": ("kill",), "stop": ("stop",), "term": ("term",)}


@dataclass(frozen=True)
class Blow:
    """One harm to come: its kind, the pause before it, which worker (a share of those there are), and its details."""

    kind: str
    pause: float
    victim: float
    window: str = ""
    seconds: float = 0.0


def plan(random: Random, kills: int, *, only: str = "", freezes: bool = False, minutes: float = 0.0) -> list[Blow]:
    """Half of the kills aimed, evenly over all windows, half at random; some stops among them; all shuffled.

    With `minutes` the pauses fill them; `freezes` where another worker can take over.
    """
    kinds = list(itertools.islice(itertools.cycle(ONLY[only] if only else ("aimed", "kill")), kills))
    if not only:
        kinds += ["term"] * (kills // EXTRA) + (["stop"] * (kills // EXTRA) if freezes else [])
    random.shuffle(kinds)
    windows = itertools.cycle(random.sample(WINDOWS, len(WINDOWS)))
    mean = minutes * 60 / len(kinds) if minutes and kinds else sum(EVERY) / 2
    return [_blow(random, kind, mean * random.uniform(0.55, 1.45), windows) for kind in kinds]


def _blow(random: Random, kind: str, pause: float, windows: "itertools.cycle[str]") -> Blow:
    window = next(windows) if kind == "aimed" else ""
    if window.endswith("within"):
        window += f" {random.uniform(0.5, WITHIN.get(window.split()[0], 400.0)):.1f}"
    return Blow(kind, pause, random.random(), window, random.uniform(*FROZEN))


@dataclass
class Mayhem:
    """Carries a plan out, with one worker at least left alone where there are several.

    `calm` waits for each harm's end before the next one, so that a take-over is seen by itself.
    """

    town: Town
    calm: bool = False
    met: Counter[str] = field(default_factory=Counter)
    stops: list[float] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _beside: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, blows: Sequence[Blow], until: float) -> None:
        """One after the other, until a time; at the end every worker runs."""
        for blow in blows:
            due = time.time() + blow.pause
            await self._keep_all_up()
            await asyncio.sleep(max(0.0, due - time.time()))
            if time.time() > until:
                break
            await self._strike(await self._victim(blow), blow)
        if self._beside:
            await asyncio.wait(self._beside)
        await self._keep_all_up()

    async def _victim(self, blow: Blow) -> Worker:
        """Who may come to the window; a step's is met by those that work, an acceptance's by those that hear."""
        fit = [worker for worker in self.town.workers if _may_meet(worker, blow, self.town.over_http)]
        least = 1 if len(fit) > 1 else 0
        while len(free := [worker for worker in fit if worker.place not in self._busy]) <= least:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)
        return free[int(blow.victim * len(free))]

    async def _strike(self, victim: Worker, blow: Blow) -> None:
        match blow.kind:
            case "aimed":
                harm = await victim.die_in(blow.window, PATIENCE) or await victim.kill()
                self.met[" ".join(blow.window.split()[:2]) if harm.window else "window not met"] += 1
                await victim.start()
            case "kill":
                await victim.kill()
                await victim.start()
            case _:
                self._busy.add(victim.place)
                work = self._terminate(victim) if blow.kind == "term" else self._freeze(victim, blow.seconds)
                task = asyncio.create_task(work)
                self._beside.add(task)
                task.add_done_callback(self._beside.discard)
                if self.calm:
                    await task

    async def _terminate(self, victim: Worker) -> None:
        harm = await victim.term()
        self.stops.append(harm.until - harm.at)
        await victim.start()
        self._busy.discard(victim.place)

    async def _freeze(self, victim: Worker, seconds: float) -> None:
        victim.stop()
        await asyncio.sleep(seconds)
        victim.cont()
        self._busy.discard(victim.place)

    async def _keep_all_up(self) -> None:
        """Start again what ended by itself, as a service manager does."""
        for worker in self.town.workers:
            if worker.place not in self._busy and not worker.runs:
                self.met["ended by itself"] += 1
                await worker.start()


def _may_meet(worker: Worker, blow: Blow, over_http: bool) -> bool:
    if not (over_http and blow.window):
        return True
    return worker.hears_only == blow.window.startswith("accept")
