"""The shapes that plugin files declare: one file, one constant."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from bot.domain.messages import JSON
from bot.domain.ports import Model, Steps
from bot.domain.sources import Instance

S = TypeVar("S", bound=BaseModel)


class Plugin(Protocol):
    """Whatever a plugin file declares has a name, unique in its room."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class SourceHead:
    """What every source instance has: its name in the settings, its environment and cluster."""

    name: str
    env: str = "default"
    cluster: str = ""


@dataclass(frozen=True)
class Source(Generic[S]):
    """A kind of source: its settings and how an instance is opened (`SOURCE` in a file of `sources/`)."""

    name: str
    settings: type[S]
    open: Callable[[SourceHead, S], Instance]
    about: str = ""


@dataclass(frozen=True)
class Provider(Generic[S]):
    """A model family (`PROVIDER` in a file of `llm/`); `open` takes the model's name after the colon."""

    name: str
    settings: type[S]
    open: Callable[[S, str], Model]
    default: str = ""
    about: str = ""


@dataclass(frozen=True)
class Flow:
    """A durable flow (`FLOW` in a file of `flows/`): `run(steps, deps, payload)`; the payload is JSON.

    With `every`, a cron line in UTC, it also runs at those times, in one process of all; its payload is then None.
    """

    name: str
    run: Callable[[Steps, Any, JSON], Awaitable[JSON]]
    every: str = ""


@dataclass(frozen=True)
class Heard:
    """A command as someone gave it, by `/oncall` or in a thread."""

    place: Any
    person: str
    rest: str
    ts: str
    key: str
    slash: bool
    response_url: str = ""
    trigger: str = ""


@dataclass(frozen=True)
class Command:
    """A command (`COMMAND` in a file of `slack/commands/`), reachable as `/oncall x` and as `@nightjar x`."""

    name: str
    about: str
    usage: str
    run: Callable[[Heard, Any, Mapping[str, "Command"]], Awaitable[None]]


@dataclass(frozen=True)
class Action:
    """A button or a modal (`ACTION` in a file of `slack/actions/`): run gets Slack's payload as it came.

    With `starts` it runs before the ack, as it starts a flow by one write, and calls Slack only after that.
    """

    name: str
    run: Callable[[dict[str, Any], Any], Awaitable[None]]
    view: bool = False
    starts: bool = False
