"""`nightjar manifest`: the Slack app manifest, made from the code."""

import json

import typer

from bot.slack.manifest import manifest


def run(minimal: bool, http_url: str) -> None:
    """Print it as JSON, which Slack takes beside YAML."""
    typer.echo(json.dumps(manifest(minimal, http_url), indent=2))
