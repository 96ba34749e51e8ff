"""Copies of a SQLite file that others go on writing: whole, or not at all."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.domain.errors import SetupError

_SPARE_BYTES = 1_000_000


def copy(source: Path, target: Path) -> None:
    """Write what `source` holds now to `target`, which appears once it is on the disk; SetupError when it cannot."""
    need, free = size(source) + _SPARE_BYTES, shutil.disk_usage(target.parent).free
    if free < need:
        raise SetupError(
            f"a copy of {source} needs {need / 1e6:.0f} MB at {target.parent}, where {free / 1e6:.0f} MB are free: "
            "make room there, then run it again; nothing was changed"
        )
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True)) as opened,
            closing(sqlite3.connect(part)) as made,
        ):
            opened.backup(made)
        settle(part, target)
    except (OSError, sqlite3.Error) as error:
        raise SetupError(f"{source} cannot be copied to {target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def size(source: Path) -> int:
    """Bytes of the file and of what is written beside it and not yet into it."""
    return sum(path.stat().st_size for path in (source, Path(f"{source}-wal")) if path.exists())


def settle(part: Path, target: Path) -> None:
    """Give a written file its name, such that a crash leaves the old one or the new one."""
    _to_disk(part)
    part.replace(target)
    _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
