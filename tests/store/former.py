"""What the former release does: the rows it has left, and the statements it still runs while the new one comes."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg

BEFORE = "0002"
_COLUMNS = {
    "evidence": ("flow", "id", "until", "body"),
    "history": ("team", "channel", "ts", "thread", "author", "bot", "text", "until"),
    "investigations": ("flow", "team", "channel", "thread", "state", "started", "cost_usd", "record"),
    "messages": ("team", "channel", "thread", "flow", "position", "message"),
    "notes": ("key", "value"),
    "votes": ("flow", "person", "vote", "reason"),
}
_KEYS = {
    "evidence": ("flow", "id"), "history": ("team", "channel", "ts"), "investigations": ("flow",),
    "messages": ("team", "channel", "thread", "flow", "position"), "notes": ("key",), "votes": ("flow", "person"),
}  # fmt: skip
_THEN = "2026-11-24 03:00:00.123456"


def run_on(url: str, statement: str, rows: Sequence[Sequence[Any]] = ()) -> list[tuple[Any, ...]]:
    """Run a statement, with a `?` for each value, once a row or once; what it returns."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as lite, lite:
            return lite.executemany(statement, rows).fetchall() if rows else lite.execute(statement).fetchall()
    with psycopg.connect(url) as server, server.cursor() as cursor:
        if rows:
            cursor.executemany(statement.replace("?", "%s").encode(), rows)
            return []
        return cursor.execute(statement.encode()).fetchall()


def _value(column: str, number: int) -> Any:
    given = {"until": _THEN, "started": _THEN, "cost_usd": 0.25, "position": number % 4, "body": f'{{"n": {number}}}'}
    return given.get(column, f"{column}{number}")


def put(url: str, first: int, count: int) -> None:
    """Write so many rows into each table as the former release does; the same again replaces them."""
    for table, columns in _COLUMNS.items():
        changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in _KEYS[table])
        statement = (
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT ({', '.join(_KEYS[table])}) DO UPDATE SET {changed}"
        )
        rows = [tuple(_value(name, number) for name in columns) for number in range(first, first + count)]
        run_on(url, statement, rows)


def read(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of each table, in the columns that the former release knows."""
    return {
        table: sorted(run_on(url, f"SELECT {', '.join(columns)} FROM {table}"), key=repr)
        for table, columns in _COLUMNS.items()
    }
