"""Databases for every test that asks for one: SQLite, and PostgreSQL where its server is installed."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbos import DBOS

from bot.store.migrate import migrate
from tests import postgres

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def _prepare(url: str) -> None:
    migrate(url)
    DBOS.migrate(url)


@pytest.fixture(autouse=True)
def _as_loud_as_ever() -> None:
    """A house that was opened in this process set up logging for all of it; each test hears warnings again."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """The run's PostgreSQL; skips, and says why, when there is none."""
    given = os.environ.get("NIGHTJAR_TEST_POSTGRES", "")
    if not given and postgres.binaries() is None:
        pytest.skip("PostgreSQL is NOT tested: install its server, or set NIGHTJAR_TEST_POSTGRES to a URL")
    here = tmp_path_factory.getbasetemp()
    state = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / "postgres.json"
    with postgres.shared(state, given, _prepare) as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """A PostgreSQL database with this version's schema."""
    with postgres_cluster.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file with this version's schema."""
    migrate(url := f"sqlite:///{tmp_path}/nightjar.sqlite")
    return url


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with this version's schema, on each kind of server."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine_url(database_url: str) -> str:
    """Where the engine of that database keeps its runs: the same PostgreSQL, or a SQLite file of its own."""
    return database_url.replace("nightjar.sqlite", "engine.sqlite")
