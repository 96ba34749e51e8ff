"""Bring a database to a version's schema."""

import fcntl
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import bot
from bot.domain.errors import SetupError
from bot.store.copies import copy
from bot.store.database import liveness, normalised

log = logging.getLogger(__name__)
_PACKAGE = Path(bot.__file__).parent
_BACKUPS = 3


def _scripts() -> Path:
    """Inside the wheel, or beside the package in a checkout."""
    inside = _PACKAGE / "_migrations"
    return inside if inside.exists() else _PACKAGE.parent / "migrations"


@cache
def versions() -> tuple[str, ...]:
    """The revisions this version knows, oldest first; by their files' names, as Alembic costs 9 MB of memory."""
    return tuple(sorted(path.name.partition("_")[0] for path in (_scripts() / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """The revision this version needs."""
    return versions()[-1]


def _file(url: str) -> Path | None:
    full = normalised(url)
    return Path(full.database) if full.get_backend_name() == "sqlite" and full.database else None


def _open(url: str) -> Engine:
    if file := _file(url):
        file.parent.mkdir(parents=True, exist_ok=True)
    full = normalised(url)
    return create_engine(full, connect_args=liveness(full))


def revision(url: str) -> str:
    """The schema's revision in the database, empty when there is none; SetupError when it cannot be reached."""
    engine = _open(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return ""
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
    except DBAPIError as error:
        raise SetupError(f"the database cannot be opened: {error.orig}") from error
    finally:
        engine.dispose()


def fault(url: str) -> str:
    """What keeps this version from working on the database, empty when nothing does; SetupError as `revision`.

    A schema one revision ahead is worked on, with a warning: the former release runs while the new one is brought out,
    and again when it is taken back.
    """
    if (at := revision(url)) == head():
        return ""
    if _is_next(at):
        _warn_ahead(at)
        return ""
    if at in ("", *versions()):
        return f"the database has schema {at or 'none'}, this version needs {head()}: run `nightjar migrate`"
    return _too_new(at)


def _is_next(at: str) -> bool:
    return at.isdecimal() and int(at) == int(head()) + 1


@cache
def _warn_ahead(at: str) -> None:
    log.warning("the database's schema is one revision ahead of this version", extra={"schema": at, "needs": head()})


def _too_new(at: str) -> str:
    return (
        f"the database has schema {at}, of another version of Nightjar; this one knows {head()} and the next. "
        f"Run the newer version, or let it take the schema back: `nightjar migrate --to {head()}`"
    )


def migrate(url: str, to: str = "") -> Path | None:
    """Change the schema to what this version needs, or to the revision `to`, up or down; a second time does nothing.

    Two at once do it once, and one that is killed leaves the schema as it was. Returns the backup made of a SQLite file
    whose schema was changed. SetupError when the database cannot be reached or changed, or is too new.
    """
    if to and to not in versions():
        raise SetupError(f"there is no schema {to}; this version knows {', '.join(versions())}")
    target, at = to or head(), revision(url)
    if at == target or (not to and not fault(url)):
        return None
    if at not in ("", *versions()):
        raise SetupError(_too_new(at))
    with _alone(url):
        if (at := revision(url)) == target:
            return None
        backup = _backup(url, at) if at else None
        _change(url, target, down=at > target)
    return backup


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """One at a time on a file; on PostgreSQL the migration itself sees to that."""
    if (file := _file(url)) is None:
        yield
        return
    with Path(f"{file}.migrating").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _change(url: str, target: str, *, down: bool) -> None:
    import alembic.command  # noqa: PLC0415  most starts do without
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = normalised(url)
    try:
        (alembic.command.downgrade if down else alembic.command.upgrade)(config, target)
    except DBAPIError as error:
        why = str(error.orig).partition("\n")[0]
        raise SetupError(f"the schema is as it was, changing it failed: {why}. Mend that, then run it again") from error


def _backup(url: str, at: str) -> Path | None:
    if (file := _file(url)) is None:
        return None
    made = file.with_name(f"{file.name}.{at}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.bak")
    copy(file, made)
    ours = re.compile(re.escape(file.name) + r"\.\d{4}-\d{8}T\d{12}\.bak")
    kept = sorted((path for path in file.parent.iterdir() if ours.fullmatch(path.name)), key=lambda p: p.name[-26:])
    for path in kept[:-_BACKUPS]:
        path.unlink()
    return made
