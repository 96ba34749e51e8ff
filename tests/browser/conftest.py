"""One demo for the whole folder, started as its users start it; the browser is the page tests' own."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.demo.slack.test_page import chrome, page
from tests.fakes.messages_server import Call, MessagesServer, Request, Said, Text

__all__ = ["chrome", "page"]

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
COMMAND = ("-m", "bot", "demo", "--no-browser", "--port", "0", "--fault", "slow_dependency", "--seed", "3")


ANSWER = (
    "payments is slow: its calls to card-network take seconds [E2]\nSince the last half hour; checkout waits for it\n"
    "Next: check the status of card-network\n\nThe chart shows it [E2].\n\n"
    'CAUSE {"service": "payments", "signal": "latency", "since": ""}'
)


def script(request: Request) -> Said:
    """A model that takes its time: two tools side by side, then words, a few at a time."""
    if not request.results:
        calls = (
            Call("query_metrics", {"query": "sum by (service) (rate(http_requests_total[2m]))"}),
            Call("alert_rules"),
        )
        return Said(Text("Looking at traffic and rules.\n"), *calls, first_byte=1.5)
    return Said(Text(ANSWER), piece=12, pace=0.15)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The address of a running demo that the playbook answers."""
    with running(dict(os.environ)) as address:
        yield address


@pytest.fixture
async def with_claude() -> AsyncIterator[str]:
    """The address of a demo that the real client answers, from a local server that speaks the Messages API."""
    async with MessagesServer(script) as server:
        key = "k-" + secrets.token_hex(8)
        given = {**os.environ, "ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": server.url}
        stack = ExitStack()
        try:
            yield await asyncio.to_thread(stack.enter_context, running(given))
        finally:
            await asyncio.to_thread(stack.close)


@contextmanager
def running(environment: dict[str, str]) -> Iterator[str]:
    """A demo as its users start it; it ends as by Ctrl-C."""
    with subprocess.Popen([sys.executable, *COMMAND], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = next((match for line in process.stdout if (match := ADDRESS.search(line))), None)
        assert found is not None, "the demo named no address"
        yield found.group()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
