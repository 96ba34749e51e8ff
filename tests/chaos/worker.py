"""A process of the real bot that can be told where to die, and says what it works on.

`python -m tests.chaos.worker` is the nursery: it has everything imported and forks a worker for each order on its
standard input, so that a restart costs a third of a second. `python -m tests.chaos.worker ORDER` is one worker, cold.
"""

import ctypes
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import typer
from dbos import DBOS

import bot
from bot.cli import serve
from bot.domain.errors import NightjarError
from bot.engine import lease
from bot.engine._steps import DbosSteps
from bot.engine.dbos import DbosEngine
from bot.slack import gap

Call = Callable[[], Awaitable[Any]]
STEPS = "steps.log"
CALLS = 600  # a minute: a gap is read at ten times the pace that Slack allows, as a run has no hour for it
_PARENT_DEATH = 1  # Linux's PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Order:
    """A worker to be: `name` is its own for ever, `verb` is serve, worker or web; `host` pretends another machine.

    `since` is the true time when the monotonic clock began, as the worker's own clock may be a wrong one.
    """

    name: str
    verb: str
    folder: str
    environment: dict[str, str]
    host: str = ""
    since: float = field(default_factory=lambda: time.time() - time.monotonic())

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


@dataclass
class Watch:
    """Writes a line for each step's work, and kills the process in the window it is armed with.

    A window is a step and where in it: `before` its work, `within` it, `answered` (done, not recorded) or `recorded`;
    `accept` has `before`, `within` and `recorded`. `within` is followed by milliseconds.
    """

    folder: Path
    name: str
    since: float
    steps: WeakKeyDictionary[DbosSteps, Counter[str]] = field(default_factory=WeakKeyDictionary)

    def __post_init__(self) -> None:
        self._log = os.open(self.folder / STEPS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._arm = self.folder / f"{self.name}.arm"

    def write(self, what: str, key: str, step: str, place: int | None = None) -> None:
        """One line, whole, at once."""
        os.write(
            self._log, f"{self.since + time.monotonic():.4f} {self.name} {what} {key} {step} {place or 0}\n".encode()
        )

    def number(self, run: DbosSteps, name: str) -> str:
        """The step's short name, numbered within its run: `tools2`."""
        kind = name.partition(":")[0].replace(" ", "-")
        seen = self.steps.setdefault(run, Counter())
        seen[kind] += 1
        return f"{kind}{seen[kind]}"

    def passes(self, key: str, step: str, when: str) -> None:
        """Die here if this is the window."""
        try:
            window = self._arm.read_text(encoding="ascii").split()
        except OSError:
            return
        if window[:2] != [step, when]:
            return
        if when == "within":
            threading.Timer(float(window[2]) / 1000, self._die, (key, f"{step}-{when}")).start()
        else:
            self._die(key, f"{step}-{when}")

    def _die(self, key: str, window: str) -> None:
        self.write("dies", key, window)
        os.kill(os.getpid(), signal.SIGKILL)

    def watched(self, run: DbosSteps, step: str, call: Call) -> Call:
        """The same work, seen."""

        async def work() -> Any:
            self.passes(run.key, step, "before")
            self.write("began", run.key, step, DBOS.step_id)
            self.passes(run.key, step, "within")
            value = await call()
            self.write("did", run.key, step, DBOS.step_id)
            self.passes(run.key, step, "answered")
            return value

        return work

    def install(self) -> None:
        """Every step of every run in this process, and every acceptance, is watched from now on."""
        once, together, start = DbosSteps.once, DbosSteps.together, DbosEngine.start

        async def watched_once(run: DbosSteps, name: str, call: Call, kind: Any) -> Any:
            step = self.number(run, name)
            value = await once(run, name, self.watched(run, step, call), kind)
            self.passes(run.key, step, "recorded")
            return value

        async def watched_together(run: DbosSteps, name: str, calls: Sequence[Call], kind: Any) -> Any:
            step = self.number(run, name)
            values = await together(run, name, [self.watched(run, step, call) for call in calls], kind)
            self.passes(run.key, step, "recorded")
            return values

        async def watched_start(engine: DbosEngine, flow: str, key: str, *given: Any, **more: Any) -> bool:
            self.passes(key, "accept", "before")
            self.passes(key, "accept", "within")
            new = await start(engine, flow, key, *given, **more)
            self.write("accepted" if new else "knew", key, flow.replace(" ", "-"))
            self.passes(key, "accept", "recorded")
            return new

        DbosSteps.once, DbosSteps.together = watched_once, watched_together  # type: ignore[method-assign,assignment]
        DbosEngine.start = watched_start  # type: ignore[method-assign,assignment]


def live(order: Order) -> int:
    """The bot, until it is told to stop or dies; its exit code."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.folder)
    log = os.open(Path(order.folder) / f"{order.name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in (1, 2):
        os.dup2(log, number)
    if "FAKETIME" in order.environment:
        time.sleep = _sleep  # type: ignore[assignment]
    if order.host:
        own = lease.here
        lease.here = lambda: (order.host, own()[1])
    gap.MOST_CALLS = CALLS
    Watch(Path(order.folder), order.name, order.since).install()
    try:
        serve.run(web=order.verb in ("serve", "web"), worker=order.verb in ("serve", "worker"))
    except NightjarError as error:
        typer.echo(f"nightjar: {error}", err=True)
        return 2
    return 0


def _sleep(seconds: float) -> None:
    """Under libfaketime 0.9.10 Python's own, which waits for a time of the monotonic clock, fails at once."""
    threading.Event().wait(seconds)


def _born(order: Order) -> int:
    """Fork a worker; its process id."""
    pid = os.fork()
    if pid:
        return pid
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        code = live(order)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def nursery() -> None:
    """Until standard input ends: an order a line; says `born NAME PID` and `gone PID CODE`."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # all workers are of one version, whatever is edited meanwhile
    heard, wake = os.pipe()
    for end in (heard, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    rest = b""
    _say("ready")
    while True:
        readable, _, _ = select.select([0, heard], [], [])
        if heard in readable:
            os.read(heard, 1000)
            _bury()
        if 0 not in readable:
            continue
        if not (data := os.read(0, 65536)):
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            order = Order(**json.loads(line))
            _say("born", order.name, _born(order))


def _bury() -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _say("gone", ended[0], os.waitstatus_to_exitcode(ended[1]))
    except ChildProcessError:
        return


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(live(Order(**json.loads(sys.argv[1]))))
    nursery()
