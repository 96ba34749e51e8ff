"""Alerts, silences and changes as sources report them."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.series import Labels


@dataclass(frozen=True)
class Alert:
    """A firing alert; state is active, suppressed, pending or resolved, times are UTC."""

    name: str
    labels: Labels
    starts: datetime
    annotations: Labels = field(default_factory=dict)
    state: str = "active"
    fingerprint: str = ""
    expr: str = ""
    ends: datetime | None = None


@dataclass(frozen=True)
class Silence:
    """A silence in force."""

    id: str
    matchers: tuple[str, ...]
    by: str
    comment: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Change:
    """Something people changed: a deploy, a config push; `what` reads like `payment v2.3.1 → v2.4.0`."""

    at: datetime
    what: str
    service: str = ""
    kind: str = "deploy"
