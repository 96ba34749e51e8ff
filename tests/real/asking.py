"""Asks the same question as a person would, of real servers, through the tools and the playbook."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUESTION = "which service is unhealthy and since when?"


@dataclass(frozen=True)
class Said:
    """What came back."""

    answer: str
    cause: dict[str, str] | None
    seconds: float
    backed: str
    envs: frozenset[str]


def ask(prometheus: str, alertmanager: str, question: str = QUESTION) -> Said:
    """One `nightjar ask --json`. Raises RuntimeError with its last words when it fails."""
    return _run(question, ("--prometheus-url", prometheus, "--alertmanager-url", alertmanager), {})


def ask_of(servers: Mapping[str, tuple[str, str]], env: str, question: str) -> Said:
    """The same with several environments configured by a file: name → (Prometheus, Alertmanager)."""
    lines = [
        f'[sources.{kind}-{name}]\nkind = "{kind}"\nurl = "{url}"\nenv = "{name}"\n'
        for name, urls in servers.items()
        for kind, url in zip(("prometheus", "alertmanager"), urls, strict=True)
    ]
    with tempfile.TemporaryDirectory(prefix="nightjar-ask-") as folder:
        path = Path(folder) / "nightjar.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return _run(question, (), {"NIGHTJAR_CONFIG": str(path)})


def _run(question: str, given: Sequence[str], environment: Mapping[str, str]) -> Said:
    command = [sys.executable, "-m", "bot", "ask", question, *given, "--model", "playbook", "--json"]
    own = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=own)
    if done.returncode:
        raise RuntimeError(f"ask failed: {done.stderr[-1500:] or done.stdout[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    numbers = found["numbers"]
    envs = frozenset(e["env"] for e in found["evidence"] if e["env"])
    return Said(found["answer"], found["cause"], found["seconds"], f"{numbers['backed']}/{numbers['total']}", envs)
