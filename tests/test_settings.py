"""Settings: variables win over the file, errors name what is wrong, secrets are known to the redactor."""

import secrets
import sqlite3
import sys
from pathlib import Path

import pytest

from bot import settings
from bot.domain.errors import SetupError


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file of the machine counts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NIGHTJAR_CONFIG", raising=False)


def test_variables_win_over_the_env_file_and_that_over_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that people expect."""
    Path("nightjar.toml").write_text('prometheus_url = "http://toml"\nalertmanager_url = "http://toml"\nport = 1\n')
    Path(".env").write_text("PROMETHEUS_URL=http://dotenv\nALERTMANAGER_URL=http://dotenv\n")
    monkeypatch.setenv("PROMETHEUS_URL", "http://variable")
    read = settings.read()
    assert (read.prometheus_url, read.alertmanager_url, read.port) == ("http://variable", "http://dotenv", 1)


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """`a, b` in a variable is a list of two."""
    monkeypatch.setenv("CHANNEL_PATTERNS", "inc-*, sev-*")
    assert settings.read().channel_patterns == ("inc-*", "sev-*")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not toml", "is not valid TOML"),
        ("colour = 1", "no setting is called colour"),
        ("port = 99999999", "port: "),
        ('[channels.x]\nenvz = ["a"]', "channels.x.envz"),
        ('[sources.p]\npassword = "env:NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_what_does_not_fit_is_named(text: str, why: str) -> None:
    """One clear error that says what and where."""
    Path("nightjar.toml").write_text(text)
    with pytest.raises(SetupError, match=why):
        settings.read()


def test_a_missing_config_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was asked for must be there."""
    monkeypatch.setenv("NIGHTJAR_CONFIG", "nowhere.toml")
    with pytest.raises(SetupError, match=r"nowhere\.toml"):
        settings.read()


def test_every_secret_is_known_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, passwords, headers and passwords inside addresses; a repr holds none of them."""
    made = [secrets.token_hex(8) for _ in range(5)]
    monkeypatch.setenv("SLACK_BOT_TOKEN", made[0])
    monkeypatch.setenv("PROM_PASSWORD", made[1])
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:{made[2]}@db/nightjar")
    Path("nightjar.toml").write_text(
        '[sources.p]\npassword = "env:PROM_PASSWORD"\nurl = "http://u:' + made[3] + '@p"\nuser = "u"\n'
        f'headers = {{"X-Key" = "{made[4]}"}}\n'
    )
    read = settings.read()
    assert set(made) <= set(read.secrets)
    assert not any(secret in repr(read) for secret in made)


def test_the_one_platform_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12 with an old SQLite gets both remedies."""
    monkeypatch.setattr(sys, "version_info", type("V", (tuple,), {"major": 3, "minor": 12})((3, 12)))
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(SetupError, match=r"3\.11.*PostgreSQL"):
        settings.check_platform()


@pytest.mark.parametrize(
    ("text", "days"), [("", 0), ("keep_days = 7", 0), ("keep = true", 30), ("keep = true\nkeep_days = 7", 7)]
)
def test_a_channel_is_kept_only_when_it_says_so(text: str, days: int) -> None:
    """Keeping is opt-in, for 30 days unless it says for how many."""
    Path("nightjar.toml").write_text(f"[channels.inc-eu]\n{text}\n")
    assert settings.read().channels["inc-eu"].days_kept == days
