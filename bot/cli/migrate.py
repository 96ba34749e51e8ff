"""`nightjar migrate`: bring the database to this version's schema, the engine's tables included."""

import typer

from bot import settings, wiring
from bot.engine import tables
from bot.store.migrate import migrate, revision


def run(to: str) -> None:
    """Change the schema, and say what it is and where the backup lies."""
    config = settings.read()
    settings.check_platform()
    backup = migrate(config.database_url, to)
    if not to and not (engine := wiring.engine_url(config)).startswith("sqlite"):
        tables.migrate(engine)
    typer.echo(f"the database has schema {revision(config.database_url)}")
    if backup:
        typer.echo(f"as it was before: {backup}")
