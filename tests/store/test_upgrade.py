"""Up, down and up again: nothing is lost, two do it once, and the former release works on beside."""

import logging
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from alembic.script import ScriptDirectory

from bot.domain.errors import SetupError
from bot.store.migrate import _scripts, _warn_ahead, fault, head, migrate, revision, versions
from tests.chaos import migration
from tests.store import former
from tests.store.test_migrate import set_revision

ROWS = 10_000


def test_up_down_and_up_again(database_url: str) -> None:
    """Each row of each table is there each time, as it was."""
    migrate(database_url, former.BEFORE)
    former.put(database_url, 0, ROWS)
    before = former.read(database_url)
    assert {len(rows) for rows in before.values()} == {ROWS}
    for to in ("", former.BEFORE, ""):
        migrate(database_url, to)
        assert revision(database_url) == (to or head())
        assert former.read(database_url) == before


def test_the_former_release_works_on_the_new_schema(database_url: str) -> None:
    """It writes anew, replaces and reads; what it writes counts as written now, and survives the way back."""
    former.put(database_url, 0, 8)
    former.put(database_url, 4, 8)
    assert {len(rows) for rows in former.read(database_url).values()} == {12}
    for table in ("evidence", "messages", "notes", "votes"):
        (row,) = former.run_on(database_url, f"SELECT count(*) FROM {table} WHERE created > '2026-11-01'")
        assert row == (12,)
    written = former.read(database_url)
    migrate(database_url, former.BEFORE)
    assert former.read(database_url) == written


async def test_what_the_new_release_wrote_goes_back_too(database_url: str) -> None:
    """Rows without what only the former one needs get it."""
    former.run_on(database_url, "INSERT INTO evidence (flow, id, body) VALUES (?, ?, ?)", [("f", "E1", "{}")])
    migrate(database_url, former.BEFORE)
    assert former.run_on(database_url, "SELECT count(*) FROM evidence WHERE until > '2026-11-01'") == [(1,)]


def test_every_step_down(database_url: str) -> None:
    """To the first schema and back."""
    for to in (*reversed(versions()), ""):
        migrate(database_url, to)
        assert revision(database_url) == (to or head())


def test_another_schema_must_be_a_known_one(sqlite_url: str) -> None:
    """The message lists those there are."""
    with pytest.raises(SetupError, match=rf"no schema 9999.*{head()}"):
        migrate(sqlite_url, "9999")


def test_the_newest_is_known_by_its_name() -> None:
    """As Alembic has it, in the same order."""
    script = ScriptDirectory(str(_scripts()))
    assert tuple(one.revision for one in script.walk_revisions())[::-1] == versions()


def test_a_start_without_a_migration_does_without_alembic(sqlite_url: str) -> None:
    """It costs memory for as long as the process lives."""
    program = (
        f"import sys; from bot.store.migrate import migrate; migrate({sqlite_url!r}); "
        "print([name for name in sys.modules if name.startswith('alembic')])"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "[]"


def test_one_ahead_is_worked_on(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """With one warning, however often it is looked at; a start on a file leaves it as it is."""
    _warn_ahead.cache_clear()
    caplog.set_level(logging.WARNING)
    set_revision(database_url, ahead := f"{int(head()) + 1:04}")
    assert [fault(database_url) for _ in range(3)] == [""] * 3
    assert migrate(database_url) is None
    assert revision(database_url) == ahead
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("at", "said"), [("0001", "run `nightjar migrate`"), ("9999", "migrate --to")])
def test_another_schema_is_refused(database_url: str, at: str, said: str) -> None:
    """An older one with what to run, a much newer one with what the newer version should run."""
    set_revision(database_url, at)
    assert said in fault(database_url)


@pytest.mark.parametrize("to", ["", former.BEFORE])
def test_too_new_a_schema_is_not_changed(database_url: str, to: str) -> None:
    """Nobody knows here how to take it back."""
    set_revision(database_url, "9999")
    with pytest.raises(SetupError, match="of another version of Nightjar"):
        migrate(database_url, to)
    assert revision(database_url) == "9999"


def test_the_last_three_backups_are_kept(tmp_path: Path) -> None:
    """Each holds what was there before; files of others stay."""
    migrate(url := f"sqlite:///{tmp_path}/nightjar.sqlite")
    (other := tmp_path / "nightjar.sqlite.mine.bak").touch()
    made = []
    for number in range(5):
        former.run_on(url, "INSERT INTO notes (key, value) VALUES (?, '')", [(str(number),)])
        made.append(migrate(url, former.BEFORE if number % 2 == 0 else ""))
    assert set(tmp_path.glob("*.bak")) == {*made[-3:], other}
    with closing(sqlite3.connect(str(made[-1]))) as kept:
        assert kept.execute("SELECT count(*) FROM notes").fetchone() == (5,)
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(tmp_path.glob("*.part"))


def test_without_room_nothing_is_changed(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how much is missing, and where."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5_000))
    with pytest.raises(SetupError, match="0 MB are free: make room"):
        migrate(sqlite_url, former.BEFORE)
    assert revision(sqlite_url) == head()


def test_two_starts_at_once_migrate_once(database_url: str) -> None:
    """The second waits, then finds it done; there is one backup."""
    migrate(database_url, former.BEFORE)
    former.put(database_url, 0, 2_000)
    before = former.read(database_url)
    program = f"from bot.store.migrate import migrate; print(migrate({database_url!r}))"
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(one.communicate(timeout=60)[0].strip().endswith(".bak") for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert said == [False, database_url.startswith("sqlite")]
    assert former.read(database_url) == before
    assert revision(database_url) == head()


@pytest.mark.postgres
def test_a_table_in_use_is_not_waited_for_long(postgres_url: str) -> None:
    """Everybody else would wait behind the migration; it gives up, and nothing is changed."""
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE votes IN ACCESS SHARE MODE")
        began = time.monotonic()
        with pytest.raises(SetupError, match=r"as it was.*lock timeout"):
            migrate(postgres_url, former.BEFORE)
        assert time.monotonic() - began < 10
    assert revision(postgres_url) == head()


def test_a_migration_that_is_killed(database_url: str) -> None:
    """At any moment: no row is lost, and the next run ends it."""
    found = migration.measured(database_url, kills=3, rows=1_000, seed=7)
    assert (found["lost"], found["clean"], found["kills"]) == (0, True, 3)
