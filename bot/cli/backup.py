"""`nightjar backup FOLDER` and `nightjar restore FOLDER`: the store and the engine's runs, as one set."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from bot import __version__, settings, wiring
from bot.domain.errors import SetupError
from bot.store.copies import copy, settle
from bot.store.migrate import revision, versions

MANIFEST, ENGINE, STORE = "nightjar-backup.json", "engine.sqlite", "store.sqlite"
_PG = """PostgreSQL is backed up by its own tools; one dump holds the store and the running work as of one moment:
  pg_dump --format=custom --file=nightjar.dump "$DATABASE_URL"
and with every process of Nightjar stopped:
  pg_restore --clean --if-exists --no-owner --dbname="$DATABASE_URL" nightjar.dump"""


def run(folder: Path) -> None:
    """Copy both files while the bot works; the folder appears once it is whole. SetupError when it cannot."""
    store, engine = _files(settings.read())
    if folder.exists():
        raise SetupError(f"{folder} is there already: name a new folder, such as {folder}-{datetime.now(UTC):%Y%m%d}")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    began = datetime.now(UTC)
    try:
        copy(engine, part / ENGINE)  # first, so that whatever it says is done has its rows in the store
        copy(store, part / STORE)
        told = {"version": __version__, "schema": revision(f"sqlite:///{part / STORE}")}
        times = {"began": began.isoformat(), "ended": datetime.now(UTC).isoformat()}
        (part / MANIFEST).write_text(json.dumps({**told, **times}, indent=1) + "\n", encoding="utf-8")
        settle(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    typer.echo(f"{folder} holds the store and the running work as of {began:%Y-%m-%d %H:%M:%S} UTC")


def restore(folder: Path) -> None:
    """Put the files of a backup where the settings have them; what stood there is kept beside. SetupError."""
    store, engine = _files(settings.read(), exist=False)
    told = _manifest(folder)
    if (at := told.get("schema")) not in versions():
        raise SetupError(f"{folder} has schema {at}, of another version of Nightjar: restore it with {told['version']}")
    with _stopped(engine):
        aside = f".before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        sources = {engine: folder / ENGINE, store: folder / STORE}
        try:
            for target, source in sources.items():  # both, before either is replaced: the second may find no room
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(source, _new(target))
            for target in sources:
                _replace(target, aside)
        finally:
            for target in sources:
                _new(target).unlink(missing_ok=True)
    typer.echo(f"restored as of {told['began'][:19].replace('T', ' ')} UTC; what was there is kept as *{aside}")


def _new(target: Path) -> Path:
    return target.with_name(f"{target.name}.new")


def _replace(target: Path, aside: str) -> None:
    for ending in ("", "-wal", "-shm"):
        if (old := Path(f"{target}{ending}")).exists():
            old.rename(f"{target}{aside}{ending}")
    settle(_new(target), target)


def _files(config: settings.Settings, *, exist: bool = True) -> tuple[Path, Path]:
    urls = config.database_url, wiring.engine_url(config)
    if not all(url.startswith("sqlite") for url in urls):
        raise SetupError(_PG)
    store, engine = (Path(url.partition(":///")[2]) for url in urls)
    if exist and (missing := next((path for path in (store, engine) if not path.exists()), None)):
        raise SetupError(f"there is no {missing} to back up: set DATABASE_URL to the bot's, or start it once")
    return store, engine


def _manifest(folder: Path) -> dict[str, str]:
    try:
        told: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"{folder} is no whole backup: {MANIFEST} cannot be read ({error})") from error
    return told


@contextmanager
def _stopped(engine: Path) -> Iterator[None]:
    """Hold the worker's lock, so that none works and none starts meanwhile."""
    lock = Path(f"{engine}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(f"the bot works on {engine} (it holds {lock}): stop it, then restore") from error
        yield
