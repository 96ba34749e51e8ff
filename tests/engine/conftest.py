"""Herds of workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.herd import Herd, herd


@pytest.fixture
async def workers(postgres_url: str, tmp_path: Path) -> AsyncIterator[Herd]:
    """A herd on PostgreSQL."""
    async with herd(postgres_url, tmp_path) as made:
        yield made
