"""The Slack room with a sandbox on one side and ports in memory on the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from bot.agent.budget import Budget
from bot.demo.slack.sandbox import Sandbox
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON
from bot.domain.outcomes import decode
from bot.domain.ports import Load, Models, Run
from bot.domain.sources import Sources
from bot.flows.deps import Deps, Policy
from bot.slack.app import SlackApp
from bot.slack.client import SlackClient, open_client
from bot.slack.clock import SlackClock
from bot.slack.reply import SlackReplies
from bot.slack.settings import SlackSettings
from bot.slack.thread import SlackChat
from bot.store.memory import open_memory
from bot.store.repositories import Store


@dataclass
class Engine:
    """Keeps what was started, once per key; `down` refuses the next writes."""

    runs: dict[str, Run] = field(default_factory=dict)
    lanes: dict[str, str] = field(default_factory=dict)
    down: int = 0

    async def start(self, flow: str, key: str, lane: str, payload: JSON, *, delay: float = 0.0) -> bool:
        await asyncio.sleep(0)
        if self.down > 0:
            self.down -= 1
            raise ConnectionError("the database is away")
        if key in self.runs:
            return False
        self.lanes[key] = lane
        self.runs[key] = Run(key, flow, payload, running=lane not in [*self.lanes.values()][:-1])
        return True

    async def cancel(self, key: str) -> None:
        self.runs.pop(key)

    async def lane(self, lane: str) -> tuple[Run, ...]:
        return tuple(run for key, run in self.runs.items() if self.lanes[key] == lane)

    async def load(self) -> Load:
        return Load(waiting=len(self.runs))

    async def forget(self, before: datetime) -> int:
        return 0

    def questions(self, flow: str = "answer") -> list[Question]:
        return [decode(Question, run.payload) for run in self.runs.values() if run.flow == flow]

    def of(self, flow: str) -> list[str]:
        return [run.key for run in self.runs.values() if run.flow == flow]


@dataclass
class House:
    """Everything a test may look at."""

    slack: Sandbox
    client: SlackClient
    deps: Deps
    app: SlackApp
    engine: Engine
    store: Store
    replies: SlackReplies
    chat: SlackChat

    async def said(self) -> None:
        """Wait until everything that was said has been delivered, and what follows the ack is done."""
        await self.slack.settle()
        await self.app.context.afterwards.drain()

    def texts(self, channel: str) -> list[str]:
        """What the bot said in a channel, threads included."""
        messages = self.slack.workspace.channel(channel).messages.values()
        return [m.text for m in messages if m.user == self.slack.bot_user_id]


def settings_of(slack: Sandbox, **more: Any) -> SlackSettings:
    """How to reach the sandbox."""
    return SlackSettings(slack.bot_token, slack.app_token, slack.signing_secret, slack.api_url, **more)


def build(
    slack: Sandbox,
    client: SlackClient,
    policy: Policy | None = None,
    *,
    store: Store | None = None,
    engine: Engine | None = None,
) -> House:
    """The room, wired as `wiring` does it, over ports in memory; what a bot before it kept may be given."""
    store, engine = store or open_memory(), engine or Engine()
    replies = SlackReplies(client, store.notes, draw=None)
    chat = SlackChat(client)
    deps = Deps(
        engine=engine,
        models=cast(Models, None),
        tools=(),
        sources=Sources(),
        chat=chat,
        replies=replies,
        conversations=store.conversations,
        evidence=store.evidence,
        audit=store.audit,
        votes=store.votes,
        notes=store.notes,
        history=store.history,
        clock=client.clock,
        policy=policy or Policy(budget=Budget()),
    )
    app = SlackApp(client, deps)
    return House(slack, client, deps, app, engine, store, replies, chat)


@asynccontextmanager
async def open_house(
    policy: Policy | None = None, *, http: bool = False, clock: SlackClock | None = None, **sandbox: Any
) -> AsyncIterator[House]:
    """A running bot, connected by Socket Mode, or by HTTP behind a small server; `clock` is its machine's."""
    quick: dict[str, Any] = {"retry_delays": (0.0, 0.05, 0.05), "ack_timeout": 1.0} | sandbox
    async with Sandbox(**quick) as slack:
        client = open_client(settings_of(slack, transport="http" if http else "socket"), clock=clock)
        house = build(slack, client, policy)
        running = asyncio.create_task(_serve(house) if http else house.app.run_socket())
        try:
            await (house.slack.wait_for(lambda: slack.calls("auth.test")) if http else slack.wait_connected(2))
            await house.app.prime()
            yield house
        finally:
            await slack.settle()
            await house.app.close()
            await house.replies.close()
            await asyncio.gather(running, return_exceptions=True)


async def _serve(house: House) -> None:
    from aiohttp import web  # noqa: PLC0415 - only the HTTP tests need a server

    async def events(request: web.Request) -> web.Response:
        status, headers, body = await house.app.handle_http(await request.read(), dict(request.headers))
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_post("/slack/events", events)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    await house.slack.set_request_url(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    await house.app.prime()
    try:
        await house.app._closed.wait()
    finally:
        await runner.cleanup()


async def asked(house: House, question: Question, **more: Any) -> Record:
    """An answered question as the audit keeps it."""
    key = f"ans:{question.place.team}:{question.place.channel}:{question.ts}"
    record = replace(Record(key, question, "answered", SlackClock().now()), **more)
    await house.store.audit.put(record)
    return record
