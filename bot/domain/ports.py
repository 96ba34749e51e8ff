"""What the inside asks of the outside."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.domain.alerts import Alert, Change, Silence
from bot.domain.answers import Answer, Failure
from bot.domain.events import Event
from bot.domain.evidence import Evidence
from bot.domain.investigations import Posted, PostedFile, Record
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.messages import JSON, Ask, Message, ModelFacts
from bot.domain.outcomes import Fault, Turn
from bot.domain.place import Channel, Person, Place, Said
from bot.domain.series import Metric, Rule, SeriesAnswer, Target
from bot.domain.window import Window

T = TypeVar("T")


class AlertStore(Protocol):
    """Alertmanager-like: what fires now."""

    async def alerts(self, matchers: Sequence[str] = ()) -> tuple[Alert, ...]: ...
    async def silences(self) -> tuple[Silence, ...]: ...


class SeriesStore(Protocol):
    """Prometheus-like: evaluates PromQL and knows its metrics."""

    async def instant(self, query: str, at: datetime) -> SeriesAnswer: ...
    async def range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer: ...
    async def metrics(self, words: str = "", limit: int = 50) -> tuple[Metric, ...]: ...
    async def label_sets(self, selector: str, window: Window, limit: int = 500) -> tuple[Mapping[str, str], ...]: ...


class RuleStore(Protocol):
    """Alerting rules with their expressions, and what is scraped."""

    async def rules(self) -> tuple[Rule, ...]: ...
    async def targets(self) -> tuple[Target, ...]: ...


class ChangeStore(Protocol):
    """What people changed in a window."""

    async def changes(self, window: Window) -> tuple[Change, ...]: ...


class LogStore(Protocol):
    """Loki-like: log lines of a window, oldest first, piece by piece, so that nobody needs to hold them.

    `volume` estimates before anything is read; `services` are those that wrote in the window. SourceError as elsewhere.
    """

    async def volume(self, query: LogQuery, window: Window) -> LogVolume: ...
    def read(self, query: LogQuery, window: Window) -> AsyncGenerator[LogPiece]: ...
    async def services(self, window: Window) -> tuple[str, ...]: ...


class Model(Protocol):
    """One model; `show` gets the text as it is written. Never raises for what the model or network does."""

    @property
    def facts(self) -> ModelFacts: ...
    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault: ...


class Models(Protocol):
    """The configured models by name, such as `claude:claude-opus-5-5` or `playbook`.

    `names` is the route, `everywhere` also those that only a channel, a task or a comparison names.
    """

    def get(self, name: str) -> Model: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def everywhere(self) -> tuple[str, ...]: ...


class Steps(Protocol):
    """Given to a running flow; everything that touches the world goes through it. `kind` is the result's type.

    `resumed` says whether another process, or an earlier start, may have done part of it, recorded or not.
    """

    @property
    def key(self) -> str: ...
    async def once(self, name: str, call: Callable[[], Awaitable[T]], kind: Any) -> T: ...
    async def together(self, name: str, calls: Sequence[Callable[[], Awaitable[T]]], kind: Any) -> tuple[T, ...]: ...
    async def now(self) -> datetime: ...
    @property
    def replaying(self) -> bool: ...
    async def resumed(self) -> bool: ...


@dataclass(frozen=True)
class Run:
    """A flow in a lane that is not over: waiting or running."""

    key: str
    flow: str
    payload: JSON
    running: bool


@dataclass(frozen=True)
class Load:
    """What the engine has to do: runs that wait and work, the age of the oldest waiting one in seconds, runs that were
    given up in the last day, living workers."""

    waiting: int = 0
    working: int = 0
    oldest_seconds: float = 0.0
    given_up: int = 0
    workers: int = 0


class Engine(Protocol):
    """Durable execution: a flow is started once per key and runs to its end, in the order of its lane.

    `start` takes effect after `delay` seconds; `forget` drops what ended before a time, and returns how much.
    """

    async def start(self, flow: str, key: str, lane: str, payload: JSON, *, delay: float = 0.0) -> bool: ...
    async def cancel(self, key: str) -> None: ...
    async def lane(self, lane: str) -> tuple[Run, ...]: ...
    async def load(self) -> Load: ...
    async def forget(self, before: datetime) -> int: ...


class Fence(Protocol):
    """Whether this process may act: one that was taken for dead must not, as another does its work.

    `passes` returns at once while it may, and otherwise waits until it may again (or until the run is cancelled).
    """

    def holds(self) -> bool: ...
    async def passes(self) -> None: ...


class Reply(Protocol):
    """One reply in one place; rebuilt from its key in any process. After `leave` it writes no more."""

    def show(self, event: Event) -> None: ...
    def leave(self) -> None: ...
    async def finish(self, answer: Answer) -> None: ...
    async def fail(self, failure: Failure) -> None: ...


class Replies(Protocol):
    """Opens replies. `begin` posts the placeholder once per key and says where it stands; a reply is `fresh` when
    nobody but this very run can have shown anything of it yet."""

    async def begin(self, place: Place, key: str, text: str, *, again: bool) -> Posted: ...
    def open(self, place: Place, key: str, posted: Posted, recipient: str = "", *, fresh: bool = False) -> Reply: ...


class Chat(Protocol):
    """What is read from the chat service on demand, and short notes into it."""

    async def channel(self, id: str) -> Channel: ...
    async def person(self, id: str) -> Person: ...
    async def thread(self, place: Place, limit: int = 50) -> tuple[Said, ...]: ...
    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]: ...
    async def note(self, place: Place, text: str, key: str) -> None: ...


class Files(Protocol):
    """Files that people posted: their bytes, at most so many. SourceError where they cannot be had, with why."""

    async def read(self, file: PostedFile, most: int) -> bytes: ...


class Conversations(Protocol):
    """The transcript of each place, for follow-ups.

    Here and below `purge` deletes a batch of what was written before a time and returns how much; 0 once all is gone.
    """

    async def load(self, place: Place) -> tuple[Message, ...]: ...
    async def append(self, place: Place, flow: str, messages: Sequence[Message]) -> None: ...
    async def forget(self, place: Place, ts: str = "") -> None: ...
    async def purge(self, before: datetime) -> int: ...


class EvidenceStore(Protocol):
    """Evidence with its raw data, by flow and id."""

    async def put(self, evidence: Evidence) -> None: ...
    async def get(self, flow: str, id: str) -> Evidence | None: ...
    async def all(self, flow: str) -> tuple[Evidence, ...]: ...
    async def purge(self, before: datetime) -> int: ...


class Audit(Protocol):
    """Every investigation, what it cost, what became of it; a place without a thread means the whole channel.

    `kind` is what the flow's key begins with, such as `ans`.
    """

    async def put(self, record: Record) -> None: ...
    async def get(self, flow: str) -> Record | None: ...
    async def recent(self, place: Place | None = None, limit: int = 20, kind: str = "") -> tuple[Record, ...]: ...
    async def forget(self, place: Place, ts: str) -> bool: ...
    async def spent(self, since: datetime) -> float: ...
    async def purge(self, before: datetime) -> int: ...


class Votes(Protocol):
    """What people said of an answer."""

    async def put(self, flow: str, person: str, vote: str, reason: str = "") -> None: ...
    async def all(self, flow: str) -> tuple[tuple[str, str, str], ...]: ...
    async def purge(self, before: datetime) -> int: ...


class Notes(Protocol):
    """Small facts by key, such as `hello:C1` or a channel's chosen environment; put returns False if it was there.

    `purge` leaves keys that begin with one of `kept`.
    """

    async def put(self, key: str, value: str, *, replace: bool = False) -> bool: ...
    async def get(self, key: str) -> str | None: ...
    async def purge(self, before: datetime, kept: Sequence[str] = ()) -> int: ...


class History(Protocol):
    """Messages of channels that opted in, each until its time is over; a place without a thread means the top level."""

    async def keep(self, place: Place, said: Said, until: datetime) -> None: ...
    async def forget(self, place: Place, ts: str) -> None: ...
    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]: ...
    async def purge(self, before: datetime) -> int: ...


class Clock(Protocol):
    """The time, in UTC."""

    def now(self) -> datetime: ...
