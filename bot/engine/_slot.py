"""Who this process is to the engine: one worker per SQLite file, a free slot per worker on PostgreSQL."""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bot.domain.errors import SetupError

_LOCK_CLASS = 0x6E6A  # "nj": the first half of the advisory lock's key, the slot is the second
_SLOTS = 64
_NOTICE_THE_DEAD = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"


def database_url(url: str) -> str:
    """The URL in the form DBOS takes: `sqlite:///path` or `postgresql://…`."""
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    return f"{'postgresql' if kind == 'postgres' else kind}://{rest}"


def require_clock(python: tuple[int, ...] = sys.version_info[:2], sqlite: tuple[int, ...] | None = None) -> None:
    """SetupError where Python asks SQLite for a clock it does not have."""
    sqlite = sqlite or sqlite3.sqlite_version_info
    if python >= (3, 12) and sqlite < (3, 42):
        versions = f"Python {'.'.join(map(str, python))} with SQLite {'.'.join(map(str, sqlite))}"
        raise SetupError(
            f"{versions} cannot run the engine on a SQLite file. Use Python 3.11, or a Python built with "
            "SQLite 3.42 or newer; or set DATABASE_URL to PostgreSQL."
        )


def prepare_sqlite(path: Path) -> None:
    """Make the file, in write-ahead mode: steps are three times faster than with the default journal.

    SetupError when it cannot be made, or is no database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except (OSError, sqlite3.Error) as error:
        raise SetupError(f"the engine's file {path} cannot be used: {error}") from error


@contextmanager
def only_worker(path: Path) -> Iterator[str]:
    """Hold `<path>.lock`; a second worker would steal this one's runs. Yields the executor id."""
    lock = Path(f"{path}.lock")
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"another process already works on {path} (it holds {lock}). Stop that one, "
                "or set DATABASE_URL to PostgreSQL, where several may work."
            ) from error
        yield "local"


@contextmanager
def free_slot(url: str) -> Iterator[str]:
    """Hold the lowest slot that no living worker holds, so that a restarted worker finds the runs of its former self.

    The database frees the slot when this process ends, however it ends. Yields the executor id.
    """
    with _reached(url) as connection:
        connection.execute(_NOTICE_THE_DEAD)
        for slot in range(_SLOTS):
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK_CLASS, slot)).fetchone()
            if row and row[0]:
                yield f"worker-{slot}"
                return
    raise SetupError(f"all {_SLOTS} worker slots of the engine's database are taken")


@contextmanager
def no_slot(url: str = "") -> Iterator[str]:
    """A process that only enqueues owns no run, so any unique name does."""
    if url:
        _reached(url).close()
    yield f"door-{os.getpid()}-{os.urandom(4).hex()}"


def _reached(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="nightjar-slot")
    except psycopg.OperationalError as error:
        where = urlsplit(url)
        raise SetupError(
            f"the engine's database at {where.hostname or 'localhost'}{where.path} cannot be reached: {error}"
        ) from error
