"""Starts and stops a lab: a shop watched by a real Prometheus and Alertmanager, with faults on demand."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BINARIES = ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "promtool")
_CHOOSING, _GIVEN = threading.Lock(), set[int]()
OFFSETS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 90, 93, 94)
EDGE = "gateway"
RENAMED = {
    "gateway": "frontdoor", "cart": "trolley", "catalog": "inventory", "checkout": "till", "payment": "ledger",
    "db": "vault", "psp": "acquirer", "service": "app",
}  # fmt: skip
FOREIGN = {
    "http_requests_total": "inbound_calls_requests_total", "http_request_duration_seconds": "inbound_duration_seconds",
    "http_client_request_duration_seconds": "outbound_duration_seconds", "target": "upstream", "code": "status",
    "app_build_info": "release_info", "db_pool_in_use": "jdbc_conns_active", "db_pool_max": "jdbc_conns_limit",
    "db_pool_pending": "jdbc_conns_waiting", "process_resident_memory_bytes": "proc_rss_memory_bytes",
    "queue_depth": "orders_backlog", "pg_stat_activity_count": "mysql_threads_connected",
    "pg_settings_max_connections": "mysql_max_connected_threads",
}  # fmt: skip


def script() -> Path | None:
    """Where lab.py is: by NIGHTJAR_LAB, else beside the repository; None when it, or a server, is not there."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "lab" / "lab.py"
    path = Path(os.environ.get("NIGHTJAR_LAB") or beside)
    return path if path.is_file() and all(shutil.which(name) for name in BINARIES) else None


def renamed(source: Path, folder: Path, words: Mapping[str, str]) -> Path:
    """A private copy of the lab whose services, labels or metrics have other names."""
    text = source.read_text(encoding="utf-8")
    for old, new in words.items():
        after = r"(?![A-Za-z0-9])(?!_(?!bucket|count|sum))" if "_" in old else r"(?![A-Za-z0-9_])"
        text = re.sub(rf"(?<![A-Za-z0-9_/.]){re.escape(old)}{after}", new, text)
    text = text.replace("Thread(upstream=", "Thread(target=")
    path = folder / "lab.py"
    path.write_text(text, encoding="utf-8")
    return path


def free_base() -> int:
    """A base port whose offsets are all free; never the same twice, as labs start side by side."""
    with _CHOOSING:
        for base in range(20_000 + (os.getpid() % 97) * 100, 60_000, 100):
            if base not in _GIVEN and all(_free(base + offset) for offset in OFFSETS):
                _GIVEN.add(base)
                return base
    raise OSError("no free base port")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class Lab:
    """One running lab; use as a context."""

    source: Path
    folder: Path
    faults: tuple[str, ...] = ()
    history: float = 0
    seed: int = 1

    def __enter__(self) -> "Lab":
        self.base = free_base()
        given = [part for fault in self.faults for part in ("--fault", fault)]
        given += ["--minutes-of-history", f"{self.history:g}", "--seed", str(self.seed)]
        self._run("up", "--base-port", str(self.base), *given)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("down")

    def _run(self, verb: str, *given: str) -> None:
        command = [sys.executable, str(self.source), verb, *given, "--dir", str(self.folder / "lab")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            raise RuntimeError(f"lab {verb}: {done.stdout[-500:]}{done.stderr[-1500:]}")

    @property
    def prometheus(self) -> str:
        """Prometheus' address."""
        return f"http://127.0.0.1:{self.base + 90}"

    @property
    def alertmanager(self) -> str:
        """Alertmanager's address."""
        return f"http://127.0.0.1:{self.base + 93}"

    def truth(self) -> list[dict[str, Any]]:
        """What is really wrong."""
        found: list[dict[str, Any]] = json.loads((self.folder / "lab" / "truth.json").read_text(encoding="utf-8"))
        return found

    def edge_rules_only(self, edge: str = EDGE, label: str = "service") -> None:
        """Leave alert rules on the edge service alone, so that the cause must be found in the metrics."""
        path = self.folder / "lab" / "rules.yml"
        config = json.loads(path.read_text(encoding="utf-8"))
        for group in config["groups"]:
            kept = [r for r in group["rules"] if r["expr"].count(f"by ({label}") and "pg_" not in r["expr"]]
            for rule in kept:
                left, _, limit = rule["expr"].rpartition(" > ")
                rule["expr"] = f'({left} and on ({label}) up{{{label}="{edge}"}}) > {limit}'
            group["rules"] = [r for r in kept if r["alert"] in ("HighErrorRate", "HighLatencyP95")]
        path.write_text(json.dumps(config), encoding="utf-8")
        urllib.request.urlopen(urllib.request.Request(f"{self.prometheus}/-/reload", method="POST"), timeout=5).close()

    def earliest_alert(self) -> str:
        """The naive rule: the service of the alert that fired first; empty when nothing fires."""
        with urllib.request.urlopen(f"{self.alertmanager}/api/v2/alerts", timeout=5) as reply:
            alerts = [a for a in json.load(reply) if a["labels"].get("severity") != "none"]
        alerts.sort(key=lambda a: a["startsAt"])
        labels = alerts[0]["labels"] if alerts else {}
        return str(labels.get("service") or labels.get("app") or "")

    def wait_until(self, moment: float) -> None:
        """Sleep until a moment (UTC seconds)."""
        time.sleep(max(0.0, moment - time.time()))
