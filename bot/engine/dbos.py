"""The engine on DBOS, over SQLite or PostgreSQL.

Every flow runs inside one DBOS workflow, which looks it up by name: during a rolling deploy an older worker that meets
a flow it does not know fails that run and says so, instead of holding its lane for ever.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from dbos import error as dbos_error

from bot.domain import plain
from bot.domain.errors import NightjarError, SetupError
from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Run
from bot.engine import _slot
from bot.engine._steps import DbosSteps

log = logging.getLogger(__name__)
T = TypeVar("T")
OnError = Callable[[Run, Exception], Awaitable[None]]
_VERSION = "1"  # recovery is bound to it: a version taken from the code would strand what runs at every deploy
_WORKFLOW = "flow"
_LANES, _BESIDE = "lanes", "beside"
_POLL_SECONDS = 0.25
_DRAIN_SECONDS = 6.0  # container runtimes kill after ten, and Slack and the databases are let go after this
_THREADS = 24
_ONE = threading.Lock()
_SQLITE_CONNECTIONS = (
    2  # it has one writer anyway, and its waiting is unfair: with 10, accepting takes 10 times as long
)
_POSTGRES_CONNECTIONS = 10


class DbosEngine:
    """The `Engine` port. At most `concurrency` runs work in this process; one whose lane is its own key never queues
    behind them."""

    def __init__(
        self, url: str, flows: Mapping[str, Flow], *, concurrency: int = 20, on_error: OnError | None = None
    ) -> None:
        self._url = _slot.database_url(url)
        self._flows = flows
        self._concurrency = {_LANES: concurrency, _BESIDE: 2 * concurrency}
        self._on_error = on_error
        self._deps: Any = None
        self._leaving = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told: set[int] = set()
        self._working: dict[str, tuple[str, JSON]] = {}
        self._dbos: DBOS | None = None

    @property
    def _file(self) -> Path | None:
        return Path(self._url.removeprefix("sqlite:///")) if self._url.startswith("sqlite") else None

    @asynccontextmanager
    async def serving(
        self, deps: Any, *, listen: bool = True, drain_seconds: float = _DRAIN_SECONDS
    ) -> AsyncIterator[None]:
        """Work until left; runs that a former process began go on first. Without `listen` only `start`, `cancel` and
        `lane` work. On leaving, running flows get `drain_seconds` to end, then wait for the next worker.

        SetupError when the database cannot be used.
        """
        self._deps, self._leaving = deps, False
        if self._file:
            _slot.require_clock()
            _slot.prepare_sqlite(self._file)
        with self._identity(listen=listen) as executor, _only_engine():
            try:
                self._dbos = dbos = await self._launch(executor, listen=listen)
            except BaseException:  # a half-launched DBOS would be taken for a working one by the next attempt
                await _blocking(_destroy)
                raise
            try:
                yield
            finally:
                self._leaving = True
                for event in dbos.background_thread_stop_events:
                    event.set()
                await self._drain(drain_seconds)
                await self._close(executor)

    def _identity(self, *, listen: bool) -> AbstractContextManager[str]:
        if not listen:
            return _slot.no_slot("" if self._file else self._url)
        return _slot.only_worker(self._file) if self._file else _slot.free_slot(self._url)

    async def _launch(self, executor: str, *, listen: bool) -> DBOS:
        _quieten(self._told)
        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=10)(self._workflow())
        dbos = DBOS(config=self._config(executor))
        DBOS.listen_queues([_LANES, _BESIDE] if listen else [])
        DBOS.launch()  # in the running loop on purpose: flows then run beside the clients that were opened on it
        for queue, concurrency in self._concurrency.items():
            await DBOS.register_queue_async(
                queue, worker_concurrency=concurrency, partition_concurrency=1, polling_interval_sec=_POLL_SECONDS
            )
        return dbos

    def _config(self, executor: str) -> DBOSConfig:
        return DBOSConfig(
            name="nightjar",
            system_database_url=self._url,
            executor_id=executor,
            application_version=_VERSION,
            serializer=DBOSPortableJSONSerializer(),
            log_level="WARNING",
            max_executor_threads=_THREADS,
            sys_db_pool_size=_SQLITE_CONNECTIONS if self._file else _POSTGRES_CONNECTIONS,
            scheduler_polling_interval_sec=30,
            notification_listener_polling_interval_sec=0.2,
        )

    def _workflow(self) -> Callable[[str, Any], Coroutine[Any, Any, Any]]:
        async def run(name: str, payload: Any) -> Any:
            return await self._run(name, payload)

        return run

    async def _run(self, name: str, payload: JSON) -> JSON:
        key = DBOS.workflow_id or ""
        if self._leaving:  # taken from the queue in the very last moment: given back with the rest
            raise asyncio.CancelledError
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._working[key] = name, payload
        try:
            if name not in self._flows:
                raise NightjarError(f"this version has no flow called {name!r}")  # noqa: TRY301  told like any other
            return plain.cleaned(await self._flows[name].run(DbosSteps(key), self._deps, payload))
        except Exception as error:  # the worker: whatever a flow raises is told here, then recorded by DBOS
            self._told.add(id(error))
            log.exception("a flow failed", extra={"key": key, "flow": name})
            await self._tell(Run(key, name, payload, running=True), error)
            raise
        finally:
            self._working.pop(key, None)

    async def _tell(self, run: Run, error: Exception) -> None:
        if self._on_error is None:
            return
        try:
            await self._on_error(run, error)
        except Exception:  # the flow's own error is what must be recorded
            log.exception("a failure could not be told", extra={"key": run.key})

    async def _drain(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in (left := set(self._tasks)):
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _close(self, executor: str) -> None:
        """Give back what was cut short, then end DBOS; the loop gets a thread pool that works."""
        await _blocking(partial(DBOS._recover_pending_workflows, [executor]))  # noqa: SLF001  DBOS is pinned
        await _blocking(_destroy)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-engine"))

    async def start(self, flow: str, key: str, lane: str, payload: JSON) -> bool:
        """Accept a run; returns when it is stored. False when the key is known already."""
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": _BESIDE if lane == key else _LANES,
            "workflow_id": key,
            "workflow_id_reuse_policy": "reject",
            "queue_partition_key": lane,
            "app_version": _VERSION,
        }
        try:
            await _apart(DBOS.enqueue_workflow_with_options_async(options, flow, plain.cleaned(payload)))
        except dbos_error.DBOSWorkflowIDInUseError:
            return False
        return True

    async def cancel(self, key: str) -> None:
        """End a run that waits or works; its step is cut off within 2 s. Nothing when it is over or unknown."""
        await _apart(DBOS.cancel_workflow_async(key))

    async def lane(self, lane: str) -> tuple[Run, ...]:
        """What works and waits in the lane, in its order."""
        return await _apart(self._lane(lane))

    async def _lane(self, lane: str) -> tuple[Run, ...]:
        active = await asyncio.to_thread(self._active_in, lane)
        unknown = [key for key, running in active if not (running and key in self._working)]
        read = await DBOS.list_workflows_async(workflow_ids=unknown, load_output=False) if unknown else []
        inputs = {one.workflow_id: (one.input or {"args": ("", None)})["args"] for one in read}
        known = {**self._working, **inputs}
        return tuple(Run(key, known[key][0], known[key][1], running) for key, running in active if key in known)

    def _active_in(self, lane: str) -> list[tuple[str, bool]]:
        """Keys in the lane's order, and whether each works; asked before every turn, so by one light query of our own.

        DBOS's own listing reads all lanes, thirty columns wide.
        """
        database = self._dbos._sys_db  # type: ignore[union-attr]  # noqa: SLF001  DBOS is pinned
        table = database.tables.workflow_status
        wanted = table.c.status.in_(["ENQUEUED", "PENDING"]) & (table.c.queue_partition_key == lane)
        columns = (table.c.workflow_uuid, table.c.status, table.c.created_at)
        with database.engine.connect() as connection:
            found = connection.execute(table.select().with_only_columns(*columns).where(wanted)).all()
        ordered = sorted(found, key=lambda row: (row.status != "PENDING", row.created_at or 0, row.workflow_uuid))
        return [(row.workflow_uuid, row.status == "PENDING") for row in ordered]

    async def drained(self) -> None:
        """Wait until nothing works or waits."""
        active = partial(DBOS.list_workflows_async, status=["ENQUEUED", "PENDING"], load_input=False, limit=1)
        while await _apart(active()):  # noqa: ASYNC110  another process may be the one that works
            await asyncio.sleep(0.05)


async def _blocking(call: Callable[[], object]) -> None:
    """In a thread of its own: it waits for DBOS's threads, which may still need this loop and DBOS's thread pool."""
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, call)


def _destroy() -> None:
    DBOS.destroy(destroy_registry=True)


@contextmanager
def _only_engine() -> Iterator[None]:
    """DBOS is one per process: a second engine would silently share the first one's database."""
    if not _ONE.acquire(blocking=False):
        raise SetupError("an engine already works in this process, and there can be one only")
    try:
        yield
    finally:
        _ONE.release()


async def _apart(call: Coroutine[Any, Any, T]) -> T:
    """Outside any running flow's context, so that the call is neither a step nor a child of it."""
    return await asyncio.create_task(call, context=Context())


class _Known(logging.Filter):
    """Drops what DBOS says of events that are part of normal work: a cancelled run, a flow's error that was told."""

    def __init__(self, told: set[int]) -> None:
        super().__init__()
        self._told = told

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says something new."""
        error = record.exc_info[1] if record.exc_info else None
        if id(error) in self._told:
            self._told.discard(id(error))
            return False
        said = str(record.msg)
        expected = "was cancelled during execution" in said or said.startswith("Asyncio task cancelled")
        return not (expected or isinstance(error, dbos_error.DBOSAwaitedWorkflowCancelledError))


def _quieten(told: set[int]) -> None:
    """Send DBOS's log where all others go, without its own console handler, which masks nothing."""
    logger = logging.getLogger("dbos")
    for known in [known for known in logger.filters if isinstance(known, _Known)]:
        logger.removeFilter(known)
    logger.addFilter(_Known(told))
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
