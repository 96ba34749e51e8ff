"""Bare `nightjar`: what is plugged in, what is off, and why."""

import json
from collections.abc import Callable, Iterable

import typer
from rich.console import Console
from rich.table import Table

from bot import __version__, parts, settings
from bot.domain.errors import SetupError
from bot.domain.sources import Sources

Row = tuple[str, str, str, str]


def rows(config: settings.Settings) -> list[Row]:
    """(room, name, on | off | broken, why) for everything that can be plugged in."""
    opened, why = _try(lambda: parts.open_sources(config))
    sources = opened or Sources()
    found: list[Row] = [("source", i.name, "on", f"{i.kind} · {i.shown} · {i.url}") for i in sources.instances]
    if why:
        found.append(("source", "settings", "broken", why))
    used = {instance.kind for instance in sources.instances}
    found += [
        ("source", name, "off", f'set {name.upper()}_URL, or [sources.<name>] kind = "{name}"')
        for name in parts.source_kinds()
        if name not in used
    ]
    registry = parts.Registry(config)
    route = registry.names
    found += [("model", name, "on", "answers" if at == 0 else "stands in") for at, name in enumerate(route)]
    families = {name.partition(":")[0] for name in route}
    found += [
        ("model", name, "off", provider.about or f"name {name} in NIGHTJAR_MODELS")
        for name, provider in parts.providers().items()
        if name not in families
    ]
    for tool in parts.all_tools():
        served = bool(sources.of(tool.need))
        found.append(("tool", tool.name, "on" if served else "off", "" if served else f"no source serves {tool.need}"))
    found += [("flow", name, "on", "") for name in parts.all_flows()]
    return [*found, *_slack(config)]


def _slack(config: settings.Settings) -> Iterable[Row]:
    tokens = bool(config.slack_bot_token.get_secret_value())
    yield (
        "slack",
        config.slack_transport,
        "on" if tokens else "off",
        "" if tokens else "set SLACK_BOT_TOKEN (nightjar init)",
    )


def _try(build: Callable[[], Sources]) -> tuple[Sources | None, str]:
    try:
        return build(), ""
    except SetupError as error:
        return None, str(error)


def show(as_json: bool) -> None:
    """Print it, as a table for people or as JSON."""
    found = rows(settings.read())
    if as_json:
        keys = ("room", "name", "state", "why")
        typer.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in found], ensure_ascii=False, indent=1))
        return
    table = Table(title=f"Nightjar {__version__}", title_justify="left", box=None, pad_edge=False)
    for heading in ("room", "name", "", "why"):
        table.add_column(heading)
    colours = {"on": "green", "off": "dim", "broken": "bold red"}
    for room, name, state, why in found:
        table.add_row(room, name, f"[{colours[state]}]{state}[/]", why)
    console = Console()
    console.print(table)
    console.print(
        "\n`nightjar demo` shows it at work; `nightjar init` connects Slack; `nightjar --help` lists the verbs."
    )
