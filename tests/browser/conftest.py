"""One demo for the whole folder, started as its users start it; the browser is the page tests' own."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.demo.slack.test_page import chrome, page

__all__ = ["chrome", "page"]

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
COMMAND = ("-m", "bot", "demo", "--no-browser", "--port", "0", "--fault", "slow_dependency", "--seed", "3")


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The address of a running demo; it ends as by Ctrl-C."""
    with subprocess.Popen([sys.executable, *COMMAND], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = next((match for line in process.stdout if (match := ADDRESS.search(line))), None)
        assert found is not None, "the demo named no address"
        yield found.group()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
