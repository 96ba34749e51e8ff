"""Bring a database to this version's schema."""

import sqlite3
from contextlib import closing
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

import bot
from bot.domain.errors import SetupError
from bot.store.database import normalised

_PACKAGE = Path(bot.__file__).parent


def _scripts() -> Path:
    """Inside the wheel, or beside the package in a checkout."""
    inside = _PACKAGE / "_migrations"
    return inside if inside.exists() else _PACKAGE.parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = normalised(url)
    return config


def _open(url: str) -> Engine:
    full = normalised(url)
    if full.get_backend_name() == "sqlite" and full.database:
        Path(full.database).parent.mkdir(parents=True, exist_ok=True)
    return create_engine(full)


def revision(url: str) -> str:
    """The schema's revision in the database, empty when there is none; SetupError when it cannot be reached."""
    engine = _open(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""
    except OperationalError as error:
        raise SetupError(f"the database cannot be opened: {error.orig}") from error
    finally:
        engine.dispose()


def head() -> str:
    """The revision this version needs."""
    return ScriptDirectory(str(_scripts())).get_current_head() or ""


def migrate(url: str) -> Path | None:
    """Upgrade to this version's schema; a second time changes nothing.

    Returns the backup made of a SQLite file whose schema was changed. SetupError when the database cannot be reached,
    or was migrated by a newer version.
    """
    before = revision(url)
    if before == head():
        return None
    backup = _backup(url, before) if before else None
    try:
        alembic.command.upgrade(_config(url), "head")
    except CommandError as error:
        raise SetupError(f"the database's schema is of another version of Nightjar: {error}") from error
    return backup


def _backup(url: str, before: str) -> Path | None:
    full = normalised(url)
    if full.get_backend_name() != "sqlite" or not full.database:
        return None
    copy = Path(f"{full.database}.{before}.bak")
    with closing(sqlite3.connect(full.database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
