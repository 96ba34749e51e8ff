"""The engine's SQLite file, and the one worker it may have; the URL as DBOS takes it."""

import fcntl
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.domain.errors import SetupError


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
