"""The wheel is the whole bot: built from a checkout, it works where there is none."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.migrate import head, revision

ROOT = Path(__file__).parents[2]
BASE = getattr(sys, "_base_executable", sys.executable)  # the virtual environment itself may have no pip
IGNORED = {".pyc", ".pyo"}


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """What it prints; the test fails with what it said when it fails."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, cwd=cwd, env={**quiet, **more}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files, as pip puts them there; skips, and says why, where none can be built."""
    if not all(importlib.util.find_spec(name) for name in ("build", "hatchling")):
        pytest.skip("the wheel is NOT tested: build and hatchling are missing")
    if subprocess.run([BASE, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"the wheel is NOT tested: {BASE} has no pip")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("nightjar-*.whl")
    target = folder / "site"
    run(
        BASE,
        "-m",
        "pip",
        "-q",
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        target,
        wheel,
        cwd=folder,
    )
    return target


def test_every_file_of_the_package_is_in_it(installed: Path) -> None:
    """Pages, tables of facts and revisions too, and nothing else: no tests, no settings of whoever built it."""
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*") if path.is_file()}
    moved = {f"bot/_migrations/{path.relative_to(ROOT / 'migrations')}" for path in (ROOT / "migrations").rglob("*.*")}
    here = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    expected = {name for name in files | moved if Path(name).suffix not in IGNORED}
    assert {name for name in here if name.startswith("bot/")} == expected
    assert {name.partition("/")[0].partition("-")[0] for name in here} == {"bot", "nightjar", "bin"}


def test_it_migrates_and_lists_its_plugins(installed: Path, tmp_path: Path) -> None:
    """Away from any checkout `nightjar migrate` finds its revisions, and bare `nightjar` every plugin."""
    given = {"PYTHONPATH": str(installed), "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite"}
    where = run(sys.executable, "-c", "import bot; print(bot.__file__)", cwd=tmp_path, **given)
    assert Path(where.strip()).is_relative_to(installed)
    run(sys.executable, "-m", "bot", "migrate", cwd=tmp_path, **given)
    assert revision(given["DATABASE_URL"]) == head()
    rows = json.loads(run(sys.executable, "-m", "bot", "--json", cwd=tmp_path, **given))
    assert {"prometheus", "playbook", "answer", "query_metrics"} <= {row["name"] for row in rows}


def test_the_console_script_is_nightjar(installed: Path) -> None:
    """As pipx puts it on the path."""
    (script,) = (installed / "bin").iterdir()
    assert script.name == "nightjar"
    assert "from bot.cli.app import main" in script.read_text(encoding="utf-8")
