"""What of DBOS is private and used all the same; `tests/engine/test_inside.py` holds it to what is relied on."""
# ruff: noqa: SLF001  this is the place for it, and DBOS is pinned

from collections.abc import Callable
from typing import TypeVar

from dbos import DBOS, DBOSClient
from dbos._context import current_owner_xid
from dbos._dbos import _get_dbos_instance
from dbos._sys_db import SystemDatabase, db_retry
from dbos._utils import GlobalParams

from bot.engine._quiet import PATIENCE
from bot.engine._setup import LANES

T = TypeVar("T")


def database() -> SystemDatabase:
    """DBOS's tables, and its connections to them."""
    return _get_dbos_instance()._sys_db


def patiently(read: Callable[[], T]) -> T:
    """Read, waiting as DBOS does while its database is away. Blocks."""
    waiting: Callable[[], T] = db_retry(sys_db=database())(read)
    return waiting()


def recover(executor: str) -> None:
    """Put back what a dead worker has begun, into its lanes; whatever another has taken since is left alone. Blocks."""
    DBOS._recover_pending_workflows([executor])


def put_back(key: str) -> None:
    """Put one run of this worker back into its lane. Blocks."""
    database().reenqueue_for_recovery(key, [GlobalParams.executor_id], LANES)


def working() -> set[str]:
    """The runs that this process works on."""
    return set(_get_dbos_instance()._active_workflows_set.activeList())


def executor() -> str:
    """The name this process takes runs under."""
    return GlobalParams.executor_id


def rename(executor: str) -> None:
    """Take runs under another name from now on."""
    GlobalParams.executor_id = executor


def owned(key: str) -> bool:
    """Within a run: whether it is still this execution's, not given to another since. Blocks."""
    return database().get_workflow_owner(key) == current_owner_xid(key)


def wait_no_more(client: DBOSClient | None = None) -> None:
    """Let calls fail that wait for the database, or for room on its disk, so that a process can end without it."""
    PATIENCE.ends = PATIENCE.ends or client is None
    (client._sys_db if client else database())._retry_connection_errors = False
