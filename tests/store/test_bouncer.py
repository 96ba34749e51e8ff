"""The store behind a PgBouncer, whose sessions are somebody else's from one transaction to the next."""

import asyncio

import pytest

from bot.store.database import open_store
from tests.chaos.bouncer import MODES, bounced, installed


@pytest.mark.postgres
@pytest.mark.skipif(not installed(), reason="PgBouncer is NOT tested: it is not installed")
@pytest.mark.parametrize("mode", MODES)
async def test_no_statement_is_kept_in_a_session(mode: str, postgres_url: str) -> None:
    """Two stores share a few sessions and say the same things more often than it takes to have them prepared."""
    with bounced(postgres_url, mode, pool=30 if mode == "session" else 3) as way:
        async with open_store(way) as one, open_store(way) as other:
            stores = [one] * 4 + [other] * 4
            for number in range(30):
                keys = [f"{number}-{n}" for n in range(len(stores))]
                await asyncio.gather(*(s.notes.put(key, "v") for s, key in zip(stores, keys, strict=True)))
                read = await asyncio.gather(*(s.notes.get(key) for s, key in zip(stores, keys, strict=True)))
                assert read == ["v"] * len(stores)
