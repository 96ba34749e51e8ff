"""Herds of workers, and a PostgreSQL that may crash."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.chaos.postgres_outage import Server, serving
from tests.engine.herd import Herd, herd


@pytest.fixture
async def workers(postgres_url: str, tmp_path: Path) -> AsyncIterator[Herd]:
    """A herd on PostgreSQL."""
    async with herd(postgres_url, tmp_path) as made:
        yield made


@pytest.fixture
def crashing() -> Iterator[Server]:
    """A PostgreSQL of the test's own, which keeps what it said it stored."""
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is NOT tested: its server is not installed")
    with serving() as server:
        yield server
