"""Everything a run needs: a sandbox Slack, a corner of a shop, a model, a database and workers that can be harmed.

async with stage(database="postgresql", workers=3, seed=7, faults=0.2) as town:
    asked = await town.ask("inc-a", "", "@nightjar why is cart failing?")
    await town.workers[0].kill()
    await town.workers[0].start()
    await town.drained(60)
    assert not town.verdict().wrong
"""

import asyncio
import contextlib
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from dbos import DBOS

from bot.demo.slack.records import Json, Message
from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.traffic import Exchange
from bot.demo.slack.workspace import TEAM, Happening
from bot.slack.posting import is_final, mark_of
from bot.store.migrate import migrate
from tests import postgres
from tests.chaos.bouncer import bounced
from tests.chaos.crew import Nursery, Worker
from tests.chaos.history import Asked, Books, Delivery, History, Kind, Shown, works_of
from tests.chaos.judge import Verdict, judge
from tests.chaos.model import Model
from tests.chaos.weather import Weather
from tests.chaos.worker import STEPS
from tests.fakes.messages_server import MessagesServer
from tests.scenarios.stage import environment, free_port, given, text_of, watched

CHANNELS = ("inc-a", "inc-b", "inc-c", "general")
RETRY_DELAYS = (0.0, 5.0, 20.0)  # Slack's are 0, 60 and 300 s
QUIET = 3.0  # seconds without a call
_PROTOCOLS = {"question": "ans", "instruction": "ans", "direct": "ans", "command": "cmd"}


@dataclass
class Town:
    """The stage as others use it; `history` grows as things happen. `off` has by how many seconds the clock of a
    worker's place is ahead."""

    slack: Sandbox
    weather: Weather
    database: str
    url: str
    folder: Path
    workers: list[Worker]
    random: Random
    history: History
    over_http: bool = False
    off: Mapping[str, float] = field(default_factory=dict)
    _delivered: defaultdict[tuple[str, str], list[Delivery]] = field(default_factory=lambda: defaultdict(list))

    @property
    def team(self) -> str:
        """The workspace's id."""
        return TEAM

    @cached_property
    def books(self) -> Books:
        """The engine's tables."""
        return Books(self.url.replace(".sqlite", "-engine.sqlite") if self.database == "sqlite" else self.url)

    def tag(self) -> str:
        """A word that no other message has, by which its answer is known."""
        return f"case-{''.join(self.random.choices('bcdfghjklmnpqrstvwxz', k=5))}"

    async def ask(self, channel: str, thread: str, text: str, kind: Kind = "question", user: str = "mira") -> Json:
        """Somebody says something, in a thread or (empty) at the top; it must be answered unless it is a stop."""
        tag = self.tag()
        said = text if kind in ("stop", "command") else f"{text} {tag}"
        message = await self.slack.say(channel, said, user, thread or None)
        place, ts = message["channel"], message["ts"]
        key = f"{_PROTOCOLS[kind]}:{TEAM}:{place}:{ts}" if kind in _PROTOCOLS else ""
        self.history.asked.append(Asked(key, kind, time.time(), place, ts, thread or ts, tag))
        self.history.deliveries[key or f"stop:{place}:{ts}"] = self._delivered[place, ts]
        return message

    async def slash(self, channel: str, text: str) -> None:
        """Somebody asks by `/oncall ask text`; Slack tells it once, so it counts from its ack on."""
        tag = self.tag()
        place = self.slack.workspace.channel(channel).id
        at = time.time()
        outcome = await self.slack.slash("/oncall", f"ask {text} {tag}", channel)
        told = (e for e in reversed(self.slack.traffic.exchanges) if e.kind == "slash_commands")
        trigger = next(exchange.sent["trigger_id"] for exchange in told if tag in exchange.sent["text"])
        key = f"ans:{TEAM}:{place}:{trigger}"
        self.history.asked.append(Asked(key, "slash", at, place, trigger, "", tag))
        self.history.deliveries[key] = [Delivery(time.time(), outcome.reason)]

    async def drained(self, seconds: float) -> float:
        """Wait until nothing is delivered, waits or works; how long that took, from the last harm. TimeoutError."""
        since = max((harm.until or harm.at for harm in self.history.harms), default=time.time())
        async with asyncio.timeout(seconds):
            await self.slack.settle()
            while await asyncio.to_thread(self.books.busy):  # noqa: ASYNC110  a table of another process
                await asyncio.sleep(0.25)
        return time.time() - since

    async def settled(self) -> None:
        """Wait until Slack is left alone for a while: what is done beside a run, after it."""
        while time.time() - self.slack.traffic.exchanges[-1].at < QUIET:  # noqa: ASYNC110  told by nobody
            await asyncio.sleep(0.5)

    def verdict(self) -> Verdict:
        """Judge what happened so far."""
        history = self.history
        history.works = list(works_of(self.folder / STEPS))
        history.rows, history.records = self.books.rows(), dict(self._records())
        history.shown = list(self._shown())
        return judge(history)

    def _records(self) -> Iterator[tuple[tuple[str, int], float]]:
        """When each step was recorded, by the true time; the engine has it by the clock of who did it."""
        by = {
            (work.key, work.place): work.worker.partition("-")[0] for work in self.history.works if work.what == "did"
        }
        for step, at in self.books.records().items():
            yield step, at - self.off.get(by.get(step, ""), 0.0)

    def _shown(self) -> Iterator[Shown]:
        streams = {message.ts for message in self.slack.workspace.live_streams()}
        for channel in self.slack.workspace.channels.values():
            for message in channel.messages.values():
                if message.user == self.slack.bot_user_id and not message.files:
                    yield _as_shown(message, message.ts in streams)

    def hear(self, exchange: Exchange) -> None:
        """Keep when a message was brought to the bot."""
        event = exchange.sent.get("event") or {}
        if exchange.kind == "events_api" and event.get("type") in ("message", "app_mention") and event.get("ts"):
            tries = self._delivered[str(event["channel"]), str(event["ts"])]
            tries.append(Delivery(exchange.at, exchange.status, exchange.attempt))

    def see(self, happening: Happening) -> None:
        """Keep when a placeholder became what it will stay."""
        message = happening.message
        if message is not None and message.user == self.slack.bot_user_id:
            shown = message.to_json()
            mark = mark_of(shown)
            if mark and mark[1] == "answer" and is_final(shown):
                self.history.finals.setdefault(mark[0], time.time())


def _as_shown(message: Message, streaming: bool) -> Shown:
    said = message.to_json()
    key, part = mark_of(said) or ("", "")
    return Shown(message.ts, message.channel, message.thread_ts or "", key, part, is_final(said), streaming,
                 text_of(said))  # fmt: skip


@contextmanager
def _made(database: str, folder: Path) -> Iterator[str]:
    """A database with the schema, empty."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'nightjar.sqlite'}"
        return
    with postgres.shared(folder / "postgres.json", "", _prepare) as cluster, cluster.database() as url:
        yield url


def _prepare(url: str) -> None:
    migrate(url)
    DBOS.migrate(url)


@asynccontextmanager
async def stage(
    *,
    database: str = "sqlite",
    workers: int = 1,
    seed: int = 0,
    faults: float = 0.0,
    folder: Path | None = None,
    cold: bool = False,
    apart: bool = False,
    transport: str = "socket",
    bouncer: str = "",
    own: Sequence[Mapping[str, str]] = (),
    off: Mapping[str, float] | None = None,
    **more: Any,
) -> AsyncIterator[Town]:
    """All of it, at work. `faults` is the share of Slack calls that fail; `apart` gives each worker a machine of its
    own; `cold` starts each from nothing; `more` are settings of the bot. SQLite has one worker. Over `http` a further
    process hears Slack, and is the first of `own`, which are further variables of each; `off` tells of their clocks. A
    PgBouncer in the mode `bouncer` may stand before PostgreSQL."""
    home = folder or Path(tempfile.mkdtemp(prefix="nightjar-chaos-"))
    home.mkdir(parents=True, exist_ok=True)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each piece of a reply whose asker was killed
    history, weather = History(), Weather(faults, seed)
    async with contextlib.AsyncExitStack() as stack:
        url = stack.enter_context(_made(database, home))
        way = stack.enter_context(bounced(url, bouncer)) if bouncer else url
        sources = await stack.enter_async_context(watched())
        model = await stack.enter_async_context(MessagesServer(Model(history), strict=False))
        slack = await stack.enter_async_context(_sandbox(weather))
        nursery = await stack.enter_async_context(Nursery(home, cold).open())
        told = {"nightjar_models": "claude", "anthropic_base_url": model.url, "database_url": way, "log_level": "INFO"}
        told["slack_transport"] = transport
        variables = environment(given(slack.credentials(), home, **sources, **{**told, **more}), home)
        crew = _crew(nursery, variables, history, 1 if database == "sqlite" else workers, apart=apart)
        for worker, further in zip(crew, own, strict=False):
            worker.own = further
        over_http, tags = transport == "http", Random(f"{seed} tags")
        town = Town(slack, weather, database, url, home, crew, tags, history, over_http, off or {})
        slack.traffic.listeners.append(town.hear)
        slack.workspace.listeners.append(town.see)
        for worker in crew:
            await worker.start()
        await _heard(slack, crew)
        yield town


def _sandbox(weather: Weather) -> Sandbox:
    slack = Sandbox(channels=CHANNELS, retry_delays=RETRY_DELAYS)
    slack.faults = slack.sockets._faults = weather
    return slack


async def _heard(slack: Sandbox, crew: Sequence[Worker]) -> None:
    """Until Slack has its ways to the bot."""
    if not crew[0].hears_only:
        await slack.wait_connected(2 * len(crew), 120)
        return
    url = f"http://127.0.0.1:{crew[0].environment['PORT']}/slack/events"
    async with asyncio.timeout(120):
        while not await slack.set_request_url(url):  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.1)


def _crew(nursery: Nursery, variables: dict[str, str], history: History, count: int, *, apart: bool) -> list[Worker]:
    """The model is told by its key which process asks."""
    over_http = variables["SLACK_TRANSPORT"] == "http"
    verb = "serve" if variables["DATABASE_URL"].startswith("sqlite") and not over_http else "worker"
    hosts = [f"host{number}" if apart else "" for number in range(count)]
    crew = [
        Worker(f"w{number}", nursery, variables, verb, history.harms, history.births, host, _of_one)
        for number, host in enumerate(hosts)
    ]
    if not over_http:
        return crew
    told = {**variables, "PORT": str(free_port())}
    return [Worker("web", nursery, told, "web", history.harms, history.births, "", _named), *crew]


def _named(name: str) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": name}


def _of_one(name: str) -> dict[str, str]:
    return {**_named(name), "PORT": str(free_port())}
