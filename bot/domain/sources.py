"""Data sources as named instances, and which of them a question may use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from bot.domain.ports import AlertStore, ChangeStore, LogStore, RuleStore, SeriesStore

Need = Literal["alerts", "series", "rules", "changes", "logs", "any"]


@dataclass(frozen=True)
class Health:
    """Whether a source answers, by code; `detail` is the version or the remedy."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class Instance:
    """One configured source, such as `prom-eu`; a port it does not serve is None; `close` ends its connections.

    `trouble` says, without asking it, why its last answer could not be used; empty when it could.
    """

    name: str
    kind: str
    env: str
    health: Callable[[], Awaitable[Health]]
    cluster: str = ""
    url: str = ""
    alerts: AlertStore | None = None
    series: SeriesStore | None = None
    rules: RuleStore | None = None
    changes: ChangeStore | None = None
    logs: LogStore | None = None
    close: Callable[[], Awaitable[None]] | None = None
    trouble: Callable[[], str] = str

    @property
    def shown(self) -> str:
        """Where it stands, for people: `prod · eu-1`."""
        return " · ".join(part for part in (self.env, self.cluster) if part)

    def serves(self, need: Need) -> bool:
        """Whether it has the port that is needed."""
        return need == "any" or getattr(self, need) is not None


@dataclass(frozen=True)
class Sources:
    """The instances in scope, in the order they were configured."""

    instances: tuple[Instance, ...] = ()

    def of(self, need: Need) -> tuple[Instance, ...]:
        """Those that serve a port."""
        return tuple(i for i in self.instances if i.serves(need))

    def within(self, envs: tuple[str, ...]) -> "Sources":
        """Those of the given environments; none given means all."""
        return Sources(tuple(i for i in self.instances if not envs or i.env in envs))

    @property
    def envs(self) -> tuple[str, ...]:
        """The environments, each once, in order."""
        return tuple(dict.fromkeys(i.env for i in self.instances))
