"""`nightjar demo`: a local Slack, a shop with an incident under way, and the bot itself; nothing to set up."""

import asyncio
import contextlib
import json
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from bot import settings, wiring
from bot.cli import shape, terminal
from bot.demo.shop import FAULTS, Shop
from bot.demo.slack.live import Offer
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors
from bot.domain.errors import SetupError
from bot.domain.investigations import Question, Record
from bot.domain.place import Place
from bot.domain.plugin import Command
from bot.flows import answer
from bot.plugins import discover
from bot.slack import commands, manifest

CHANNEL = "inc-checkout"
LONGEST = 60.0
QUESTIONS = (
    "@nightjar which service is unhealthy, and since when?",
    "@nightjar why is checkout slow?",
    "@nightjar what changed in the last hour?",
)
ABOUT = (
    "An incident is under way in a web shop, simulated on this machine. Nightjar, the on-call engineer in this "
    "channel, is real: it looks into metrics, alerts and deploys and answers with evidence. Ask it:"
)


@dataclass(frozen=True)
class Scene:
    """Everything the demo runs."""

    slack: Sandbox
    shop: Shop
    house: wiring.House


def list_faults(as_json: bool) -> None:
    """Name what can be wrong in the shop."""
    if as_json:
        typer.echo(json.dumps(FAULTS, indent=1))
        return
    for name, about in FAULTS.items():
        typer.echo(f"{name:<22}{about}")


@asynccontextmanager
async def stage(fault: str, seed: int, port: int = 0) -> AsyncIterator[Scene]:
    """Slack, shop and bot, connected; they end together. SetupError for an unknown fault or a taken port."""
    if fault not in {*FAULTS, "none", "random"}:
        raise SetupError(f"no fault is called {fault!r}; there are: none, random, {', '.join(FAULTS)}")
    shop = Shop(seed, fault)
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nightjar-demo-"))
        vendors = await stack.enter_async_context(Vendors(shop))
        try:
            slack = await stack.enter_async_context(Sandbox(port=port, limits=True, offer=_offer()))
        except OSError as error:
            raise SetupError(f"port {port} is taken; try: nightjar demo --port {port + 1}") from error
        house = await stack.enter_async_context(wiring.open_house(_config(slack, vendors, Path(folder))))
        await stack.enter_async_context(house.listening())
        await slack.wait_connected()
        yield Scene(slack, shop, house)


def _offer() -> Offer:
    """What the page completes and proposes, from the bot's own manifest and commands."""
    features = manifest.manifest()["features"]
    slashes = {item["command"]: item["description"] for item in features["slash_commands"]}
    verbs = discover(commands, "COMMAND", Command)
    known = slashes | {f"{slash} {name}": verb.about for slash in slashes for name, verb in verbs.items()}
    shortcuts = {item["callback_id"]: item["name"] for item in features["shortcuts"]}
    return Offer(known, shortcuts, QUESTIONS, ABOUT)


def _config(slack: Sandbox, vendors: Vendors, folder: Path) -> settings.Settings:
    """Embedded defaults; of the environment only the model's key and route count."""
    return settings.read(
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_signing_secret=slack.signing_secret,
        slack_api_url=slack.api_url,
        slack_transport="socket",
        prometheus_url=vendors.prometheus_url,
        alertmanager_url=vendors.alertmanager_url,
        nightjar_env="shop",
        database_url=f"sqlite:///{folder / 'nightjar.sqlite'}",
        engine_url="",
        log_level="WARNING",
        log_format="text",
        sources={"loki": {"kind": "loki", "url": vendors.loki_url, "env": "shop"}},
        channels={},
    )


def once(text: str, fault: str, seed: int, *, evidence: str, as_json: bool) -> None:
    """One question the whole way, headless: asked in the channel, answered in its thread, printed here."""
    record, kept = asyncio.run(_once(text, fault, seed))
    if record is None or record.answer is None:
        typer.echo("nightjar: no answer came within a minute", err=True)
        raise typer.Exit(1)
    if evidence:
        shape.dump(kept, evidence)
    if as_json:
        typer.echo(json.dumps(shape.shape(record.answer), ensure_ascii=False, indent=1))
    else:
        terminal.show(record.answer)


async def _once(text: str, fault: str, seed: int) -> tuple[Record | None, Any]:
    async with stage(fault, seed) as scene:
        said = await scene.slack.say(CHANNEL, f"@nightjar {text}")
        place = Place(scene.slack.team_id, said["channel"], said["ts"])
        key = answer.key_of(Question(place, text, said["user"], said["ts"]))
        record = await _answered(scene, key)
        return record, await scene.house.deps.evidence.all(key)


async def _answered(scene: Scene, key: str) -> Record | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            while True:
                record = await scene.house.deps.audit.get(key)
                if record is not None and record.state != "running" and not await _at_work(scene, record):
                    return record
                await asyncio.sleep(0.05)
    return None


async def _at_work(scene: Scene, record: Record) -> bool:
    return bool(await scene.house.deps.engine.lane(answer.lane_of(record.question)))


def run(fault: str, seed: int, *, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(fault, seed, port, browser))


async def _run(fault: str, seed: int, port: int, browser: bool) -> None:
    stop, console = asyncio.Event(), Console()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with stage(fault, seed, port) as scene:
        await _set_the_scene(scene)
        route = scene.house.deps.policy.models
        who = "the playbook (no model; set ANTHROPIC_API_KEY for Claude)" if route[0] == "playbook" else route[0]
        console.print(
            f"\n  The incident channel: [bold]{scene.slack.url}[/]\n  Answers come from {who}.", highlight=False
        )
        console.print("  Type [bold]@nightjar why is checkout slow?[/]   Ctrl-C ends it.\n", highlight=False)
        if browser and not await asyncio.to_thread(webbrowser.open, scene.slack.url):
            console.print("  No browser could be opened here; open the address above in one.", highlight=False)
        await stop.wait()


async def _set_the_scene(scene: Scene) -> None:
    """What a person finds in the channel: the alerts that fire, posted by Alertmanager's own app."""
    for instance in scene.house.deps.sources.of("alerts"):
        if instance.kind != "alertmanager" or instance.alerts is None:
            continue
        firing = [a for a in await instance.alerts.alerts() if a.labels.get("severity") not in ("none", "info")]
        for alert in sorted(firing, key=lambda a: a.starts)[:3]:
            labels = " ".join(f"{k}={v}" for k, v in alert.labels.items() if k != "alertname")
            await scene.slack.post_as_bot(
                CHANNEL,
                attachments=[
                    {
                        "color": "#d64545",
                        "title": f"[FIRING:1] {alert.name} ({labels})",
                        "title_link": f"{instance.url}/#/alerts",
                        "text": alert.annotations.get("summary", ""),
                        "fallback": f"[FIRING:1] {alert.name} ({labels})",
                    }
                ],
            )
