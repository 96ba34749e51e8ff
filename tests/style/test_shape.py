"""Nothing grows out of hand."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOT = ROOT / "bot"
FILES = sorted(BOT.rglob("*.py"))
DECISIONS = ROOT / "docs" / "decisions.md"


def name(path: Path) -> str:
    """The path as the tests and the decisions write it."""
    return str(path.relative_to(BOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_small(path: Path) -> None:
    """A module has one noun, about 300 lines at most unless docs/decisions.md gives the reason, and short functions."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    excused = f"`bot/{name(path)}`" in DECISIONS.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300 or excused
    assert [f.name for f in functions if (f.end_lineno or 0) - f.lineno > 50] == []
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_empty_names(path: Path) -> None:
    """A module is named for what it holds."""
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}


def test_broad_excepts_stand_only_where_work_ends() -> None:
    """`except Exception` is allowed in the worker and at the surface, each with its reason beside it."""
    broad = [
        f"{name(path)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"except (Base)?Exception\b", line) and "  # " not in line
    ]
    assert broad == []
