"""Backup and restore as one set, while the bot writes and after it is stopped."""

import fcntl
import json
import multiprocessing
import sqlite3
import time
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bot.cli import backup as verb
from bot.cli.app import app
from bot.domain.errors import SetupError
from bot.store.migrate import head, migrate

STORE, ENGINE = Path("nightjar.sqlite"), Path("nightjar-engine.sqlite")


@pytest.fixture
def files() -> None:
    """A store and an engine's file; a step that is done in the second one has its row in the first."""
    migrate(f"sqlite:///{STORE}")
    with closing(sqlite3.connect(STORE)) as store, closing(sqlite3.connect(ENGINE)) as engine:
        for one in (store, engine):
            one.execute("PRAGMA journal_mode=WAL")
        engine.execute("CREATE TABLE steps (key TEXT PRIMARY KEY)")


def work(folder: str, stop: Event, done: Event) -> None:
    """Write as flows do: the row into the store, then the finished step into the engine's file."""
    store, engine = (sqlite3.connect(Path(folder, name), timeout=30) for name in (STORE, ENGINE))
    number = 0
    while not stop.is_set():
        number += 1
        with store:
            store.execute("INSERT INTO notes (key, value) VALUES (?, ?)", (str(number), "x" * 2_000))
        with engine:
            engine.execute("INSERT INTO steps VALUES (?)", (str(number),))
        if number == 200:
            done.set()


def keys(path: Path, table: str) -> set[str]:
    """What is in a file that must be whole."""
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {key for (key,) in opened.execute(f"SELECT key FROM {table}")}


@pytest.mark.usefixtures("files")
def test_a_backup_while_the_bot_writes(runner: CliRunner) -> None:
    """Everything that was stored before it is in it, and no finished step lacks its row."""
    context = multiprocessing.get_context("spawn")
    stop, done = context.Event(), context.Event()
    writing = context.Process(target=work, args=(str(Path.cwd()), stop, done))
    writing.start()
    assert done.wait(30)
    try:
        for number in range(3):
            before = keys(ENGINE, "steps"), keys(STORE, "notes")
            ended = runner.invoke(app, ["backup", f"copy{number}"])
            assert ended.exit_code == 0, ended.output
            steps, rows = (
                keys(Path(f"copy{number}", verb.ENGINE), "steps"),
                keys(Path(f"copy{number}", verb.STORE), "notes"),
            )
            assert before[0] <= steps
            assert before[1] <= rows
            assert steps <= rows
            time.sleep(0.2)
    finally:
        stop.set()
        writing.join(30)
    assert len(keys(STORE, "notes")) > len(before[1])
    told = json.loads(Path("copy2", verb.MANIFEST).read_text())
    assert told["schema"] == head()
    assert told["began"] <= told["ended"]
    assert not list(Path().glob("*.part"))


def put(key: str) -> None:
    """A finished step and its row."""
    with closing(sqlite3.connect(STORE)) as store, store:
        store.execute("INSERT INTO notes (key, value) VALUES (?, '')", (key,))
    with closing(sqlite3.connect(ENGINE)) as engine, engine:
        engine.execute("INSERT INTO steps VALUES (?)", (key,))


@pytest.mark.usefixtures("files")
def test_a_restore_keeps_what_it_replaces(runner: CliRunner) -> None:
    """Both files are as they were at the backup; those that stood there lie beside, whole."""
    put("before")
    assert runner.invoke(app, ["backup", "copy"]).exit_code == 0
    put("after")
    open_still = sqlite3.connect(STORE)  # so that its journal stands beside the file
    assert open_still.execute("SELECT count(*) FROM notes").fetchone() == (2,)
    done = runner.invoke(app, ["restore", "copy"])
    assert done.exit_code == 0, done.output
    assert keys(STORE, "notes") == keys(ENGINE, "steps") == {"before"}
    open_still.close()
    (store,) = Path().glob("nightjar.sqlite.before-restore-*[0-9]")
    (engine,) = Path().glob("nightjar-engine.sqlite.before-restore-*[0-9]")
    assert keys(store, "notes") == keys(engine, "steps") == {"before", "after"}


@pytest.mark.usefixtures("files")
def test_a_restore_waits_for_nobody(runner: CliRunner) -> None:
    """While a bot works on the files they are left alone."""
    assert runner.invoke(app, ["backup", "copy"]).exit_code == 0
    put("after")
    with Path(f"{ENGINE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "stop it" in str(runner.invoke(app, ["restore", "copy"]).exception)
    assert keys(STORE, "notes") == {"after"}
    assert runner.invoke(app, ["restore", "copy"]).exit_code == 0


@pytest.mark.usefixtures("files")
def test_a_restore_without_room_for_both_changes_neither(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of which one file is old and one is new is no set."""
    put("before")
    assert runner.invoke(app, ["backup", "copy"]).exit_code == 0
    put("after")
    room = iter([10**9, 5_000])
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=next(room)))
    assert "nothing was changed" in str(runner.invoke(app, ["restore", "copy"]).exception)
    assert keys(STORE, "notes") == keys(ENGINE, "steps") == {"before", "after"}
    assert not [*Path().glob("*.new"), *Path().glob("*.before-restore-*")]


@pytest.mark.usefixtures("files")
def test_a_restore_on_a_new_machine(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing stands yet, nothing is kept aside."""
    put("before")
    runner.invoke(app, ["backup", "copy"])
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere/nightjar.sqlite")
    assert runner.invoke(app, ["restore", "copy"]).exit_code == 0
    assert keys(Path("elsewhere", STORE), "notes") == {"before"}


@pytest.mark.usefixtures("files")
def test_a_backup_needs_a_new_folder(runner: CliRunner) -> None:
    """An older one is not written over."""
    Path("copy").mkdir()
    assert "is there already" in str(runner.invoke(app, ["backup", "copy"]).exception)


def test_nothing_to_back_up(runner: CliRunner) -> None:
    """A wrong folder or address is not a backup of nothing."""
    assert "there is no nightjar.sqlite" in str(runner.invoke(app, ["backup", "copy"]).exception)
    assert not Path("copy").exists()


@pytest.mark.usefixtures("files")
def test_what_cannot_be_copied_leaves_nothing(runner: CliRunner) -> None:
    """A half backup is none."""
    ENGINE.write_bytes(b"no database" * 1000)
    done = runner.invoke(app, ["backup", "copy"])
    assert isinstance(done.exception, SetupError)
    assert not list(Path().glob("copy*"))


@pytest.mark.usefixtures("files")
def test_what_is_no_whole_backup_is_refused(runner: CliRunner) -> None:
    """Without its manifest, or of a schema that this version does not know."""
    assert "no whole backup" in str(runner.invoke(app, ["restore", "nowhere"]).exception)
    runner.invoke(app, ["backup", "copy"])
    manifest = Path("copy", verb.MANIFEST)
    manifest.write_text(manifest.read_text().replace(head(), "9999"))
    assert "schema 9999" in str(runner.invoke(app, ["restore", "copy"]).exception)


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_postgres_has_tools_of_its_own(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """Which, and how."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1/night")
    done = runner.invoke(app, [word, "copy"])
    assert isinstance(done.exception, SetupError)  # printed by main, exit code 2
    assert "pg_dump" in str(done.exception)
