"""Sets the whole house up between a sandbox Slack, a corner of a shop and a model that is played or served."""

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import settings, web, wiring
from bot.demo.shop.rules import Rule
from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.demo.vendors import Vendors
from bot.domain.investigations import Record
from bot.slack.posting import mark_of
from tests.fakes.chat_server import ChatServer
from tests.fakes.messages_server import Call, MessagesServer, Request, Said, Script, Text
from tests.scenarios.world import RULES, Corner

Rules = Mapping[str, Sequence[Rule]]
CHANNEL = "inc-checkout"
QUESTION = "@nightjar why is cart failing?"
CLAUDE, LLAMA = "claude:claude-opus-5-5", "llama:llama-4-scout"
HEAD = "cart answers three in ten requests with an error."
WRITTEN = (
    f"{HEAD}\nSince ten minutes; buyers see it.\nNext: look at its last deploy.\n\nIts errors rose [E2].\nCAUSE null"
)


def looks_then_answers(request: Request) -> Said:
    """A model that asks for one service's signals, then answers."""
    asked = any(called(entry) for entry in request.body["messages"][-2:])
    return Said(Text(WRITTEN)) if asked else Said(Text("I look.\n"), Call("service_signals", {"service": "cart"}))


def blocks(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message's content as blocks."""
    content = entry["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def called(entry: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The calls of a message in either protocol: each tool and its arguments."""
    chat = [call["function"] for call in entry.get("tool_calls") or ()]
    own = [(block["name"], block["input"]) for block in blocks(entry) if block["type"] == "tool_use"]
    return [*own, *((call["name"], json.loads(call["arguments"])) for call in chat)]


def told(entry: Mapping[str, Any]) -> list[str]:
    """The tools' results of a message in either protocol."""
    if entry["role"] == "tool":
        return [str(entry["content"])]
    return [str(block["content"]) for block in blocks(entry) if block["type"] == "tool_result"]


def words(request: Request) -> str:
    """Everything that a request says, as one text."""
    return json.dumps(request.body["messages"], ensure_ascii=False)


@dataclass(frozen=True)
class Scene:
    """Everything on stage, and the ways to look at it."""

    slack: Sandbox
    house: wiring.House
    model: MessagesServer | None = None
    other: MessagesServer | None = None
    mind: str = ""

    async def ask(self, text: str = QUESTION, user: str = "mira", thread: str | None = None, **more: Any) -> Json:
        """Somebody writes in the incident channel, or in a thread of it."""
        channel = more.pop("channel", CHANNEL)
        return await self.slack.say(channel, text, user=user, thread_ts=thread, **more)

    @property
    def who(self) -> str:
        """The first model, as an answer names it."""
        return self.mind.partition(":")[2]

    def own(self, channel: str = CHANNEL, part: str = "answer") -> list[Json]:
        """The bot's messages of a part, oldest first: placeholders and what they became."""
        messages = self.slack.workspace.channel(channel).messages.values()
        shown = [message.to_json() | {"channel": message.channel} for message in messages]
        return [message for message in shown if (mark_of(message) or ("", ""))[1] == part]

    def finished(self, channel: str = CHANNEL) -> list[Json]:
        """The bot's answers, failures and stops: every placeholder that is none any more."""
        return [message for message in self.own(channel) if '"stop"' not in json.dumps(message["blocks"])]

    async def answers(self, count: int = 1, channel: str = CHANNEL, seconds: float = 15.0) -> list[Json]:
        """Wait for so many answers, and until nothing is at work any more; more than that fails."""
        await self.slack.wait_for(lambda: len(self.finished(channel)) >= count, seconds)
        await self.quiet()
        assert len(self.finished(channel)) == len(self.own(channel)) == count
        return self.finished(channel)

    async def quiet(self) -> None:
        """Wait until every delivery is made and nothing works or waits."""
        await self.slack.settle()
        await self.house.slack_app().context.afterwards.drain()
        async with asyncio.timeout(20):
            await self.house.engine.drained()
        await self.slack.settle()

    async def at_work(self) -> Json:
        """Wait for the placeholder of something that is not finished; the message."""
        found = await self.slack.wait_for(lambda: [m for m in self.own() if m not in self.finished()])
        return found[-1]

    async def records(self) -> list[Record]:
        """What the audit keeps, newest first."""
        return list(await self.house.deps.audit.recent(limit=100))

    @property
    def streaming(self) -> int:
        """How many streams are open."""
        return len(self.slack.workspace.live_streams())

    def posts(self) -> int:
        """How many messages of any kind the bot's token has in every channel."""
        mine = self.slack.bot_user_id
        return sum(m.user == mine for c in self.slack.workspace.channels.values() for m in c.messages.values())

    def sent(self) -> str:
        """All that the bot ever sent to Slack, as one text."""
        return json.dumps([call.sent for call in self.slack.calls()], ensure_ascii=False)


def text_of(message: Json) -> str:
    """All that a message shows, as one text."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


def given(slack: Mapping[str, str], folder: Path, **more: Any) -> dict[str, Any]:
    """What a house is told for these credentials; `more` wins."""
    return {
        "slack_bot_token": slack["bot_token"],
        "slack_app_token": slack["app_token"],
        "slack_signing_secret": slack["signing_secret"],
        "slack_api_url": slack["api_url"],
        "database_url": f"sqlite:///{folder / 'nightjar.sqlite'}",
        "log_level": "ERROR",
        "log_format": "text",
        "nightjar_models": "playbook",
        **more,
    }


def reading(slack: Mapping[str, str], folder: Path, **more: Any) -> settings.Settings:
    """The same as settings."""
    return settings.read(**given(slack, folder, **more))


def environment(told: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The same for a process of its own, which keeps its bytecode in the folder: it starts faster the second time."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    return kept | {name.upper(): str(value) for name, value in told.items()}


@asynccontextmanager
async def served(
    script: Script | None, name: str = "claude", *, strict: bool = False
) -> AsyncIterator[tuple[MessagesServer | None, dict[str, Any]]]:
    """A server for the real client of a model's family, and the settings that lead to it; nothing without a script."""
    if script is None:
        yield None, {}
    elif name.startswith("claude"):
        async with MessagesServer(script, strict=strict) as server:
            told = {"anthropic_base_url": server.url, "anthropic_api_key": secrets.token_hex(16)}
            yield server, told | {"nightjar_models": name}
    else:
        async with ChatServer(script, single="llama-3" in name) as chat:
            yield chat, {"models": {"llama": {"base_url": chat.v1}}, "nightjar_models": name}


@asynccontextmanager
async def both_served(
    script: Script | None, name: str, stand_in: Script | None, other: str, *, stall: float = 0.0
) -> AsyncIterator[tuple[MessagesServer | None, MessagesServer | None, dict[str, Any]]]:
    """The same with a second model, of the other family, behind the first; `stall` seconds of silence end either."""
    strict = stand_in is not None
    async with (
        served(script, name, strict=strict) as (first, told),
        served(stand_in, other, strict=True) as (then, more),
    ):
        families = {key: dict(table) for key, table in {**told.get("models", {}), **more.get("models", {})}.items()}
        for key in (each.partition(":")[0] for each, given in ((name, script), (other, stand_in)) if given and stall):
            families[key] = {**families.get(key, {}), "stall_seconds": stall}
        order = [each["nightjar_models"] for each in (told, more) if each]
        route = {"nightjar_models": ",".join(order)} if order else {}
        yield first, then, {**told, **more, "models": families, **route}


@asynccontextmanager
async def shut_out(minds: dict[str, Any], channels: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    """The same settings with Claude first in the route and channels that keep it out; AssertionError if it hears."""
    async with served(looks_then_answers, CLAUDE) as (hosted, claude):
        assert hosted is not None
        kept = {"channels": {name: {"in_house": True} for name in channels}}
        yield {**minds, **claude, **kept, "nightjar_models": f"{CLAUDE},{minds['nightjar_models']}"}
        assert hosted.connections == 0


@asynccontextmanager
async def watched(corner: Corner | None = None, rules: Rules = RULES) -> AsyncIterator[dict[str, Any]]:
    """A Prometheus and an Alertmanager over a corner, and the settings that lead to them."""
    async with Vendors(corner or Corner(), rules=rules) as vendors:
        yield {"prometheus_url": vendors.prometheus_url, "alertmanager_url": vendors.alertmanager_url}


@asynccontextmanager
async def stage(
    folder: Path,
    transport: str,
    *,
    script: Script | None = None,
    corner: Corner | None = None,
    rules: Rules = RULES,
    envs: Mapping[str, str] | None = None,
    channels: Sequence[str] = (CHANNEL, "general"),
    mind: str = CLAUDE,
    stand_in: Script | None = None,
    behind: str = LLAMA,
    stall: float = 0.0,
    in_house: bool = False,
    **more: Any,
) -> AsyncIterator[Scene]:
    """All of it, connected; `envs` gives each environment a Prometheus by name, `more` are settings.

    `mind` is the model that follows `script`; `behind` it, the one that follows `stand_in`, is of the other family.
    With `in_house` Claude comes before `mind` and may not be asked.
    """
    async with contextlib.AsyncExitStack() as stack:
        sources = await stack.enter_async_context(watched(corner, rules))
        if envs:
            sources = {"sources": {name: _source(sources["prometheus_url"], env) for name, env in envs.items()}}
        model, other, minds = await stack.enter_async_context(both_served(script, mind, stand_in, behind, stall=stall))
        if in_house:
            minds = await stack.enter_async_context(shut_out(minds, channels))
        quick: dict[str, Any] = {"retry_delays": (0, 0.05, 0.05), "ack_timeout": 2.0}
        slack = await stack.enter_async_context(Sandbox(channels=channels, **quick))
        told = {"slack_transport": transport, **sources, **minds, **more}
        house = await stack.enter_async_context(wiring.open_house(reading(slack.credentials(), folder, **told)))
        await stack.enter_async_context(connected(slack, house, transport))
        yield Scene(slack, house, model, other, mind)


def _source(url: str, env: str) -> dict[str, str]:
    return {"kind": "prometheus", "url": url, "env": env}


@asynccontextmanager
async def connected(slack: Sandbox, house: wiring.House, transport: str) -> AsyncIterator[None]:
    """The house hears the sandbox, over Socket Mode or over signed HTTP."""
    if transport == "socket":
        async with house.listening():
            await slack.wait_connected(2)
            yield
        return
    stop, port = asyncio.Event(), free_port()
    app = web.application(house.ready, house.slack_app().handle_http)
    serving = asyncio.create_task(web.serve(app, "127.0.0.1", port, stop))
    try:
        async with asyncio.timeout(10):
            while not await slack.set_request_url(f"http://127.0.0.1:{port}/slack/events"):  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
        yield
    finally:
        stop.set()
        await house.slack_app().close()
        await serving


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
