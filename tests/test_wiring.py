"""What is built from settings, and what refuses to be."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import parts, settings, wiring
from bot.cli.terminal import Terminal
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors
from bot.domain.errors import SetupError
from bot.domain.sources import Health, Instance, Sources
from bot.slack.clock import SlackClock
from tests import postgres
from tests.scenarios.world import RULES, Corner


def read(folder: Path, **more: Any) -> settings.Settings:
    """Settings for a house in a folder; nobody listens to Slack."""
    given: dict[str, Any] = {
        "slack_bot_token": "xoxb-nobody",
        "slack_api_url": "http://127.0.0.1:9/api/",
        "database_url": f"sqlite:///{folder}/nightjar.sqlite",
        "log_level": "ERROR",
        "log_format": "text",
    }
    return settings.read(**given, **more)


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine counts."""
    monkeypatch.chdir(tmp_path)
    for name in ("ANTHROPIC_API_KEY", "PROMETHEUS_URL", "ALERTMANAGER_URL", "NIGHTJAR_MODELS", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "route"),
    [
        ({}, ("playbook",)),
        ({"anthropic_api_key": "x" * 20}, ("claude:claude-opus-5-5", "playbook")),
        ({"models": {"claude": {"stall_seconds": 9}}}, ("claude:claude-opus-5-5", "playbook")),
        ({"nightjar_models": "playbook,claude:claude-haiku"}, ("claude:claude-haiku", "playbook")),
        ({"anthropic_api_key": "x" * 20, "nightjar_models": "playbook"}, ("playbook",)),
    ],
)
def test_the_playbook_always_stands_in(given: dict[str, Any], route: tuple[str, ...]) -> None:
    """With a key Claude comes first; whatever is named, what needs no model is last."""
    assert parts.Registry(settings.read(**given)).names == route


@pytest.mark.parametrize("name", ["gremlin", "gremlin:big"])
def test_an_unknown_family_is_named_with_those_there_are(name: str) -> None:
    """Before anybody asks a question."""
    registry = parts.Registry(settings.read(nightjar_models=name))
    with pytest.raises(SetupError, match=r"no model family is called 'gremlin'; there are: .*playbook"):
        [registry.get(name) for name in registry.names]


def test_two_models_to_compare() -> None:
    """By family where no name is given; opened at the start like those of the route; none means the route decides."""
    registry = parts.Registry(settings.read(compare="claude, playbook"))
    assert registry.compared == ("claude:claude-opus-5-5", "playbook")
    assert set(registry.compared) <= set(registry.everywhere)
    assert parts.Registry(settings.read()).compared == ()


@pytest.mark.parametrize("named", ["playbook", "playbook,playbook", "playbook,claude,recorded:x"])
def test_a_comparison_takes_two(named: str) -> None:
    """One alone, one twice, or three do not start."""
    with pytest.raises(SetupError, match="takes two different models"):
        assert parts.Registry(settings.read(compare=named)).compared


def test_a_family_is_opened_with_its_own_settings() -> None:
    """What it does not know is named with its place; a model is opened once."""
    wrong = parts.Registry(settings.read(models={"claude": {"colour": "blue"}}))
    with pytest.raises(SetupError, match=r"models\.claude\.colour"):
        wrong.get("claude:x")
    registry = parts.Registry(settings.read())
    assert registry.get("playbook") is registry.get("playbook")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (
            {"kind": "promethius", "url": "http://x"},
            "sources.eu: no kind is called 'promethius'; there are: .*prometheus",
        ),
        ({"kind": "prometheus"}, r"sources\.eu\.url: Field required"),
        ({"kind": "prometheus", "url": "x"}, r"sources\.eu\.url: .*http"),
        ({"url": "http://x"}, "no kind is called 'eu'"),
    ],
)
def test_a_source_that_does_not_fit_is_named(table: dict[str, str], why: str) -> None:
    """The instance, the key, and what was expected."""
    with pytest.raises(SetupError, match=why):
        parts.open_sources(settings.read(sources={"eu": table}))


def test_one_address_is_the_short_form_of_an_instance() -> None:
    """It gets the environment of NIGHTJAR_ENV, and a table of the same name wins."""
    given = {"prometheus_url": "http://127.0.0.1:1", "nightjar_env": "shop"}
    (short,) = parts.open_sources(settings.read(**given)).instances
    assert (short.name, short.kind, short.shown) == ("prometheus", "prometheus", "shop")
    table = {"url": "http://127.0.0.1:2", "env": "eu", "cluster": "1"}
    (table_wins,) = parts.open_sources(settings.read(**given, sources={"prometheus": table})).instances
    assert (table_wins.url, table_wins.shown) == ("http://127.0.0.1:2", "eu · 1")


def test_limits_and_channels_become_the_policy() -> None:
    """What a flow may use comes from the settings, one to one."""
    given = settings.read(
        limits={"turns": 3, "usd_per_day": 2}, channels={"inc-eu": {"envs": ["eu"]}}, channel_join=False
    )
    made = parts.policy(given, ("playbook",))
    assert (made.budget.turns, made.usd_per_day, made.join) == (3, 2.0, False)
    assert made.scopes["inc-eu"].envs == ("eu",)


@pytest.mark.parametrize(
    ("database", "own", "engine"),
    [
        ("sqlite:///a/nightjar.sqlite", "", "sqlite:///a/nightjar-engine.sqlite"),
        ("sqlite:///a/nightjar.db", "", "sqlite:///a/nightjar-engine.sqlite"),
        ("postgresql://h/n", "", "postgresql://h/n"),
        ("sqlite:///a.sqlite", "sqlite:///b.sqlite", "sqlite:///b.sqlite"),
    ],
)
def test_the_engine_lies_beside_the_store(database: str, own: str, engine: str) -> None:
    """The same PostgreSQL, or a SQLite file of its own."""
    assert wiring.engine_url(settings.read(database_url=database, engine_url=own)) == engine


@pytest.fixture
async def vendors() -> AsyncIterator[Vendors]:
    """A Prometheus and an Alertmanager over a small shop."""
    async with Vendors(Corner(), rules=RULES) as running:
        yield running


async def test_readiness_names_each_part_that_is_not_well(vendors: Vendors, tmp_path: Path) -> None:
    """A dead source and a database without its schema, beside one that is well."""
    dead = {"kind": "prometheus", "url": "http://127.0.0.1:9", "timeout": 2}
    given = read(tmp_path, prometheus_url=vendors.prometheus_url, sources={"prom-eu": dead})
    async with wiring.open_house(given, listen=False) as house:
        report = await house.ready()
        assert {name for name, trouble in report.parts.items() if trouble} == {"prom-eu", "slack api"}
        assert "127.0.0.1:9" in report.impaired["prom-eu"].why
        for name, url in {"none": f"sqlite:///{tmp_path}/other.sqlite", "opened": "postgresql://127.0.0.1:1/x"}.items():
            elsewhere = replace(house, settings=given.model_copy(update={"database_url": url}))
            assert name in (await elsewhere.ready()).wrong["database"].why


async def test_a_house_that_listens_to_nobody(tmp_path: Path) -> None:
    """The terminal's house has no Slack side, and says so; what was opened is closed at the end."""
    here, closed = Terminal(), []

    async def health() -> Health:
        return Health(True)

    async def close() -> None:
        closed.append("source")

    async with wiring.open_in_memory(read(tmp_path), here, here) as house:
        with pytest.raises(SetupError, match="does not listen"):
            house.slack_app()
        deps = replace(house.deps, sources=Sources((Instance("x", "x", "", health, close=close),)))
    async with wiring._closing(deps):
        assert closed == []
    assert closed == ["source"]


@pytest.mark.postgres
async def test_an_empty_postgresql_is_not_migrated_unasked(postgres_cluster: postgres.Cluster) -> None:
    """Other processes may be using it: the release step migrates, and the error says how."""
    given = settings.read(database_url=postgres_cluster.url, log_level="ERROR")
    with pytest.raises(SetupError, match=r"schema none, this version needs .*: run `nightjar migrate`"):
        async with asyncio.timeout(20), wiring.open_house(given):
            pass


async def test_slacks_time_is_known_before_anything_is_worked_on(tmp_path: Path) -> None:
    """A run that goes on in a process of a wrong clock would be judged by it, and cut short; also where nobody hears
    Slack."""
    async with Sandbox() as slack:
        told = {"slack_bot_token": slack.bot_token, "slack_api_url": slack.api_url}
        house = settings.read(**{**read(tmp_path).model_dump(include={"database_url", "log_level"}), **told})
        async with wiring.open_house(house) as opened:
            assert isinstance(opened.deps.clock, SlackClock)
            assert opened.deps.clock.ahead == pytest.approx(0, abs=2)


async def test_a_slack_that_is_away_holds_up_no_start(tmp_path: Path) -> None:
    """What was accepted is worked on all the same."""
    began = time.monotonic()
    async with wiring.open_house(read(tmp_path)) as opened:
        assert time.monotonic() - began < 8
        assert isinstance(opened.deps.clock, SlackClock)
        assert opened.deps.clock.ahead is None
