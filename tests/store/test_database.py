"""How the store opens its database."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from bot.domain.errors import SetupError
from bot.store.base import Repository
from bot.store.database import normalised, open_store
from bot.store.evidence import evidence


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d?sslmode=require", "postgresql+psycopg://u:p@h:5433/d?sslmode=require"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite+aiosqlite:///a/b.sqlite", "sqlite:///a/b.sqlite"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
    ],
)
def test_urls_get_our_drivers(given: str, opened: str) -> None:
    """Whatever form people know, the same drivers are used."""
    assert normalised(given).render_as_string(hide_password=False) == opened


@pytest.mark.parametrize("given", ["mysql://u@h/d", "nightjar.sqlite", ""])
def test_other_urls_are_refused(given: str) -> None:
    """The message says what to write, and never repeats the URL."""
    with pytest.raises(SetupError, match="sqlite:///path"):
        normalised(given)


async def test_how_a_file_is_opened(tmp_path: Path) -> None:
    """Write-ahead journal, patience with other writers, foreign keys; its folder is made."""
    async with open_store(f"sqlite:///{tmp_path}/new/store.sqlite") as store:
        assert isinstance(store.notes, Repository)
        found = await store.notes._database.run(
            lambda connection: [
                connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "busy_timeout", "foreign_keys")
            ]
        )
    assert found == ["wal", 2_000, 1]


async def test_times_come_back_in_utc(database_url: str) -> None:
    """Whatever zone a time was given in, on the database that keeps zones and on the one that does not."""
    moment = datetime(2026, 11, 24, 4, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    row = {"flow": "f", "id": "E1", "until": moment, "body": None}
    async with open_store(database_url) as store:
        assert isinstance(store.evidence, Repository)
        await store.evidence._database.run(lambda connection: connection.execute(insert(evidence), row))
        found = await store.evidence._database.run(
            lambda connection: connection.execute(select(evidence.c.until)).scalar_one()
        )
    assert (found, found.tzinfo) == (moment, UTC)


async def test_many_at_once(database_url: str) -> None:
    """Twenty writers and readers at once wait for each other, and none fails."""
    async with open_store(database_url) as store:
        new = await asyncio.gather(*(store.notes.put("one", str(number)) for number in range(20)))
        assert sum(new) == 1
        assert len({await store.notes.get("one") for _ in range(5)}) == 1
