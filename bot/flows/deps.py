"""Everything a flow may use, as ports, built once by wiring."""

import fnmatch
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.agent.budget import Budget
from bot.domain.errors import SourceRefused
from bot.domain.investigations import PostedFile
from bot.domain.place import Channel
from bot.domain.ports import (
    Audit,
    Chat,
    Clock,
    Conversations,
    Engine,
    EvidenceStore,
    Files,
    History,
    Models,
    Notes,
    Replies,
    Votes,
)
from bot.domain.sources import Sources
from bot.domain.tools import Tool


@dataclass(frozen=True)
class Scope:
    """What a channel is about: environments and services; for how many days its messages are kept, 0 for not at all.

    `in_house` keeps everything from hosted models.
    """

    envs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    in_house: bool = False
    keep_days: int = 0


@dataclass(frozen=True)
class Policy:
    """What the settings decide for flows."""

    patterns: tuple[str, ...] = ("inc-*", "incident-*")
    listed: tuple[str, ...] = ()
    join: bool = True
    models: tuple[str, ...] = ("playbook",)
    route: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compare: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    usd_per_day: float = 10.0
    scopes: dict[str, Scope] = field(default_factory=dict)
    money_channel: str = ""
    link_hosts: tuple[str, ...] = ()
    keep_days: int = 400

    def is_incident(self, channel: Channel) -> bool:
        """Whether the channel, by name pattern or by list, is one incident."""
        return channel.id in self.listed or any(
            fnmatch.fnmatch(channel.name, p) for p in (*self.patterns, *self.listed)
        )

    @property
    def keeps(self) -> bool:
        """Whether any channel opted in to keeping its messages."""
        return any(scope.keep_days for scope in self.scopes.values())

    def scope(self, channel: Channel) -> Scope:
        """What the channel is about; nothing configured means everything.

        A channel whose name Slack does not tell may be any of those set by name: it is in-house when one of them is.
        """
        found = self.scopes.get(channel.id) or self.scopes.get(channel.name)
        if found is None and not channel.name and not channel.direct:
            return Scope(in_house=any(scope.in_house for scope in self.scopes.values()))
        return found or Scope()


async def _nobody_listens() -> bool:
    return False


class NoFiles:
    """The `Files` port where nobody can post any, as in the terminal."""

    async def read(self, file: PostedFile, most: int) -> bytes:
        """Nothing is to be had."""
        raise SourceRefused("files cannot be read here")


@dataclass(frozen=True)
class Deps:
    """The ports, the policy and the redactor; frozen, so that a flow cannot change the house."""

    engine: Engine
    models: Models
    tools: tuple[Tool, ...]
    sources: Sources
    chat: Chat
    replies: Replies
    conversations: Conversations
    evidence: EvidenceStore
    audit: Audit
    votes: Votes
    notes: Notes
    history: History
    clock: Clock
    policy: Policy = Policy()
    redact: Callable[[str], str] = str
    beat: Callable[[], Awaitable[bool]] = _nobody_listens
    files: Files = field(default_factory=NoFiles)
