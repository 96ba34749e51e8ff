"""Builds the whole bot; the one place that names every room."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot import __version__, readiness, telemetry
from bot.analysis.charts import draw
from bot.check.redact import Redactor
from bot.domain.errors import ReplyError, SetupError
from bot.domain.plugin import Flow
from bot.domain.ports import Chat, Replies, Run
from bot.engine import tables
from bot.engine.dbos import DbosEngine
from bot.engine.inline import InlineEngine
from bot.flows import answer, beside, compare, heartbeat, opening
from bot.flows.deps import Deps
from bot.parts import Registry, all_flows, all_tools, open_sources, policy
from bot.readiness import Readiness, Report
from bot.settings import Settings
from bot.slack.app import SlackApp
from bot.slack.client import SlackClient, open_client
from bot.slack.files import SlackFiles
from bot.slack.health import Pulse
from bot.slack.reply import SlackReplies
from bot.slack.settings import SlackSettings
from bot.slack.thread import SlackChat
from bot.store.database import open_store
from bot.store.memory import open_memory
from bot.store.migrate import fault, migrate
from bot.store.repositories import Store
from bot.vitals import Vitals

_TIME_SECONDS = 2.0  # for Slack's time at the start


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The time, aware."""
        return datetime.now(UTC)


@dataclass
class House:
    """The built bot; `slack` is None where nobody listens to Slack."""

    settings: Settings
    deps: Deps
    engine: DbosEngine | InlineEngine
    store: Store
    slack: SlackApp | None = None

    def __post_init__(self) -> None:
        pulse = Pulse(self.slack.client) if self.slack else None
        looks, vital = self._looks(pulse)
        self.vitals = Vitals(
            Readiness(looks, self.deps.clock, vital),
            self.deps,
            files=sqlite_files(self.settings),
            skew=lambda: pulse.skew if pulse else None,
            heartbeat_url=self.settings.heartbeat_url.get_secret_value(),
            otlp_endpoint=self.settings.otel_exporter_otlp_endpoint,
        )

    def slack_app(self) -> SlackApp:
        """The Slack side; SetupError where there is none."""
        if self.slack is None:
            raise SetupError("this process does not listen to Slack")
        return self.slack

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Task[None]]:
        """Hear Slack over Socket Mode until left; the task ends early only with an error."""
        async with self.hearing() as slack:
            task = asyncio.create_task(slack.run_socket())
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def hearing(self) -> AsyncIterator[SlackApp]:
        """The Slack side once its token works, else SetupError; on leaving, what waits after an ack is finished."""
        try:
            await self.slack_app().prime()
        except ReplyError as error:
            raise SetupError(f"SLACK_BOT_TOKEN does not work: {error} (`nightjar doctor` looks further)") from error
        try:
            yield self.slack_app()
        finally:
            await self.slack_app().close()

    async def ready(self) -> Report:
        """What is not well, by part."""
        return await self.vitals.readiness.report()

    def _looks(self, pulse: Pulse | None) -> tuple[dict[str, readiness.Look], set[str]]:
        """By part, and which of them must answer; a worker on SQLite is told by its file's lock."""
        looks = {instance.name: readiness.of_source(instance) for instance in self.deps.sources.instances}
        for name in self.deps.models.everywhere:
            if (breaker := getattr(self.deps.models.get(name), "breaker", None)) is not None:
                looks[name] = readiness.of_words(partial(getattr, breaker, "trouble"), stops=False)
        looks["database"] = readiness.of_schema(self.settings.database_url)
        looks["store"] = readiness.of_words(self.store.trouble, stops=True)
        if isinstance(self.engine, DbosEngine):
            looks["lease"] = readiness.of_lease(self.engine.fence)
        if not engine_url(self.settings).startswith("sqlite"):
            looks["workers"] = readiness.of_workers(self.engine.load)
        if files := sqlite_files(self.settings):
            looks["disk"] = readiness.of_disk(files)
        if self.slack and pulse:
            looks["slack"] = readiness.of_words(self.slack.trouble, stops=True)
            looks |= {"slack api": readiness.of_pulse(pulse), "clock": readiness.of_clock(self.slack.client.clock)}
        return looks, {"database"}


def _ports(store: Store) -> dict[str, Any]:
    return {name: getattr(store, name) for name in store.__dataclass_fields__.keys() & Deps.__dataclass_fields__.keys()}


def _build(settings: Settings, parts: Mapping[str, Any]) -> Deps:
    registry = Registry(settings)
    for name in registry.everywhere:
        registry.get(name)
    return Deps(
        models=registry,
        tools=all_tools(),
        sources=open_sources(settings),
        policy=policy(settings, registry.names, registry.compared),
        **parts,
    )


@asynccontextmanager
async def open_in_memory(settings: Settings, chat: Chat, replies: Replies) -> AsyncIterator[House]:
    """The same house without a database and without Slack: for the terminal."""
    store = open_memory()
    engine = InlineEngine(all_flows())
    parts = {"engine": engine, "chat": chat, "replies": replies, "redact": Redactor(settings.secrets)}
    deps = _build(settings, {**parts, "clock": SystemClock(), **_ports(store)})
    async with engine.serving(deps), _closing(deps):
        yield House(settings, deps, engine, store)


@asynccontextmanager
async def open_house(settings: Settings, *, listen: bool = True) -> AsyncIterator[House]:
    """Everything: database migrated on SQLite, engine, Slack; what runs is drained on leaving."""
    redact = Redactor(settings.secrets)
    telemetry.setup(settings.log_level, json=settings.log_format == "json", mask=redact)
    await asyncio.to_thread(_require_schema, settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database_url))
        told: list[House] = []

        async def on_error(run: Run, error: Exception) -> None:
            if run.flow in (answer.NAME, beside.NAME, compare.NAME):
                await answer.failed(told[0].deps, run.key, run.payload, error)

        async def on_anew(run: Run) -> None:
            await store.notes.put(opening.anew_note(run.key), __version__, replace=True)

        async def beat() -> bool:
            return await told[0].vitals.beat()

        engine = DbosEngine(
            engine_url(settings),
            _flows(settings),
            concurrency=settings.concurrency,
            everywhere=settings.concurrency_everywhere,
            per_minute=settings.questions_per_minute,
            on_error=on_error,
            on_anew=on_anew,
        )
        client = open_client(_slack_settings(settings), engine.fence)
        replies = SlackReplies(client, store.notes, redact, draw, settings.link_hosts)
        stack.push_async_callback(replies.close)
        parts = {"engine": engine, "chat": SlackChat(client), "replies": replies, "redact": redact}
        deps = _build(
            settings, {**parts, "clock": client.clock, "beat": beat, "files": SlackFiles(client), **_ports(store)}
        )
        house = House(settings, deps, engine, store, SlackApp(client, deps))
        told.append(house)
        stack.push_async_callback(house.vitals.close)
        await stack.enter_async_context(_closing(deps))
        await _set_right(client)
        await stack.enter_async_context(engine.serving(deps, listen=listen))
        yield house


async def _set_right(client: SlackClient) -> None:
    """Hear Slack's time before anything is judged by it; a Slack that is away is not waited for."""
    with suppress(ReplyError, TimeoutError):
        async with asyncio.timeout(_TIME_SECONDS):
            await client.me()


def _flows(settings: Settings) -> dict[str, Flow]:
    """All that are plugged in; nothing beats where nobody listens."""
    flows = all_flows()
    if not settings.heartbeat_url.get_secret_value():
        flows[heartbeat.NAME] = replace(flows[heartbeat.NAME], every="")
    return flows


def _require_schema(settings: Settings) -> None:
    """SQLite is migrated on the spot, after a backup; PostgreSQL by its release step, as others may be using it."""
    url, engine = settings.database_url, engine_url(settings)
    if url.startswith("sqlite"):
        migrate(url)
    elif why := fault(url):
        raise SetupError(why)
    if not engine.startswith("sqlite") and (why := tables.trouble(engine)):
        raise SetupError(why)


def engine_url(settings: Settings) -> str:
    """Where running work is kept: the same PostgreSQL, or a SQLite file of its own beside the store's."""
    if settings.engine_url or not settings.database_url.startswith("sqlite"):
        return settings.engine_url or settings.database_url
    stem = settings.database_url.removesuffix(".sqlite").removesuffix(".db")
    return f"{stem}-engine.sqlite"


def sqlite_files(settings: Settings) -> tuple[Path, ...]:
    """The files that need room; none on PostgreSQL."""
    urls = (settings.database_url, engine_url(settings))
    return tuple(Path(url.partition(":///")[2]).absolute() for url in urls if url.startswith("sqlite"))


def _slack_settings(settings: Settings) -> SlackSettings:
    return SlackSettings(
        bot_token=settings.slack_bot_token.get_secret_value(),
        app_token=settings.slack_app_token.get_secret_value(),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        base_url=settings.slack_api_url,
        transport=settings.slack_transport,
    )


@asynccontextmanager
async def _closing(deps: Deps) -> AsyncIterator[None]:
    """Give back the sources' and models' connections at the end."""
    try:
        yield
    finally:
        opened = [instance.close for instance in deps.sources.instances] + [
            getattr(deps.models.get(name), "close", None) for name in deps.models.everywhere
        ]
        await asyncio.gather(*(close() for close in opened if close is not None))
