"""What happened in a run, as plain data: what was said, delivered, worked on, broken and shown."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psycopg

Kind = Literal["question", "instruction", "command", "slash", "direct", "stop"]
TAG = re.compile(r"case-[a-z]{5}")
_RUNS = """
SELECT s.workflow_uuid, s.status, s.queue_partition_key, s.created_at, s.recovery_attempts, s.executor_id, o.output
    FROM {0}workflow_status s LEFT JOIN {0}workflow_output o ON o.workflow_uuid = s.workflow_uuid
"""
_RECORDS = "SELECT workflow_uuid, function_id, completed_at_epoch_ms FROM {0}operation_outputs"
_BUSY = "SELECT count(*) FROM {0}workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')"


@dataclass(frozen=True)
class Asked:
    """What a person said; `key` is the run it must become, empty for what must become none. Times are UTC seconds."""

    key: str
    kind: Kind
    at: float
    channel: str
    ts: str
    thread: str
    tag: str


@dataclass(frozen=True)
class Delivery:
    """One try to bring a message to the bot."""

    at: float
    status: str
    attempt: int = 0


@dataclass(frozen=True)
class Row:
    """A run in the engine's table; `created` in milliseconds."""

    key: str
    status: str
    lane: str = ""
    created: int = 0
    recoveries: int = 0
    executor: str = ""
    state: str = ""


@dataclass(frozen=True)
class Work:
    """A line of a worker: a step's work `began` or was `did`ne, a run was `accepted`, or the process `dies`."""

    at: float
    worker: str
    what: str
    key: str
    step: str
    place: int = 0


@dataclass
class Harm:
    """Something done to a worker; `until` is when it was over: thawed, or gone."""

    at: float
    kind: str
    worker: str
    window: str = ""
    until: float = 0.0


@dataclass(frozen=True)
class Shown:
    """A message of the bot as it stands at the end."""

    ts: str
    channel: str
    thread: str
    key: str
    part: str
    final: bool
    streaming: bool = False
    text: str = ""


@dataclass(frozen=True)
class ModelCall:
    """A request at the model's server: the word of its question, and all words that it holds."""

    at: float
    worker: str
    tag: str
    tags: frozenset[str]


@dataclass
class History:
    """All of it. `records` has when a step was done, for every step that the engine's table holds."""

    asked: list[Asked] = field(default_factory=list)
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    records: dict[tuple[str, int], float] = field(default_factory=dict)
    works: list[Work] = field(default_factory=list)
    harms: list[Harm] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    finals: dict[str, float] = field(default_factory=dict)
    calls: list[ModelCall] = field(default_factory=list)
    births: dict[str, float] = field(default_factory=dict)


class Books:
    """Reads the engine's tables from outside."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._path = url.removeprefix("sqlite:///") if url.startswith("sqlite") else ""

    def _read(self, statement: str) -> list[Any]:
        said = statement.format("" if self._path else "dbos.")
        if not self._path:
            with psycopg.connect(self._url) as connection:
                return connection.execute(said.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{quote(self._path)}?mode=ro", uri=True, timeout=30)) as file:
            return file.execute(said).fetchall()

    def rows(self) -> dict[str, Row]:
        """Every run."""
        return {key: Row(key, status, lane or "", made, tries or 0, by or "", _state(output))
                for key, status, lane, made, tries, by, output in self._read(_RUNS)}  # fmt: skip

    def records(self) -> dict[tuple[str, int], float]:
        """When each recorded step was done, in UTC seconds."""
        return {(key, place): (done or 0) / 1000 for key, place, done in self._read(_RECORDS)}

    def busy(self) -> int:
        """How many runs are not over."""
        return int(self._read(_BUSY)[0][0])


def _state(output: str | None) -> str:
    try:
        said = json.loads(output or "null")
    except ValueError:
        return ""
    return str(said.get("state", "")) if isinstance(said, dict) else ""


def works_of(log: Path) -> Iterator[Work]:
    """The workers' lines, in the order they were written."""
    for line in log.read_text(encoding="ascii").splitlines() if log.exists() else ():
        at, worker, what, key, step, place = line.split()
        yield Work(float(at), worker, what, key, step, int(place))


def clock(at: float) -> str:
    """A time as stories tell it."""
    return f"{time.strftime('%H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1000):03d}"
