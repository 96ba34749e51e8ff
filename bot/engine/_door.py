"""Where runs are accepted: over connections and threads of its own.

Those of the engine are all busy when many runs work and the database is slow, and Slack waits three seconds for an ack.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions

from bot.engine import _inside
from bot.engine._setup import NAME, client_engine

_AT_ONCE = 3


class Door:
    """Accepts runs on a PostgreSQL database that has the engine's tables."""

    def __init__(self, url: str, idle_seconds: float) -> None:
        self._engine = client_engine(url, _AT_ONCE, idle_seconds)
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
            lazy=True,
        )
        self._threads = ThreadPoolExecutor(_AT_ONCE, "door")

    async def enqueue(self, options: EnqueueOptions, *arguments: Any) -> None:
        """Store a run; raises what DBOS raises."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, lambda: self._client.enqueue(options, *arguments))

    def close(self) -> None:
        """End the connections; blocks."""
        _inside.wait_no_more(self._client)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.destroy()
        self._engine.dispose()
