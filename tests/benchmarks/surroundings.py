"""All that the bot talks to, in a process of its own, so that its CPU is not counted as the bot's.

Prints one JSON line with the addresses, then one for each request to the model: its bytes, its tools, when it came.
"""

import asyncio
import json
import signal
import sys
import time
from typing import Any

from bot.demo.shop import Shop
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors
from tests.fakes.messages_server import Call, MessagesServer, Request, Said, Text

ANSWER = (
    "payments fails [E2]\nSince 06:01 UTC; checkout suffers\nNext: look at its deploy\n\nDetails [E1] [E2]\n"
    'CAUSE {"service": "payments", "signal": "errors", "since": ""}'
)
QUERY = 'sum by (service) (rate(http_requests_total{code=~"5.."}[2m]))'


def tell(line: Any) -> None:
    """One line of JSON to whoever measures."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def script(request: Request) -> Said:
    """Two tools, one a turn, then the answer."""
    tell({"at": time.time(), "bytes": len(request.raw), "tools": len(request.body.get("tools", ()))})
    asked = request.turn - sum(1 for entry in request.body["messages"] if entry["role"] == "assistant" and _said(entry))
    if asked % 3 == 0:
        return Said(Call("query_metrics", {"query": QUERY}))
    if asked % 3 == 1:
        return Said(Call("recent_changes", {}))
    return Said(Text(ANSWER))


def _said(entry: dict[str, Any]) -> bool:
    return all(block["type"] == "text" for block in entry["content"])


async def main() -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox() as slack, Vendors(Shop(3, "bad_deploy")) as vendors, MessagesServer(script) as model:
        tell(
            {
                **slack.credentials(),
                "model_url": model.url,
                "prometheus_url": vendors.prometheus_url,
                "alertmanager_url": vendors.alertmanager_url,
            }
        )
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
