"""`nightjar ask`: the same investigation as in Slack, in memory, printed."""

import asyncio
import json
import time
from dataclasses import replace

import typer

from bot import parts, settings, wiring
from bot.cli import shape, terminal
from bot.domain.errors import SetupError
from bot.domain.evidence import Evidence
from bot.domain.investigations import Question
from bot.domain.place import Place
from bot.flows import answer


def run(
    question: str, prometheus_url: str, alertmanager_url: str, *, model: str, zone: str, evidence: str, as_json: bool
) -> None:
    """Ask, print, end; exit code 1 when no answer came."""
    given = {
        "prometheus_url": prometheus_url,
        "alertmanager_url": alertmanager_url,
        "nightjar_models": tuple(model.split(",")) if model else (),
    }
    config = settings.read(**{key: value for key, value in given.items() if value})
    if not parts.source_tables(config):
        raise SetupError("no source is configured: set PROMETHEUS_URL and ALERTMANAGER_URL, or give --prometheus-url")
    here = terminal.Terminal(zone, quiet=as_json)
    found = asyncio.run(_ask(config, here, question))
    if evidence:
        shape.dump(found, evidence)
    if not here.answers:
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(shape.shape(here.answers[0]), ensure_ascii=False, indent=1))
    else:
        terminal.show(here.answers[0])


async def _ask(config: settings.Settings, here: terminal.Terminal, text: str) -> tuple[Evidence, ...]:
    asked = Question(Place("terminal", "terminal", "1"), text, "you", f"{time.time():.6f}", way="terminal")
    async with wiring.open_in_memory(config, here, here) as house:
        await answer.request(house.engine, replace(asked, accepted=time.time()))
        await house.engine.drained()
        return await house.deps.evidence.all(answer.key_of(asked))
