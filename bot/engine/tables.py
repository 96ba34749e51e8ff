"""The engine's tables on PostgreSQL: DBOS makes and changes them, which takes a session of one's own.

A PgBouncer in transaction mode has none to give. The work itself needs none, and goes through one.
"""

from contextlib import ExitStack

from dbos import DBOS
from dbos._migration import should_migrate
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import SetupError
from bot.engine._setup import client_engine
from bot.engine.lease import reached

_SCHEMA, _IDLE_SECONDS = "dbos", 4.0
_LOOKS = 3
_PID = "SELECT pg_backend_pid()"
POOLED = (
    "the engine's tables must be made or changed, which PgBouncer in transaction mode does not allow: run "
    "`nightjar migrate` once with DATABASE_URL leading to PostgreSQL itself"
)


def migrate(url: str) -> None:
    """Make the tables, or bring them to this version; a second time does nothing. Blocks; SetupError when it fails."""
    if why := trouble(url):
        raise SetupError(why)
    try:
        DBOS.migrate(url)
    except DBAPIError as error:
        raise SetupError(f"the engine's tables could not be changed: {error.orig}") from error


def trouble(url: str) -> str:
    """Why this process must not start by making or changing them; empty when it may, or need not. Blocks; SetupError
    when the database cannot be reached."""
    return POOLED if _outdated(url) and any(_lends(url) for _ in range(_LOOKS)) else ""


def _outdated(url: str) -> bool:
    reached(url).close()
    engine = client_engine(url, 1, _IDLE_SECONDS)
    try:
        return should_migrate(engine, _SCHEMA, use_listen_notify=True)
    finally:
        engine.dispose()


def _lends(url: str) -> bool:
    """Whether a session that did something for one connection does something for another, while both are open."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(reached(url)) for _ in range(2))
        first = one.execute(_PID).fetchone()
        with other.transaction():
            return other.execute(_PID).fetchone() == first
