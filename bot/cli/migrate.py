"""`nightjar migrate`: bring the database to this version's schema."""

import typer

from bot import settings
from bot.store.migrate import migrate


def run() -> None:
    """Upgrade, and say from where to where."""
    config = settings.read()
    settings.check_platform()
    migrate(config.database_url)
    typer.echo("the database has this version's schema")
