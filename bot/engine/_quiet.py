"""What DBOS does that a bot of many processes needs otherwise: its log, and how long it waits for its database."""

import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from dbos import _sys_db, _utils
from dbos import error as dbos_error

T = TypeVar("T")
_LONGEST_NAP = 1.0
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_impatient: ContextVar[bool] = ContextVar("impatient", default=False)
_AWAY = (
    "Database connection failed", "Exception encountered in queue thread", "Exception reloading queue",
    "Exception finding work", "Exception listing queues", "Error fetching dequeued",
)  # fmt: skip
_SAID_AGAIN = 60.0


class _ShortNaps:
    """The module `time`, but nobody sleeps longer than a second."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Sleep, a second at most."""
        time.sleep(min(seconds, _LONGEST_NAP))


class Patience:
    """On a full disk DBOS fails what it has to write to a SQLite file, and so a run in the middle of its work. With
    this it waits for room as it waits for a server, until `ends`; whoever asks `at_once` is told at once."""

    def __init__(self) -> None:
        self.ends = False

    def begin(self) -> None:
        """From now on, in this process."""
        self.ends = False
        known: Callable[[Exception], bool] = _utils.retriable_sqlite_exception
        setattr(_sys_db, "retriable_sqlite_exception", lambda error: known(error) or self._waits(error))  # noqa: B010

    def _waits(self, error: Exception) -> bool:
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind
        return code in _NO_ROOM and not (self.ends or _impatient.get())


async def at_once(call: Awaitable[T]) -> T:
    """In a context of its own: wait for no room."""
    _impatient.set(True)
    return await call


PATIENCE = Patience()  # DBOS is one per process


def wait_well() -> None:
    """While its database is away DBOS doubles its pauses up to a minute; with this it is back a second after it. And it
    waits for room."""
    setattr(_sys_db, "time", _ShortNaps())  # noqa: B010  DBOS is pinned
    PATIENCE.begin()


class _Known(logging.Filter):
    """Drops what DBOS says of events that are part of normal work: a cancelled run, a flow's error that was told, and
    for the most part that its database is away."""

    def __init__(self, told: set[int]) -> None:
        super().__init__()
        self._told = told
        self._away = -_SAID_AGAIN

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says something new."""
        error = record.exc_info[1] if record.exc_info else None
        if id(error) in self._told:
            self._told.discard(id(error))
            return False
        said = str(record.msg)
        if said.startswith(_AWAY):  # the lease and the store say so once; each thread would, every second
            again = time.monotonic() - self._away >= _SAID_AGAIN
            self._away = time.monotonic() if again else self._away
            return again
        expected = "was cancelled during execution" in said or said.startswith("Asyncio task cancelled")
        return not (expected or isinstance(error, dbos_error.DBOSAwaitedWorkflowCancelledError))


def quieten(told: set[int]) -> None:
    """Send DBOS's log where all others go, without its own console handler, which masks nothing."""
    logger = logging.getLogger("dbos")
    for known in [known for known in logger.filters if isinstance(known, _Known)]:
        logger.removeFilter(known)
    logger.addFilter(_Known(told))
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
