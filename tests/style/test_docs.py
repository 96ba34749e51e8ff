"""What people read says what is there: commands, settings, links, examples; and nothing that is nobody's business."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from bot import parts, plugins, settings, sources
from bot.cli.app import app
from bot.domain.plugin import Source
from bot.domain.window import last
from bot.settings import ChannelSettings, LimitSettings, Settings
from bot.sources.files import FilesSettings
from bot.sources.loki import LokiSettings
from tests.style import settings_page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
GROUP: Any = typer.main.get_command(app)
VERBS: dict[str, set[str]] = {
    name: {flag for parameter in verb.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    for name, verb in GROUP.commands.items()
}
OWN = {flag for parameter in GROUP.params for flag in parameter.opts} | {"--help", "-h"}


def code(page: Path) -> list[str]:
    """The page's code: inline spans, and the lines of its blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [" ".join(span.split()) for span in spans] + [line for block in blocks for line in block.splitlines()]


def targets() -> set[str]:
    """What can be made."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@PAGE
def test_every_make_target_exists(page: Path) -> None:
    """A command that a page names can be typed."""
    named = {word for line in code(page) for word in re.findall(r"\bmake ([a-z]+)", line)}
    assert named <= targets()


def test_every_target_is_phony_and_explained() -> None:
    """A file of that name must not stop it, and `make` alone lists it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert set(phony.split()) == targets()
    assert {name for name in targets() if not re.search(rf"^{name}:.*## ", text, re.MULTILINE)} == set()


@PAGE
def test_every_verb_and_its_options_exist(page: Path) -> None:
    """`nightjar demo --once` in a page is a verb that has that option."""
    for line in code(page):
        for said in re.findall(r"(?:^|[\s/])nightjar ([^|;#]+)", line):
            verb, *words = said.split()
            flags = {word.partition("=")[0] for word in words if word.startswith("--")}
            if verb.startswith("-"):
                assert verb in OWN, line
            elif re.fullmatch(r"[a-z]+", verb):
                assert verb in VERBS, line
                assert flags <= VERBS[verb] | OWN, line


@PAGE
def test_every_option_named_alone_exists(page: Path) -> None:
    """Some verb has it."""
    known = set().union(OWN, *VERBS.values())
    alone = {span.split()[0] for span in code(page) if span.startswith("--")}
    assert alone <= known


@PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    """Links and pictures inside the repository, and paths in backticks."""
    text = page.read_text(encoding="utf-8")
    linked = {page.parent / path for path in re.findall(r"\]\(([^)#:]+)\)", text)}
    named = {ROOT / span for span in code(page) if re.fullmatch(r"(bot|docs|tests|migrations)/[\w./]+", span)}
    assert {str(path) for path in linked | named if not path.exists()} == set()


@PAGE
def test_every_variable_exists(page: Path) -> None:
    """A name in capitals that looks like a variable is a setting, or is given as an example in a file."""
    spans = {span for span in code(page) if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", span)}
    assert spans - {name.upper() for name in Settings.model_fields} <= {"NIGHTJAR_CONFIG"}


def test_the_settings_page_is_generated() -> None:
    """docs/settings.md is what the code says: `python -m tests.style.settings_page > docs/settings.md`."""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page.page()


@pytest.mark.parametrize("model", [Settings, LimitSettings, ChannelSettings, LokiSettings, FilesSettings])
def test_every_setting_is_explained(model: type[BaseModel]) -> None:
    """In a few words, beside its definition."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_changelog_has_what_comes_next() -> None:
    """Changes are noted as they are made."""
    assert "## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def examples(name: str, language: str) -> list[str]:
    """The code blocks of a page."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


async def test_the_page_on_adding_a_source_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code, put into a file as it stands, is found, configured as its settings say, opened, and answers."""
    (python,), (toml,) = examples("adding-a-source.md", "python"), examples("adding-a-source.md", "toml")
    (tmp_path / "page_deploy_log.py").write_text(python, encoding="utf-8")
    (tmp_path / "nightjar.toml").write_text(toml, encoding="utf-8")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    assert "deploy_log" in plugins.discover(sources, "SOURCE", Source)
    (instance,) = parts.open_sources(settings.read()).instances
    assert (instance.name, instance.kind, instance.env) == ("rollouts", "deploy_log", "prod")
    assert (await instance.health()).ok
    assert instance.changes is not None
    assert await instance.changes.changes(last(timedelta(hours=1), datetime.now(UTC))) == ()


def test_the_example_configuration_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first hour's `nightjar.toml` opens its sources as it stands."""
    (toml,) = examples("first-hour.md", "toml")
    token = tmp_path / "token"
    token.write_text("x" * 20)
    (tmp_path / "nightjar.toml").write_text(toml.replace("/run/secrets/prom-staging", str(token)), encoding="utf-8")
    monkeypatch.setenv("PROM_EU_PASSWORD", "x" * 20)
    monkeypatch.chdir(tmp_path)
    given = settings.read()
    assert [(i.name, i.shown) for i in parts.open_sources(given).instances] == [
        ("prom-eu", "prod · eu-1"),
        ("prom-staging", "staging"),
        ("loki-eu", "prod · eu-1"),
        ("logs-on-disk", "prod"),
    ]
    assert given.channels["inc-checkout"].services == ("checkout", "payment")


TOKENS = re.compile(
    r"xox[a-z]-\d{8,}-|xapp-\d-[A-Z0-9]{8,}-|sk-ant-[\w-]{24,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40,}"
)


def tracked() -> list[Path]:
    """Every text file under version control; skips, and says why, where there is none."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("what is under version control is NOT looked through: this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in {".png", ".ico"}]


def test_nothing_private_is_tracked() -> None:
    """No folder of the machine it was written on, no address of a package registry, nothing like a real token."""
    here = re.compile(rf"(?<![\w.])({re.escape(str(ROOT))}|{re.escape(str(Path.home()))})/")
    registry = re.compile(r"--(extra-)?index-url|--find-links|simple/?$", re.MULTILINE)
    found = []
    for path in tracked():
        text = path.read_text(encoding="utf-8")
        wrong = here.search(text) or TOKENS.search(text)
        if wrong or (path.suffix == ".lock" and (registry.search(text) or "://" in text)):
            found.append(str(path.relative_to(ROOT)))
    assert found == []
