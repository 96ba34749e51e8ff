"""A look at an engine's database from outside, by whoever takes no part in the work."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from dbos._schemas import SCHEMA_PLACEHOLDER
from dbos._schemas.system_database import SystemSchema
from dbos._sys_db import SystemDatabase
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, ProgrammingError

from bot.domain.errors import SetupError
from bot.domain.ports import Load
from bot.engine._file import database_url, only_worker
from bot.engine._rows import Rows

_SECONDS = 5


def glance(url: str) -> Load | None:
    """What waits and works; None where no engine ever worked. Blocks; SetupError when the database cannot be read."""
    plain = database_url(url)
    file = Path(plain.removeprefix("sqlite:///")) if plain.startswith("sqlite") else None
    if file is None:
        return _load(plain.replace("postgresql://", "postgresql+psycopg://", 1), {"connect_timeout": _SECONDS}, "dbos")
    if not file.exists():
        return None
    load = _load(plain, {"timeout": _SECONDS}, None)
    return load and replace(load, workers=int(_is_held(file)))


def _load(url: str, connecting: dict[str, Any], schema: str | None) -> Load | None:
    engine = create_engine(url, connect_args=connecting)
    told = engine.execution_options(schema_translate_map={SCHEMA_PLACEHOLDER: schema})
    try:
        return Rows(cast(SystemDatabase, SimpleNamespace(engine=told, tables=SystemSchema))).load()
    except DBAPIError as error:
        if isinstance(error, ProgrammingError) or "no such table" in str(error.orig):
            return None
        raise SetupError(f"the engine's database cannot be read: {error.orig}") from error
    finally:
        engine.dispose()


def _is_held(file: Path) -> bool:
    """Whether a worker has the file."""
    if not Path(f"{file}.lock").exists():
        return False
    try:
        with only_worker(file):
            return False
    except SetupError:
        return True
