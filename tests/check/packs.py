"""The hostile inputs kept beside the repository; tests that need them are skipped with a word where they are absent."""

import json
from pathlib import Path
from typing import Any

import pytest

PACKS = Path(__file__).parents[3] / "shared" / "data" / "security"


def rows(name: str) -> list[dict[str, Any]]:
    """The records of one pack; the calling test is skipped when it is not there."""
    path = PACKS / name
    if not path.exists():
        pytest.skip(f"SKIPPED LOUDLY: the pack {name} is not beside this repository; nothing was checked against it")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
