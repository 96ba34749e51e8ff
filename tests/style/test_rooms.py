"""Rooms import only downwards, and each outside library has one door."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

BOT = Path(__file__).parents[2] / "bot"
FILES = sorted(BOT.rglob("*.py"))
GROUND = {"domain", "plugins", "telemetry"}
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "plugins": {"domain"},
    "telemetry": {"domain"},
    "settings": {"domain"},
    "analysis": {"domain"},
    "check": {"domain"},
    "llm": GROUND,
    "sources": GROUND | {"check"},
    "tools": GROUND | {"analysis", "check"},
    "store": GROUND,
    "engine": GROUND,
    "agent": GROUND | {"check"},
    "flows": GROUND | {"agent", "analysis", "check"},
    "slack": GROUND | {"flows", "check"},
    "evals": GROUND | {"flows", "agent", "analysis", "check"},
    "demo": GROUND | {"check"},
}
COMPOSES = {"wiring", "parts", "readiness", "vitals", "outward", "web", "cli", "__main__", "__init__"}
DOORS: dict[str, set[str]] = {
    "pydantic_settings": {"settings"},
    "prometheus_client": {"telemetry"},
    "numpy": {"analysis"},
    "matplotlib": {"analysis"},
    "PIL": {"analysis"},
    "re2": {"check"},
    "promql_parser": {"check", "demo"},
    "anthropic": {"llm"},
    "httpx": {"llm", "sources"},
    "httpx2": {"llm"},
    "sqlalchemy": {"store", "engine"},
    "alembic": {"store"},
    "dbos": {"engine"},
    "slack_bolt": {"slack", "demo"},
    "slack_sdk": {"slack", "demo"},
    "aiohttp": {"slack", "demo"},
    "starlette": {"web", "demo"},
    "uvicorn": {"web", "demo"},
    "typer": {"cli"},
    "rich": {"cli"},
}


def room(path: Path) -> str:
    """The first part of a module's path."""
    return path.relative_to(BOT).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    """Every imported name, lazy and TYPE_CHECKING imports included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaches(path: Path) -> list[str]:
    """What the module imports and may not."""
    here = room(path)
    if here in COMPOSES:
        return []
    bad = []
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "bot" and rest and rest[0] not in MAY_IMPORT[here] | {here, "__version__"}:
            bad.append(f"{here} -> {rest[0]}")
        if top in DOORS and here not in DOORS[top]:
            bad.append(f"{here} -> {top}")
        if top == "os" and rest == ["environ"]:
            bad.append(f"{here} reads the environment")
    return bad


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(BOT)))
def test_imports_go_down(path: Path) -> None:
    """A module imports from the rooms below its own, and from the libraries its room is the door of."""
    assert breaches(path) == []


def test_a_breach_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule itself can fail: a tool that imports the store, lazily, is caught."""
    monkeypatch.setattr("tests.style.test_rooms.BOT", tmp_path)
    (tmp_path / "tools").mkdir()
    bad = tmp_path / "tools" / "bad.py"
    bad.write_text("def f():\n    from bot.store import notes\n    import sqlalchemy\n")
    assert breaches(bad) == ["tools -> store", "tools -> sqlalchemy"]


def test_only_settings_reads_the_environment() -> None:
    """`os.environ` and `os.getenv` stand in one file; the command line may hand the environment to children."""
    readers = {
        str(path.relative_to(BOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and room(path) != "cli"
    }
    assert readers <= {"settings.py"}


def test_the_rule_has_no_cycle() -> None:
    """The rooms can be put in an order."""
    TopologicalSorter(MAY_IMPORT).prepare()


def module(path: Path) -> str:
    """A file's dotted name."""
    parts = path.relative_to(BOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_the_modules_have_no_cycle() -> None:
    """No two modules import each other, not even lazily."""
    files = {module(path): path for path in FILES}
    graph = {
        name: {
            known
            for imported in imports(path)
            for known in files
            if known != name and (imported == known or (imported.rpartition(".")[0] == known and imported not in files))
        }
        for name, path in files.items()
    }
    TopologicalSorter(graph).prepare()
