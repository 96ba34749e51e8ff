"""`nightjar init`: from an empty workspace to the first answer, each step tested before the next."""

import asyncio
import json
import os
import webbrowser
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import typer
from rich.console import Console

from bot import parts, settings
from bot.cli import ask
from bot.cli.doctor import health_of, show
from bot.domain.checks import Check
from bot.slack.client import SlackClient, open_client
from bot.slack.health import check_app_token, check_bot_token
from bot.slack.manifest import SCOPES, manifest
from bot.slack.settings import SlackSettings

ENV = Path(".env")
CREATE = "https://api.slack.com/apps?new_app=1&manifest_json="
NEARBY = {
    "PROMETHEUS_URL": ("http://localhost:9090", "http://prometheus:9090"),
    "ALERTMANAGER_URL": ("http://localhost:9093", "http://alertmanager:9093"),
}
console = Console(highlight=False)


def run() -> None:
    """Six steps; what was entered before is offered again, so that it can be run twice."""
    kept = _read()
    _create_app()
    base = settings.read().slack_api_url
    kept["SLACK_BOT_TOKEN"] = _token(
        "SLACK_BOT_TOKEN", "2. Bot token: OAuth & Permissions → Install to Workspace → Bot User OAuth Token (xoxb-…)",
        kept, lambda token: _bot(token, base),
    )  # fmt: skip
    kept["SLACK_APP_TOKEN"] = _token(
        "SLACK_APP_TOKEN", "3. App token: Basic Information → App-Level Tokens, scope connections:write (xapp-…)",
        kept, lambda token: _app(token, base),
    )  # fmt: skip
    kept |= _model(kept)
    for name in NEARBY:
        kept |= _source(name, kept)
    _write(kept)
    _hello(kept, base)
    _first_question()


def _read() -> dict[str, str]:
    if not ENV.exists():
        return {}
    lines = (line.partition("=") for line in ENV.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines if not name.startswith("#")}


def _create_app() -> None:
    console.print("\n[bold]1. Create the Slack app[/] from our manifest; review it, then Create.")
    url = CREATE + quote(json.dumps(manifest(minimal=False), separators=(",", ":")))
    if typer.confirm("   Open Slack's page for it now?", default=True):
        webbrowser.open(url)
    console.print(f"   If no browser opened, this is the address:\n   {url}\n", soft_wrap=True)


def _token(name: str, said: str, kept: dict[str, str], test: Callable[[str], Awaitable[Iterable[Check]]]) -> str:
    console.print(f"[bold]{said}[/]")
    while True:
        shown = " [enter keeps the one in .env]" if kept.get(name) else ""
        said_now = typer.prompt(f"   {name}{shown}", default=kept.get(name, ""), hide_input=True, show_default=False)
        token = str(said_now).strip()
        checks = list(asyncio.run(_awaited(test(token))))
        show(checks)
        if all(check.ok for check in checks):
            return token
        kept.pop(name, None)


async def _awaited(checks: Awaitable[Iterable[Check]]) -> Iterable[Check]:
    return await checks


async def _bot(token: str, base: str) -> Iterable[Check]:
    client = open_client(SlackSettings(token, base_url=base))
    try:
        return await check_bot_token(client, [scope.name for scope in SCOPES if scope.minimal])
    finally:
        await client.close()


async def _app(token: str, base: str) -> Iterable[Check]:
    return [await check_app_token(token, base)]


def _model(kept: dict[str, str]) -> dict[str, str]:
    console.print("[bold]4. Claude's key[/] (platform.claude.com → API keys). Empty: the playbook answers, no model.")
    default = kept.get("ANTHROPIC_API_KEY", "")
    key = typer.prompt("   ANTHROPIC_API_KEY", default=default, hide_input=True, show_default=False).strip()
    return {"ANTHROPIC_API_KEY": key} if key else {}


def _source(name: str, kept: dict[str, str]) -> dict[str, str]:
    kind = name.partition("_")[0].lower()
    found = asyncio.run(_find(kind, (kept.get(name, ""), *NEARBY[name])))
    console.print(f"[bold]5. {kind.title()}[/]: " + (f"found one at {found}" if found else "none found nearby"))
    while url := typer.prompt(f"   {name} (empty: none)", default=found, show_default=bool(found)).strip():
        if asyncio.run(_find(kind, (url,))):
            return {name: url}
        console.print(
            f"   {url} does not answer as {kind}; is the path right, does it need a password?", style="yellow"
        )
    return {}


async def _find(kind: str, urls: Iterable[str]) -> str:
    for url in filter(None, urls):
        config = settings.read(**{f"{kind}_url": url, "sources": {}})
        instance = next(i for i in parts.open_sources(config).instances if i.kind == kind)
        if (await health_of(instance)).ok:
            return url
    return ""


def _write(kept: dict[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in kept.items() if value)
    handle = os.open(ENV, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, 0o600)
        file.write(text)
    console.print(f"[green]✓[/] wrote {ENV} (readable by you alone)")


def _hello(kept: dict[str, str], base: str) -> None:
    channel = typer.prompt("[6] A channel to say hello in (name or id; empty: none)", default="").strip().lstrip("#")
    if not channel:
        return
    outcome = asyncio.run(_post(SlackSettings(kept["SLACK_BOT_TOKEN"], base_url=base), channel))
    console.print(f"[green]✓[/] said hello in {channel}" if not outcome else f"✗ {outcome}: invite the bot there first")


async def _post(config: SlackSettings, channel: str) -> str:
    client: SlackClient = open_client(config)
    try:
        text = "Hello. Nightjar is connected. Ask me: `@nightjar what is firing?`"
        outcome = await client.call("chat.postMessage", channel=channel, text=text, unfurl_links=False)
    finally:
        await client.close()
    return outcome.error


def _first_question() -> None:
    console.print("\n[bold]Your first question[/], asked here so that you see what it sees:\n")
    if not parts.source_tables(settings.read()):
        console.print('No source is configured yet; set PROMETHEUS_URL, then: nightjar ask "what is firing?"')
        return
    ask.run("what is firing, and what moved?", "", "", model="", zone="UTC", evidence="", as_json=False)
    console.print("\nNow start it: [bold]nightjar serve[/]   (docs/first-hour.md says how to keep it running)")
