"""The engine on DBOS, over SQLite or PostgreSQL.

Every flow runs inside one DBOS workflow, which looks it up by name: during a rolling deploy an older worker that meets
a flow it does not know fails that run and says so, instead of holding its lane for ever.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dbos import DBOS, EnqueueOptions
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from bot import __version__, telemetry
from bot.domain import plain
from bot.domain.errors import NightjarError
from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Load, Run
from bot.engine import _file, _inside, lease
from bot.engine._door import Door
from bot.engine._keeper import ANEW, Anew, Keeper, Told
from bot.engine._quiet import at_once, quieten, wait_well
from bot.engine._rows import Rows, Spot
from bot.engine._setup import BESIDE, LANES, VERSION, apart, blocking, config, only_engine, register
from bot.engine._steps import DbosSteps, OtherVersion
from bot.engine.lease import Fence, Lease, reached

log = logging.getLogger(__name__)
_WORKFLOW = "flow"
_POLL_SECONDS = 0.25
_MOST_BEGUN = 20  # times that a run is taken up again at one place before it is given up: it may end its process
_DRAIN_SECONDS = 5.0  # container runtimes kill after ten, and Slack and the databases are let go around this
_ACCEPT_SECONDS = 2.0  # Slack waits three; what is not accepted by then is delivered again


class DbosEngine:
    """The `Engine` port. At most `concurrency` runs work in this process, and `everywhere` in all of them; at most
    `per_minute` begin; 0 means no limit. One whose lane is its own key never queues behind them.

    `on_error` is told of a run that failed or was given up, `on_anew` of one that begins again from its first step.
    """

    def __init__(
        self,
        url: str,
        flows: Mapping[str, Flow],
        *,
        concurrency: int = 20,
        everywhere: int = 0,
        per_minute: int = 0,
        on_error: Told | None = None,
        on_anew: Anew | None = None,
    ) -> None:
        self._url = _file.database_url(url)
        self._limits = concurrency, everywhere, per_minute
        self._on_error = on_error
        self._keeper = Keeper(self, flows, self._tell, on_anew)
        self._flows = {**flows, **self._keeper.flows}
        self._deps: Any = None
        self._refusing = self._lost = self._was_lost = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told: set[int] = set()
        self._working: dict[str, tuple[str, JSON]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rows: Rows | None = None
        self._lease: Lease | None = None
        self._door: Door | None = None
        self._has_file = False
        self.fence = Fence()

    @property
    def _path(self) -> Path | None:
        return Path(self._url.removeprefix("sqlite:///")) if self._url.startswith("sqlite") else None

    @asynccontextmanager
    async def serving(
        self, deps: Any, *, listen: bool = True, drain_seconds: float = _DRAIN_SECONDS
    ) -> AsyncIterator[None]:
        """Work until left; runs that a former process began go on first. Without `listen` only `start`, `cancel` and
        `lane` work. On leaving, running flows get `drain_seconds` to end, then wait for the next worker.

        SetupError when the database cannot be used.
        """
        self._deps, self._loop = deps, asyncio.get_running_loop()
        self._refusing = self._lost = self._was_lost = False
        if self._path:
            _file.require_clock()
            _file.prepare_sqlite(self._path)
        with _file.only_worker(self._path) if self._path and listen else nullcontext(), only_engine():
            executor = await self._identity(listen=listen)
            try:
                dbos = await self._launch(executor, listen=listen)
            except BaseException:  # a half-launched DBOS would be taken for a working one by the next attempt
                await blocking(partial(self._leave, launched=False))
                raise
            keeping = asyncio.create_task(self._keeper.keep(self._found())) if listen else None
            try:
                yield
            finally:
                self._refusing = True
                if keeping:
                    keeping.cancel()
                for event in dbos.background_thread_stop_events:
                    event.set()
                await self._drain(drain_seconds)
                await blocking(self._leave)
                self._loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-engine"))

    async def _identity(self, *, listen: bool) -> str:
        """A name of its own for each process, as what a dead one began is told by it; a SQLite file has one worker."""
        unique = f"{os.getpid()}-{os.urandom(4).hex()}"
        if self._path:
            self._has_file = listen
            return "local" if listen else f"door-{unique}"
        if not listen:
            await blocking(lambda: reached(self._url).close())
            return f"door-{unique}"
        self._lease = Lease(self._url, self.fence, _inside.recover, self._drop, self._resume)
        await blocking(self._lease.enter)
        return self._lease.id

    async def _launch(self, executor: str, *, listen: bool) -> DBOS:
        quieten(self._told)
        wait_well()
        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_MOST_BEGUN)(self._workflow())
        dbos = DBOS(config=config(self._url, executor, lease.SECONDS - lease.MARGIN))
        DBOS.listen_queues([LANES, BESIDE] if listen else [])
        DBOS.launch()  # in the running loop on purpose: flows then run beside the clients that were opened on it
        self._rows = Rows(_inside.database())
        if not self._path:
            self._door = Door(self._url, lease.SECONDS - lease.MARGIN)
        await register(*self._limits, _POLL_SECONDS, works=listen)
        if self._lease:
            self._lease.live()
        return dbos

    def _workflow(self) -> Callable[[str, Any], Coroutine[Any, Any, Any]]:
        async def run(name: str, payload: Any) -> Any:
            with telemetry.traced(DBOS.workflow_id or ""):
                return await self._run(name, payload)

        return run

    async def _run(self, name: str, payload: JSON) -> JSON:
        key = DBOS.workflow_id or ""
        if self._refusing or self._lost:  # taken from the queue in the very last moment: given back with the rest
            raise asyncio.CancelledError
        if self._was_lost and not await asyncio.to_thread(_inside.owned, key):  # taken under the former name
            raise asyncio.CancelledError
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._working[key] = name, payload
        try:
            if name not in self._flows:
                raise NightjarError(f"this version has no flow called {name!r}")  # noqa: TRY301  told like any other
            return plain.cleaned(
                await self._flows[name].run(DbosSteps(key, self.fence, self._found()), self._deps, payload)
            )
        except Exception as error:  # the worker: whatever a flow raises is told here, then recorded by DBOS
            self._told.add(id(error))
            other = isinstance(error, OtherVersion | dbos_error.DBOSUnexpectedStepError)
            if other and await self.start(ANEW, again := f"anew:{key}:{__version__}", again, key):
                log.warning("begun by another version: it begins again", extra={"key": key, "flow": name})
            else:
                log.exception("a flow failed", extra={"key": key, "flow": name})
                await self._tell(Run(key, name, payload, running=True), error)
            raise
        finally:
            self._working.pop(key, None)

    async def _tell(self, run: Run, error: Exception) -> None:
        try:
            if self._on_error:
                await self._on_error(run, error)
        except Exception:  # the flow's own error is what must be recorded
            log.exception("a failure could not be told", extra={"key": run.key})

    async def _drain(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        await self._cut_off()

    async def _cut_off(self) -> None:
        for task in (left := set(self._tasks)):
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _drop(self) -> None:
        """Let go of all that runs here, which is no longer ours; blocks, called by the lease's thread."""
        self._lost = self._was_lost = True
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._cut_off(), self._loop).result(60)

    def _resume(self, executor: str) -> None:
        _inside.rename(executor)
        self._lost = False

    def _leave(self, *, launched: bool = True) -> None:
        """Give back what was cut short, then end DBOS; blocks, though not for a database that is away."""
        if launched:
            _inside.wait_no_more()
            with suppress(SQLAlchemyError):  # without the database the lease runs out, and others find the rest
                _inside.recover(_inside.executor())
        if self._door:
            self._door.close()
        if self._lease:
            self._lease.leave()
        self._door = self._lease = None
        DBOS.destroy(destroy_registry=True)

    def _found(self) -> Rows:
        if self._rows is None:
            raise NightjarError("the engine does not serve yet")
        return self._rows

    async def start(self, flow: str, key: str, lane: str, payload: JSON, *, delay: float = 0.0) -> bool:
        """Accept a run; returns when it is stored. False when the key is known already.

        TimeoutError when the database takes too long; the run may be stored all the same, and the key makes it one.
        """
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": BESIDE if lane == key else LANES,
            "workflow_id": key,
            "workflow_id_reuse_policy": "reject",
            "queue_partition_key": lane,
            "app_version": VERSION,
        }
        if delay:
            options["delay_seconds"] = delay
        enqueue = self._door.enqueue if self._door else DBOS.enqueue_workflow_with_options_async
        with telemetry.span("accept", key, first=True):
            try:
                async with asyncio.timeout(_ACCEPT_SECONDS):
                    await apart(at_once(enqueue(options, flow, plain.cleaned(payload))))
            except dbos_error.DBOSWorkflowIDInUseError:
                telemetry.no_span()
                return False
        return True

    async def cancel(self, key: str) -> None:
        """End a run that waits or works, here or elsewhere; its step is cut off within 2 s, and no further one begins.
        Nothing when it is over or unknown."""
        await apart(DBOS.cancel_workflow_async(key))

    async def lane(self, lane: str) -> tuple[Run, ...]:
        """What works and waits in the lane, in its order."""
        active = await asyncio.to_thread(self._found().active_in, lane)
        unknown = [key for key, running in active if not (running and key in self._working)]
        known = {**self._working, **(await self._inputs(unknown) if unknown else {})}
        return tuple(Run(key, *known[key], running) for key, running in active if key in known)

    async def _inputs(self, keys: list[str]) -> dict[str, tuple[str, JSON]]:
        read = await apart(DBOS.list_workflows_async(workflow_ids=keys, load_output=False))
        given = {one.workflow_id: (one.input or {"args": ("", None)})["args"] for one in read}
        return {key: (flow, payload) for key, (flow, payload) in given.items()}

    async def read(self, key: str) -> Run | None:
        """A run that may be over, None for an unknown one."""
        found = (await self._inputs([key])).get(key)
        return Run(key, *found, running=False) if found else None

    async def spot(self, key: str) -> Spot | None:
        """Where a run stands."""
        return await asyncio.to_thread(self._found().spot, key)

    async def rewind(self, key: str, spot: Spot) -> None:
        """Let a run that is over begin again, in its lane."""
        again = DBOS.rewind_workflow_async(key, queue_name=spot.queue, queue_partition_key=spot.lane)
        await apart(again)

    async def load(self) -> Load:
        """What there is to do, by one light query."""
        load = await asyncio.to_thread(self._found().load)
        return replace(load, workers=1) if self._has_file else load

    async def forget(self, before: datetime) -> int:
        """Drop what ended before a time, in batches; returns how many runs."""
        dropped = 0
        while keys := await asyncio.to_thread(self._found().ended, before.timestamp()):
            await apart(DBOS.delete_workflows_async(keys))
            dropped += len(keys)
        return dropped

    async def drained(self) -> None:
        """Wait until nothing works or waits."""
        while (load := await self.load()).waiting or load.working:  # noqa: ASYNC110  others may work, too
            await asyncio.sleep(0.05)
