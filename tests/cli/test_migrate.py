"""The schema by hand: to another one, and back to this version's."""

from typer.testing import CliRunner

from bot.cli.app import app
from bot.store.migrate import head, revision

URL = "sqlite:///nightjar.sqlite"


def test_there_and_back(runner: CliRunner) -> None:
    """It says what the schema is now, and where the file as it was before lies."""
    assert runner.invoke(app, ["migrate"]).stdout == f"the database has schema {head()}\n"
    done = runner.invoke(app, ["migrate", "--to", "0002"])
    assert "schema 0002" in done.stdout
    assert f"as it was before: nightjar.sqlite.{head()}-" in done.stdout
    assert revision(URL) == "0002"
    assert runner.invoke(app, ["migrate"]).exit_code == 0
    assert revision(URL) == head()
