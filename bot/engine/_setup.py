"""How DBOS is set up, and called from beside a run."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Engine, create_engine, event, make_url

from bot.domain.errors import SetupError

T = TypeVar("T")
NAME = "nightjar"
VERSION = "1"  # recovery is bound to it: a version taken from the code would strand what runs at every deploy
LANES, BESIDE = "lanes", "beside"
_THREADS = 24
_SQLITE_CONNECTIONS = 2  # it has one writer anyway, and waits unfairly: with 10, accepting takes 10 times as long
_POSTGRES_CONNECTIONS = 10
CONNECTING: dict[str, Any] = {  # a server that is silent is given up in seconds; no statement is kept in a session
    "connect_timeout": 2, "prepare_threshold": None,
    "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3, "tcp_user_timeout": 3_000,
}  # fmt: skip
_ON_POSTGRES: dict[str, Any] = {
    "connect_args": {"application_name": NAME, **CONNECTING},
    "pool_pre_ping": False,  # a round trip less for each statement; what meets a dead connection is tried again
}
_ONE = threading.Lock()


def config(url: str, executor: str, idle_seconds: float) -> DBOSConfig:
    """DBOS's settings; nothing that we use needs a session of the database, so that PgBouncer may stand between.

    PostgreSQL ends a transaction in which nothing happens for `idle_seconds`: a worker that is frozen in the middle of
    one would hold its locks, and so stop those who take over.
    """
    sqlite = url.startswith("sqlite")
    return DBOSConfig(
        name=NAME,
        system_database_url=url,
        executor_id=executor,
        application_version=VERSION,
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        max_executor_threads=_THREADS,
        sys_db_pool_size=_SQLITE_CONNECTIONS if sqlite else _POSTGRES_CONNECTIONS,
        db_engine_kwargs={} if sqlite else _ON_POSTGRES,
        sys_db_idle_transaction_timeout_sec=idle_seconds,
        scheduler_polling_interval_sec=30,
        notification_listener_polling_interval_sec=0.2,
    )


def client_engine(url: str, connections: int, idle_seconds: float) -> Engine:
    """Connections of their own to the engine's PostgreSQL database."""
    full = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(full, pool_size=connections, max_overflow=0, pool_timeout=30, **_ON_POSTGRES)

    @event.listens_for(engine, "connect")
    def let_go(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {round(1000 * idle_seconds)}")
        connection.commit()

    return engine


async def register(concurrency: int, everywhere: int, per_minute: int, poll_seconds: float, *, works: bool) -> None:
    """The two queues, with the limits of this start; 0 is none. One that does not work leaves them as they are."""
    always: dict[str, Any] = {
        "partition_concurrency": 1,
        "polling_interval_sec": poll_seconds,
        "on_conflict": "always_update" if works else "never_update",
    }
    await DBOS.register_queue_async(
        LANES,
        worker_concurrency=min(concurrency, everywhere or concurrency),
        global_concurrency=everywhere or None,
        limiter={"limit": per_minute, "period": 60.0} if per_minute else None,
        **always,
    )
    await DBOS.register_queue_async(BESIDE, worker_concurrency=2 * concurrency, **always)


async def blocking(call: Callable[[], object]) -> None:
    """In a thread of its own: it waits for DBOS's threads, which may still need this loop and DBOS's thread pool."""
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, call)


@contextmanager
def only_engine() -> Iterator[None]:
    """DBOS is one per process: a second engine would silently share the first one's database."""
    if not _ONE.acquire(blocking=False):
        raise SetupError("an engine already works in this process, and there can be one only")
    try:
        yield
    finally:
        _ONE.release()


async def apart(call: Coroutine[Any, Any, T]) -> T:
    """Outside any running flow's context, so that the call is neither a step nor a child of it."""
    return await asyncio.create_task(call, context=Context())
