"""The engine's tables are made in a session of one's own; a pooler that has none to give is told from others."""

import pytest

from bot.domain.errors import SetupError
from bot.engine import tables
from bot.engine.dbos import DbosEngine
from tests import postgres
from tests.chaos.bouncer import bounced, installed
from tests.engine.test_dbos import FLOWS, Ground

pytestmark = pytest.mark.postgres
POOLED = pytest.mark.skipif(not installed(), reason="PgBouncer is NOT tested: it is not installed")


@pytest.fixture
def bare(postgres_url: str) -> str:
    """A database in which no engine ever worked."""
    postgres._run(postgres_url, "DROP SCHEMA {} CASCADE", "dbos")
    return postgres_url


def test_they_are_made_once(bare: str) -> None:
    """On PostgreSQL itself nothing is in the way, whether they are there or not."""
    assert tables.trouble(bare) == ""
    tables.migrate(bare)
    tables.migrate(bare)
    assert tables.trouble(bare) == ""


@POOLED
def test_a_pooler_that_keeps_sessions_is_no_trouble(bare: str) -> None:
    """PgBouncer in session mode."""
    with bounced(bare, "session") as way:
        assert tables.trouble(way) == ""
        tables.migrate(way)


@POOLED
async def test_a_pooler_that_lends_sessions_makes_no_tables(bare: str) -> None:
    """PgBouncer in transaction mode is refused with the way out; once the tables are there, work goes through it."""
    with bounced(bare, "transaction") as way:
        with pytest.raises(SetupError, match="leading to PostgreSQL itself"):
            tables.migrate(way)
        tables.migrate(bare)
        assert tables.trouble(way) == ""
        engine, ground = DbosEngine(way, FLOWS), Ground()
        ground.go.set()
        async with engine.serving(ground):
            assert await engine.start("wait", "k", "lane", None)
            await engine.drained()
    assert ground.done == ["first", [1, 2]]


def test_nobody_there(bare: str) -> None:
    """It is said where it was looked for."""
    with pytest.raises(SetupError, match="cannot be reached"):
        tables.trouble("postgresql://nightjar@127.0.0.1:9/nowhere")
