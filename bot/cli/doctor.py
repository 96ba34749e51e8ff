"""`nightjar doctor`: every part of the set-up, looked at, with the remedy for what is not well."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import httpx
import typer
from rich.console import Console

from bot import parts, settings, wiring
from bot.agent.route import FALLBACK
from bot.domain.checks import Check
from bot.domain.errors import SetupError
from bot.domain.messages import Ask, Message
from bot.domain.outcomes import Fault
from bot.domain.sources import Health, Instance
from bot.engine import tables
from bot.engine.glance import glance
from bot.readiness import little_room
from bot.slack.client import open_client
from bot.slack.health import check_app_token, check_bot_token
from bot.slack.manifest import SCOPES
from bot.slack.settings import SlackSettings
from bot.store.migrate import fault, head, revision

OLD_SECONDS = 120.0


def run(as_json: bool) -> None:
    """Print each check; exit code 1 when one failed."""
    checks = asyncio.run(examine(settings.read()))
    show(checks, as_json)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


async def examine(config: settings.Settings) -> list[Check]:
    """Everything, side by side where it waits for others."""
    groups = await asyncio.gather(_slack(config), _sources(config), _models(config), _running(config))
    kept = (_database(config), _disk(config), await asyncio.to_thread(_engine, config))
    return [check for group in (_platform(), *groups, *kept) for check in group]


def show(checks: Sequence[Check], as_json: bool = False) -> None:
    """One line a check, its remedy below."""
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False)
    for check in checks:
        sign = "[green]✓[/]" if check.ok else "[bold red]✗[/]"
        console.print(f"{sign} {check.part:<18} ", end="")
        console.print(check.detail, markup=False)
        if not check.ok and check.remedy:
            console.print(f"  → {check.remedy}", markup=False, style="yellow")


def _platform() -> list[Check]:
    try:
        settings.check_platform()
    except SetupError as error:
        return [Check("platform", False, "Python and SQLite do not go together", str(error))]
    return []


async def _slack(config: settings.Settings) -> list[Check]:
    token, app = config.slack_bot_token.get_secret_value(), config.slack_app_token.get_secret_value()
    if not token:
        return [Check("slack bot token", False, "not set", "run `nightjar init`, or set SLACK_BOT_TOKEN")]
    client = open_client(SlackSettings(token, app, base_url=config.slack_api_url))
    try:
        checks = list(await check_bot_token(client, [scope.name for scope in SCOPES if scope.minimal]))
    finally:
        await client.close()
    if config.slack_transport == "socket":
        checks.append(await check_app_token(app, config.slack_api_url))
    elif not config.slack_signing_secret.get_secret_value():
        checks.append(Check("signing secret", False, "not set", "set SLACK_SIGNING_SECRET (Basic Information)"))
    return checks


async def _sources(config: settings.Settings) -> list[Check]:
    try:
        instances = parts.open_sources(config).instances
    except SetupError as error:
        return [Check("sources", False, "the settings do not fit", str(error))]
    if not instances:
        return [Check("sources", False, "none configured", "set PROMETHEUS_URL and ALERTMANAGER_URL")]
    healths = await asyncio.gather(*(health_of(instance) for instance in instances))
    return [
        Check(instance.name, health.ok, health.detail, f"check its url and password ([sources.{instance.name}])")
        for instance, health in zip(instances, healths, strict=True)
    ]


async def health_of(instance: Instance) -> Health:
    """Ask once, then let go of the connection."""
    try:
        return await instance.health()
    finally:
        if instance.close is not None:
            await instance.close()


async def _models(config: settings.Settings) -> list[Check]:
    registry = parts.Registry(config)
    named = [name for name in registry.names if name != FALLBACK]
    if not named:
        return [
            Check("model", True, "none: the playbook answers, from facts alone (ANTHROPIC_API_KEY turns Claude on)")
        ]
    checks = []
    for name in named:
        ask = Ask("Answer with one word.", (Message("user", "Say: ready"),), "low", 1_024, 20.0)
        model = registry.get(name)
        outcome = await model.turn(ask, (), lambda text: None)
        if (close := getattr(model, "close", None)) is not None:
            await close()
        if isinstance(outcome, Fault):
            checks.append(Check(name, False, outcome.detail, "check the key, the base URL and the spend limit"))
        else:
            checks.append(Check(name, True, f"answered in {outcome.seconds:.1f} s"))
    return checks


def _database(config: settings.Settings) -> list[Check]:
    try:
        at = revision(config.database_url)
    except SetupError as error:
        return [Check("database", False, str(error), "check DATABASE_URL")]
    if at and not fault(config.database_url):
        return [Check("database", True, f"schema {at}" if at == head() else f"schema {at}, one ahead of this version")]
    return [Check("database", False, f"schema {at or 'none'}, this version has {head()}", "run `nightjar migrate`")]


def _disk(config: settings.Settings) -> list[Check]:
    files = [file for file in wiring.sqlite_files(config) if file.parent.exists()]
    if not files:
        return []
    trouble = next(filter(None, map(little_room, files)), None)
    return [Check("disk", trouble is None, trouble.why if trouble else f"room at {files[0].parent}", "make room")]


def _engine(config: settings.Settings) -> list[Check]:
    """What waits and works, over all processes; that nothing runs yet is no fault."""
    url = wiring.engine_url(config)
    try:
        why = "" if url.startswith("sqlite") else tables.trouble(url)
        load = glance(url)
    except SetupError as error:
        return [Check("engine", False, str(error), "check DATABASE_URL and ENGINE_URL")]
    if why:
        return [Check("engine", False, why, "docs/operating.md, PgBouncer")]
    if load is None:
        return [Check("engine", True, "nothing was ever asked")]
    said = f"{load.waiting} wait, {load.working} work, {load.workers} worker{'' if load.workers == 1 else 's'}"
    if load.waiting and load.oldest_seconds > OLD_SECONDS:
        said += f"; the oldest has waited {load.oldest_seconds:.0f} s"
    remedies = [
        (bool(load.waiting + load.working) and not load.workers, "start `nightjar serve` or `nightjar worker`"),
        (load.oldest_seconds > OLD_SECONDS, "start another worker, or raise CONCURRENCY (docs/bot-is-down.md, 3)"),
    ]
    remedy = next((remedy for wrong, remedy in remedies if wrong), "")
    given_up = Check("given up", False, f"{load.given_up} in the last day", "look for `given up` in the workers' logs")
    return [Check("engine", not remedy, said, remedy), *([given_up] if load.given_up else [])]


async def _running(config: settings.Settings) -> list[Check]:
    """What a process on this machine says of itself, where one listens."""
    ports = {port for port in (config.port, config.health_port) if port}
    async with httpx.AsyncClient(timeout=3.0, trust_env=False) as client:
        found = await asyncio.gather(
            *(_readyz(client, f"http://{config.host}:{port}/readyz") for port in sorted(ports))
        )
    return [check for checks in found for check in checks]


async def _readyz(client: httpx.AsyncClient, url: str) -> list[Check]:
    try:
        said = (await client.get(url)).json()
        troubles = {**said["wrong"], **said["impaired"]}
        lines = [f"{part}: {trouble['why']} (since {trouble['since']})" for part, trouble in troubles.items()]
    except httpx.ConnectError:
        return [Check("running bot", True, f"none at {url}")]
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
        remedy = "does another program listen there? else restart it"
        return [Check("running bot", False, f"{url} does not answer as one: {type(error).__name__}", remedy)]
    remedy = "docs/bot-is-down.md, 2"
    return [Check("running bot", False, line, remedy) for line in lines] or [Check("running bot", True, "all is well")]
