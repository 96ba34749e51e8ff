"""Real Prometheus and Alertmanager servers, with two hours of history, on free loopback ports."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BINARIES = ("prometheus", "prometheus-alertmanager", "promtool")
MISSING = ", ".join(name for name in BINARIES if shutil.which(name) is None)
STEP = 15
HISTORY = 7_200
DEPLOYED_AGO = 1_200
WAIT = 30.0


@dataclass(frozen=True)
class Live:
    """Where they are; `deployed` is when payment's version changed (UTC seconds)."""

    prometheus: str
    alertmanager: str
    deployed: float


def free_port() -> int:
    """A port that nobody holds just now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def history(now: float) -> str:
    """Two services at rest; payment changes its version, fails and restarts twenty minutes before the end."""
    lines = []
    deployed = now - DEPLOYED_AGO
    for at in range(int(now) - HISTORY, int(now), STEP):
        for service, fails in (("payment", at >= deployed), ("cart", False)):
            labels = f'service="{service}",instance="{service}-1",job="shop"'
            version = "v2.4.0" if fails else "v2.3.1"
            started = deployed if fails else now - 86_400
            passed = at - (now - HISTORY)
            bad = max(0.0, at - deployed) * 4 if fails else 0.0
            lines += [
                f'app_build_info{{{labels},version="{version}"}} 1 {at}',
                f"process_start_time_seconds{{{labels}}} {started:.0f} {at}",
                f"process_resident_memory_bytes{{{labels}}} {3e8 + 1e6 * (at % 7)} {at}",
                f'http_requests_total{{{labels},code="200"}} {10 * passed} {at}',
                f'http_requests_total{{{labels},code="500"}} {bad} {at}',
            ]
    return "\n".join([*sorted(lines), "# EOF", ""])


def write(folder: Path, alertmanager: int) -> None:
    """Configurations (JSON is YAML), rules and the history's blocks."""
    rule = {"expr": "vector(1)", "labels": {"severity": "critical", "service": "payment"}}
    rules = [
        {**rule, "alert": "Burning", "annotations": {"summary": "it burns"}},
        {**rule, "alert": "Smouldering", "for": "1h"},
        {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
    ]
    scraped = {"job_name": "self", "static_configs": [{"targets": ["127.0.0.1:1"], "labels": {"service": "gone"}}]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [scraped],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "shop", "rules": rules}]}))
    (folder / "alertmanager.yml").write_text(json.dumps({"receivers": [{"name": "x"}], "route": {"receiver": "x"}}))
    (folder / "history.om").write_text(history(time.time()))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", f"{folder}/history.om", f"{folder}/data"]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def process(command: Sequence[str], folder: Path, ready: str) -> Iterator[None]:
    """A server until the end of the block; it is ended by its own id."""
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait(ready, child)
            yield
        finally:
            child.terminate()
            child.wait(10)


def wait(url: str, child: "subprocess.Popen[bytes] | None" = None) -> None:
    """Until an address answers anything at all, a refusal included."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0])), 1):
                return
        except OSError:
            assert child is None or child.poll() is None, "the server ended"
            time.sleep(0.05)
    raise TimeoutError(url)


def read(url: str) -> object:
    """An address's JSON."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


@contextmanager
def prometheus(folder: Path, *flags: str, port: int = 0) -> Iterator[str]:
    """A real Prometheus over a folder that `write` filled."""
    port = port or free_port()
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=1s",
        *flags,
    ]
    with process(command, folder, f"http://127.0.0.1:{port}"):
        until = time.monotonic() + WAIT
        while "ready to receive web requests" not in (folder / "prometheus.log").read_text():
            assert time.monotonic() < until, "prometheus does not become ready"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def both(folder: Path) -> Iterator[Live]:
    """Both servers, once an alert has gone from the one to the other and a scrape has failed."""
    port = free_port()
    write(folder, port)
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    manager = f"http://127.0.0.1:{port}"
    with process(command, folder, manager), prometheus(folder) as server:
        until = time.monotonic() + WAIT
        while time.monotonic() < until and not (read(f"{manager}/api/v2/alerts") and _scraped(server)):
            time.sleep(0.2)
        yield Live(server, manager, time.time() - DEPLOYED_AGO)


def _scraped(server: str) -> bool:
    answer = read(f"{server}/api/v1/query?query=up")
    return bool(isinstance(answer, dict) and answer["data"]["result"])
