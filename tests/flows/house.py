"""A house in memory: real flows, loop, store and engine; chat, replies, models and sources are played."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.answers import Answer, Failure
from bot.domain.events import Event
from bot.domain.evidence import Found
from bot.domain.investigations import Posted, Question
from bot.domain.place import Channel, Person, Place, Said
from bot.domain.ports import Files, Model
from bot.domain.sources import Health, Instance, Sources
from bot.domain.tools import Desk, Tool, tool
from bot.engine.inline import InlineEngine, Journal
from bot.flows import answer, beside, compare, dispute, hello, postmortem, reveal, scoreboard, stop
from bot.flows.deps import Deps, NoFiles, Policy
from bot.store.memory import open_memory
from bot.store.repositories import Store
from tests.agent.play import Cast, mask

TEAM, CHANNEL = "T1", "C1"


@dataclass
class PlayedReply:
    """Remembers what it was told."""

    key: str
    shown: list[Event]
    finished: list[Answer]
    failed: list[Failure]
    left: bool = False

    def show(self, event: Event) -> None:
        """Keep it."""
        self.shown.append(event)

    def leave(self) -> None:
        """Keep that, too."""
        self.left = True

    async def finish(self, answer: Answer) -> None:
        """Keep it."""
        self.finished.append(answer)

    async def fail(self, failure: Failure) -> None:
        """Keep it."""
        self.failed.append(failure)


@dataclass
class PlayedReplies:
    """Placeholders by key, posted once."""

    begun: dict[str, str] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)
    shown: list[Event] = field(default_factory=list)
    finished: list[Answer] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    async def begin(self, place: Place, key: str, text: str, *, again: bool) -> Posted:
        """A post, or the one that is there."""
        if not (again and key in self.begun):
            self.posts.append(text)
        self.begun.setdefault(key, f"{len(self.begun) + 1}.0")
        return Posted(place.channel, self.begun[key])

    def open(self, place: Place, key: str, posted: Posted, recipient: str = "", *, fresh: bool = False) -> PlayedReply:
        """The reply of a key."""
        return PlayedReply(key, self.shown, self.finished, self.failed)


@dataclass
class PlayedChat:
    """Channels and threads as they were set up."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    threads: dict[str, tuple[Said, ...]] = field(default_factory=dict)
    zone: str = "Europe/Berlin"
    notes: list[tuple[Place, str]] = field(default_factory=list)
    said: tuple[Said, ...] = ()

    async def channel(self, id: str) -> Channel:
        """By id; an incident channel unless set up otherwise."""
        return self.channels.get(id, Channel(id, "inc-checkout"))

    async def person(self, id: str) -> Person:
        """Anyone."""
        return Person(id, id, self.zone)

    async def thread(self, place: Place, limit: int = 50) -> tuple[Said, ...]:
        """What was said there."""
        return self.threads.get(place.thread, ())

    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]:
        """What was said in the channel."""
        return self.said[-limit:]

    async def note(self, place: Place, text: str, key: str) -> None:
        """Keep it."""
        self.notes.append((place, text))


@tool(role="alerts", need="any")
async def alerts(desk: Desk) -> Found:
    """What fires."""
    rows = [{"name": "HighErrorRate", "service": "payment", "state": "active", "since": "2026-11-24T06:01:00Z"}]
    rows[0] |= {"summary": "payment fails", "severity": "critical", "expr": "", "env": "prod"}
    sources = ", ".join(instance.name for instance in desk.sources.instances)
    return Found(
        f"HighErrorRate payment fires, 35.3 % of answers fail ({sources})", sources, "", facts={"alerts": rows}
    )


@tool(role="movers", need="any")
async def movers(desk: Desk) -> Found:
    """What moved."""
    cause = {"service": "payment", "signal": "error share", "since": "2026-11-24T06:01:00Z", "confidence": "confirmed"}
    cause |= {"reason": "share of errors 0.1 % to 35.3 %", "next_check": "look at payment"}
    moved = {"query": "q", "size": 9.0, "direction": "up", "score": 9.0}
    rows = [{**cause, **moved, "kind": "errors", "before": 0.001, "now": 0.353, "unit": "ratio"}]
    return Found(
        "payment error share 0.1 % to 35.3 %", "prom", "q", facts={"movers": rows, "cause": cause, "graph": {}}
    )


async def well() -> Health:
    """A source in health."""
    return Health(True, "2.42, 3 ms")


@dataclass
class PlayedHouse:
    """The house and what its surroundings saw."""

    deps: Deps
    engine: InlineEngine
    chat: PlayedChat
    replies: PlayedReplies
    store: Store

    async def ask(self, text: str, ts: str = "100.0", thread: str = "", user: str = "U1", **more: Any) -> str:
        """Ask and wait until all is done; returns the flow's key."""
        question = replace(asked(text, ts, thread, user), **more)
        await answer.request(self.engine, question)
        await self.engine.drained()
        return answer.key_of(question)


def asked(text: str, ts: str = "100.0", thread: str = "", user: str = "U1") -> Question:
    """A mention."""
    return Question(Place(TEAM, CHANNEL, thread or ts), text, user, ts)


class Now:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)


@asynccontextmanager
async def house(
    models: Mapping[str, Model],
    *,
    policy: Policy | None = None,
    envs: tuple[str, ...] = ("prod",),
    tools: tuple[Tool, ...] = (alerts, movers),
    journals: Mapping[str, Journal] | None = None,
    like: PlayedHouse | None = None,
    files: Files | None = None,
) -> AsyncIterator[PlayedHouse]:
    """Open it with these models in this order; `like` gives store, chat and replies of one that ended."""
    store = like.store if like else open_memory()
    chat, replies = (like.chat, like.replies) if like else (PlayedChat(), PlayedReplies())
    told: list[Deps] = []

    async def on_error(run: Any, error: Exception) -> None:
        await answer.failed(told[0], run.key, run.payload, error)

    rooms = (answer, beside, stop, hello, compare, postmortem, reveal, dispute, scoreboard)
    flows = {room.FLOW.name: room.FLOW for room in rooms}
    engine = InlineEngine(flows, on_error=on_error, journals=journals)
    sources = Sources(tuple(Instance(f"prom-{env}", "prometheus", env, well) for env in envs))
    deps = Deps(
        engine=engine, models=Cast(dict(models)), tools=tools, sources=sources, chat=chat, replies=replies,
        conversations=store.conversations, evidence=store.evidence, audit=store.audit, votes=store.votes,
        notes=store.notes, history=store.history, clock=Now(), policy=policy or Policy(models=tuple(models)),
        redact=mask, files=files or NoFiles(),
    )  # fmt: skip
    told.append(deps)
    async with engine.serving(deps, drain_seconds=1):
        yield PlayedHouse(deps, engine, chat, replies, store)


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.005)
