"""Who lives: every worker on PostgreSQL says so twice a second; what a silent one worked on goes to the others.

The row of a worker is its lease. Whoever finds it older than `SECONDS` deletes it, and runs whose worker has no row are
given back to the queue, whoever owned them and however often they are found. A worker that comes back (it was frozen,
or cut from the database) finds its row gone: it drops its runs, and takes a new lease under a new name, as what is
written down under the old one belongs to whoever finds it. Until then its fence is closed.

Nothing here needs a session, so that it works through PgBouncer in transaction mode.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import errors

from bot.domain.errors import SetupError
from bot.engine._setup import CONNECTING, VERSION

log = logging.getLogger(__name__)
SECONDS, BEAT, MARGIN = 5.0, 0.5, 1.0
_CONNECTING = {"autocommit": True, "application_name": "nightjar-lease", **CONNECTING}
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first goes on while the machine sleeps
_MADE = """
CREATE SCHEMA IF NOT EXISTS nightjar_engine;
CREATE TABLE IF NOT EXISTS nightjar_engine.workers
    (id text PRIMARY KEY, beat timestamptz NOT NULL, host text NOT NULL, process text NOT NULL)
"""
_ENTER = "INSERT INTO nightjar_engine.workers VALUES (%s, clock_timestamp(), %s, %s)"
_SAY = "UPDATE nightjar_engine.workers SET beat = clock_timestamp() WHERE id = %s"
_LEAVE = "DELETE FROM nightjar_engine.workers WHERE id = %s"
_BURY = """
DELETE FROM nightjar_engine.workers WHERE id <> %s AND beat < clock_timestamp() - make_interval(secs => %s)
"""
_NEIGHBOURS = "SELECT id, process FROM nightjar_engine.workers WHERE host = %s AND host <> '' AND id <> %s"
_ORPHANS = """
SELECT DISTINCT executor_id FROM dbos.workflow_status s WHERE status = 'PENDING' AND application_version = %s
    AND NOT EXISTS (SELECT 1 FROM nightjar_engine.workers w WHERE w.id = s.executor_id)
"""


class Fence:
    """The `Fence` port: holds while the last beat is young enough for nobody to have taken this worker for dead; for
    ever where nobody could."""

    def __init__(self) -> None:
        self.seconds = float("inf")
        self.beaten = 0.0

    def holds(self) -> bool:
        """A look at this process's own clock, so that it is closed in the first instant after a freeze."""
        return elapsed() - self.beaten < self.seconds

    async def passes(self) -> None:
        """Wait while it does not hold."""
        while not self.holds():  # noqa: ASYNC110  a thread that may have been frozen sets it
            await asyncio.sleep(0.05)


class Lease:
    """Beats in a thread of its own. `recover` gives back the runs of a worker; `drop` lets go of all that runs here,
    and `resume` goes on under another name. All three may block."""

    def __init__(
        self,
        url: str,
        fence: Fence,
        recover: Callable[[str], None],
        drop: Callable[[], None],
        resume: Callable[[str], None],
    ) -> None:
        self.id = _unique()
        self.fence = fence
        self._url = url
        self._recover, self._drop, self._resume = recover, drop, resume
        self._end = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._judges_from = 0.0
        self._away = False
        self._thread = threading.Thread(target=self._live, name="lease", daemon=True)

    def enter(self) -> None:
        """Take the lease; SetupError when the database cannot be reached."""
        self._connection = connection = reached(self._url)
        with suppress(errors.UniqueViolation, errors.DuplicateTable, errors.DuplicateSchema):  # two made it at once
            connection.execute(_MADE)
        self.fence.beaten = elapsed()
        connection.execute(_ENTER, (self.id, *here()))
        self.fence.seconds = SECONDS - MARGIN

    def live(self) -> None:
        """Beat, and look after the others, until `leave`."""
        self._thread.start()

    def leave(self) -> None:
        """Beat no more, and give the lease back; blocks for a moment."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(5)
        with suppress(psycopg.Error):
            self._connected().execute(_LEAVE, (self.id,))
        self._disconnect()
        self.fence.seconds = float("inf")

    def _live(self) -> None:
        while True:
            try:
                self._round()
            except psycopg.Error as error:
                self._disconnect()
                if not self._away:
                    log.warning("the engine's database is away: %s", str(error).partition("\n")[0])
                self._away = True
            except Exception:  # the thread must live on: without beats this worker would be taken for dead
                log.exception("looking after the workers failed")
            if self._end.wait(BEAT):
                return

    def _round(self) -> None:
        sent = elapsed()
        connection = self._connected()
        alive = connection.execute(_SAY, (self.id,)).rowcount
        if self._away:
            log.warning("the engine's database is back")
            self._away = False
        if sent - self.fence.beaten > SECONDS:
            self._judges_from = sent + SECONDS  # who could not reach the database either is given time to come back
        if not alive:
            log.warning("this worker was taken for dead; its investigations go on in another, or anew")
            self._drop()
            sent, fresh = elapsed(), _unique()
            connection.execute(_ENTER, (fresh, *here()))
            self.id = fresh
            self._resume(fresh)
        self.fence.beaten = sent
        if sent >= self._judges_from:
            self._judge(connection)

    def _judge(self, connection: psycopg.Connection) -> None:
        connection.execute(_BURY, (self.id, SECONDS))
        host, _ = here()
        for worker, process in connection.execute(_NEIGHBOURS, (host, self.id)).fetchall():
            if not runs(process):
                connection.execute(_LEAVE, (worker,))
        for (worker,) in connection.execute(_ORPHANS, (VERSION,)).fetchall():
            log.warning("taking over what another worker began", extra={"worker": worker})
            self._recover(worker)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, **_CONNECTING)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None


def reached(url: str) -> psycopg.Connection:
    """A connection; SetupError when there can be none."""
    try:
        return psycopg.connect(url, **_CONNECTING)
    except psycopg.OperationalError as error:
        where = urlsplit(url)
        raise SetupError(
            f"the engine's database at {where.hostname or 'localhost'}{where.path} cannot be reached: {error}"
        ) from error


def elapsed() -> float:
    """Seconds of a clock that only goes forward, also while this process is frozen."""
    return time.clock_gettime(_CLOCK)


def _unique() -> str:
    return f"worker-{os.getpid()}-{os.urandom(4).hex()}"


def here() -> tuple[str, str]:
    """This machine (its boot, and the space its process ids are in) and this process; empty where that is not told, or
    where the processes of other users are hidden, which would look dead."""
    try:
        _process(1)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}", _process(os.getpid())
    except OSError:
        return "", ""


def runs(process: str) -> bool:
    """Whether a process of this machine still runs, and is no later one of the same number."""
    try:
        return _process(int(process.partition("@")[0])) == process
    except (OSError, ValueError):
        return False


def _process(pid: int) -> str:
    """A number and when it began; a zombie runs no more."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return f"{pid}@{fields[19]}" if fields[0] not in "ZX" else f"{pid}@ended"
