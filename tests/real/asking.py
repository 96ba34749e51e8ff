"""Asks the same question as a person would, of real servers, through the tools and the playbook."""

import json
import subprocess
import sys
from dataclasses import dataclass
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
    command = [sys.executable, "-m", "bot", "ask", question, "--prometheus-url", prometheus]
    command += ["--alertmanager-url", alertmanager, "--model", "playbook", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    if done.returncode:
        raise RuntimeError(f"ask failed: {done.stderr[-1500:] or done.stdout[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    numbers = found["numbers"]
    envs = frozenset(e["env"] for e in found["evidence"] if e["env"])
    return Said(found["answer"], found["cause"], found["seconds"], f"{numbers['backed']}/{numbers['total']}", envs)
