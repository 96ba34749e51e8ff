"""All that the bot talks to, in a process of its own, so that its CPU is not counted as the bot's.

Prints one JSON line with the addresses, then one for each request to the model: its bytes, its tools, when it came.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bot.demo.shop import Shop
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors
from tests.benchmarks.small import RULES, Small
from tests.fakes.messages_server import Call, MessagesServer, Request, Said, Text

ANSWER = (
    "payments fails [E2]\nSince 06:01 UTC; checkout suffers\nNext: look at its deploy\n\nDetails [E1] [E2]\n"
    'CAUSE {"service": "payments", "signal": "errors", "since": ""}'
)
QUERY = 'sum by (service) (rate(http_requests_total{code=~"5.."}[5m]))'


def tell(line: Any) -> None:
    """One line of JSON to whoever measures."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def script(request: Request, first_byte: float = 0.0) -> Said:
    """Two tools, one a turn, then the answer; each after so many seconds."""
    tell({"at": time.time(), "bytes": len(request.raw), "tools": len(request.body.get("tools", ()))})
    asked = request.turn - sum(1 for entry in request.body["messages"] if entry["role"] == "assistant" and _said(entry))
    if asked % 3 == 0:
        return Said(Call("query_metrics", {"query": QUERY}), first_byte=first_byte)
    if asked % 3 == 1:
        return Said(Call("recent_changes", {}), first_byte=first_byte)
    return Said(Text(ANSWER), first_byte=first_byte)


def _said(entry: dict[str, Any]) -> bool:
    return all(block["type"] == "text" for block in entry["content"])


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """The address of a server that takes every request and answers none."""
    server = await asyncio.start_server(_hold, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass
    writer.close()


async def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--first-byte", type=float, default=0.0, help="seconds until the model says anything")
    given = parser.parse_args()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        Sandbox(channels=("inc-checkout", "general", *(f"inc-{number}" for number in range(given.channels)))) as slack,
        Vendors(Small(), rules=RULES) as small,
        Vendors(Shop(3, "bad_deploy")) as shop,
        MessagesServer(partial(script, first_byte=given.first_byte)) as model,
        hanging() as hung,
    ):
        await shop.warmed()
        worlds = {
            name: {"prometheus_url": world.prometheus_url, "alertmanager_url": world.alertmanager_url}
            for name, world in (("small", small), ("shop", shop))
        }
        tell({**slack.credentials(), "model_url": model.url, "hanging_url": hung, "worlds": worlds})
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
