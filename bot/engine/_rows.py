"""Our own light queries over DBOS's tables: its listings read every lane, thirty columns wide. They block."""

import time
from functools import partial
from typing import Any, NamedTuple

from dbos._sys_db import SystemDatabase
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import ProgrammingError

from bot.domain.ports import Load
from bot.engine._inside import patiently
from bot.engine.lease import SECONDS

_WAITS, _WORKS, _GIVEN_UP = "ENQUEUED", "PENDING", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
_ENDED = ("SUCCESS", "ERROR", "CANCELLED", _GIVEN_UP)
_DAY_MS = 86_400_000
_RESUMED = 2  # taken from the queue that often, a run was taken up again
_LIVING = text(
    "SELECT count(*) FROM nightjar_engine.workers WHERE beat > clock_timestamp() - make_interval(secs => :seconds)"
)


class Spot(NamedTuple):
    """Where a run stands: its status, and the queue and lane it is in."""

    status: str
    queue: str
    lane: str


class Rows:
    """Reads the runs of an engine's database."""

    def __init__(self, database: SystemDatabase) -> None:
        self._database = database
        self._runs = database.tables.workflow_status

    def _read(self, statement: Any) -> list[Any]:
        with self._database.engine.connect() as connection:
            return list(connection.execute(statement).all())

    def _write(self, statement: Any) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(statement)

    def _wait_for(self, statement: Any) -> list[Any]:
        """The same for a run, which waits while the database is away."""
        return patiently(partial(self._read, statement))

    def active_in(self, lane: str) -> list[tuple[str, bool]]:
        """Keys in the lane's order, and whether each works."""
        runs = self._runs.c
        wanted = runs.status.in_([_WAITS, _WORKS]) & (runs.queue_partition_key == lane)
        found = self._wait_for(select(runs.workflow_uuid, runs.status, runs.created_at).where(wanted))
        ordered = sorted(found, key=lambda row: (row.status != _WORKS, row.created_at or 0, row.workflow_uuid))
        return [(row.workflow_uuid, row.status == _WORKS) for row in ordered]

    def spot(self, key: str) -> Spot | None:
        """Where a run stands, None for an unknown one."""
        runs = self._runs.c
        columns = (runs.status, runs.queue_name, runs.queue_partition_key)
        found = self._wait_for(select(*columns).where(runs.workflow_uuid == key))
        return Spot(found[0][0], found[0][1] or "", found[0][2] or "") if found else None

    def begun(self, key: str) -> int:
        """How often a run was taken from the queue."""
        runs = self._runs.c
        found = self._wait_for(select(runs.recovery_attempts).where(runs.workflow_uuid == key))
        return int(found[0][0] or 0) if found else 0

    def goes_on(self, key: str) -> None:
        """Count the times that a run was taken up again anew, since it comes on; told in DBOS's own count."""
        runs = self._runs.c
        counted = (runs.workflow_uuid == key) & (runs.status == _WORKS) & (runs.recovery_attempts > _RESUMED)
        statement = update(self._runs).where(counted).values(recovery_attempts=_RESUMED)
        patiently(partial(self._write, statement))

    def load(self) -> Load:
        """How much waits and works, how long the oldest has waited, what was given up in the last day."""
        runs = self._runs.c
        now = time.time() * 1000
        recent = runs.status.in_([_WAITS, _WORKS]) | ((runs.status == _GIVEN_UP) & (runs.updated_at > now - _DAY_MS))
        counted = select(runs.status, func.count(), func.min(runs.created_at)).where(recent).group_by(runs.status)
        by_status = {status: (count, oldest) for status, count, oldest in self._read(counted)}
        waiting, oldest = by_status.get(_WAITS, (0, now))
        age = max(0.0, (now - (oldest or now)) / 1000)
        working, given_up = (by_status.get(status, (0, 0))[0] for status in (_WORKS, _GIVEN_UP))
        return Load(waiting, working, age, given_up, self._living())

    def _living(self) -> int:
        """Workers with a lease; on SQLite the one there may be, told by whoever has its file's lock."""
        if self._database.engine.dialect.name == "sqlite":
            return 0
        try:
            return int(self._read(_LIVING.bindparams(seconds=SECONDS))[0][0])
        except ProgrammingError:  # no worker was ever started here
            return 0

    def taken(self, executor: str) -> set[str]:
        """What is written down as a worker's."""
        runs = self._runs.c
        mine = (runs.status == _WORKS) & (runs.executor_id == executor)
        return {row[0] for row in self._read(select(runs.workflow_uuid).where(mine))}

    def given_up(self) -> list[str]:
        """What was given up in the last day."""
        runs = self._runs.c
        wanted = (runs.status == _GIVEN_UP) & (runs.updated_at > time.time() * 1000 - _DAY_MS)
        return [row[0] for row in self._read(select(runs.workflow_uuid).where(wanted))]

    def ended(self, before: float, limit: int = 200) -> list[str]:
        """What ended before a time, in UTC seconds."""
        runs = self._runs.c
        wanted = runs.status.in_(_ENDED) & (runs.updated_at < before * 1000)
        return [row[0] for row in self._read(select(runs.workflow_uuid).where(wanted).limit(limit))]
