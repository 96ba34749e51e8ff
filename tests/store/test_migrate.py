"""Revisions and models say the same, on both databases."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from dbos import DBOS
from sqlalchemy import create_engine, inspect, text

import bot
from bot.domain.errors import SetupError
from bot.store import audit, conversations, evidence, history, notes, votes
from bot.store.base import metadata
from bot.store.database import normalised
from bot.store.migrate import head, migrate, revision

MODELS = (
    audit.investigations,
    conversations.messages,
    evidence.evidence,
    history.history,
    notes.notes,
    votes.votes,
)


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """As in migrations/env.py."""
    return kind != "table" or name in metadata.tables


def test_the_models_are_what_the_revisions_make(database_url: str) -> None:
    """Nothing is left to generate, and no table stands there that no model names."""
    engine = create_engine(normalised(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {table.name for table in MODELS} | {"alembic_version"}
    engine.dispose()


def test_every_table_demands_its_place() -> None:
    """Team, channel and thread stand in each row that belongs to a place, and may not be left out."""
    for table in (audit.investigations, conversations.messages, history.history):
        assert [table.c[name].nullable for name in ("team", "channel", "thread")] == [False] * 3


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    """The schema is there already; no backup is made."""
    assert (migrate(database_url), revision(database_url)) == (None, head())


def test_the_engines_tables_are_left_alone(tmp_path: Path) -> None:
    """Even in one SQLite file with DBOS, nothing of it is seen, so nothing of it could be dropped."""
    migrate(url := f"sqlite:///{tmp_path}/both.sqlite")
    DBOS.migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        assert compare_metadata(context, metadata) == []
        assert "workflow_status" in inspect(connection).get_table_names()
    engine.dispose()


def set_revision(url: str, to: str) -> None:
    """Pretend that another version migrated the database."""
    engine = create_engine(normalised(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": to})
    engine.dispose()


def test_a_newer_schema_is_refused(database_url: str) -> None:
    """An older version says so, instead of working on tables it does not know."""
    set_revision(database_url, "9999")
    with pytest.raises(SetupError, match="of another version of Nightjar"):
        migrate(database_url)


def test_a_new_file_in_a_new_folder(tmp_path: Path) -> None:
    """An empty start needs no preparation, and there is nothing to back up."""
    url = f"sqlite:///{tmp_path}/new/nightjar.sqlite"
    assert revision(url) == ""
    assert migrate(url) is None
    assert revision(url) == head()


def test_the_wheel_brings_its_revisions(tmp_path: Path) -> None:
    """Where the package is installed there is no checkout beside it, and the same upgrade runs."""
    package = Path(bot.__file__).parent
    shutil.copytree(package, tmp_path / "bot", ignore=shutil.ignore_patterns("demo", "__pycache__"))
    shutil.copytree(package.parent / "migrations", tmp_path / "bot" / "_migrations")
    said = subprocess.run(
        [sys.executable, "-c", "from bot.store import migrate as m; m.migrate('sqlite:///x.db'); print(m.__file__)"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(said.strip()).is_relative_to(tmp_path)
    assert revision(f"sqlite:///{tmp_path}/x.db") == head()


def test_a_server_that_is_not_there() -> None:
    """The message says that the database cannot be opened, without the password."""
    with pytest.raises(SetupError, match="cannot be opened") as caught:
        migrate("postgresql://me:swordfish@127.0.0.1:1/night")
    assert "swordfish" not in str(caught.value)
