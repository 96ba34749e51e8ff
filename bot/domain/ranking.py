"""Which services and metrics moved at an incident, the likeliest cause first."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Moved:
    """One metric of a service: `size` in robust units (positive is up), when it changed (the table's unit of time;
    None where that cannot be said), the usual level and the new one."""

    service: str
    metric: str
    size: float
    since: float | None
    before: float
    now: float


@dataclass(frozen=True)
class Ranked:
    """A service: `score` orders a list (highest first), `moved` are its metrics, the most telling first; `why` says in
    a few words what speaks for it, `lines` are the log lines that do (ids from 1 in the log that was given)."""

    service: str
    score: float
    since: float | None
    moved: tuple[Moved, ...]
    why: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """Services and metrics, likeliest cause first. With `changed` False nothing moved beyond what is usual: both may
    still be ranked, but neither is to be reported."""

    changed: bool
    services: tuple[Ranked, ...] = ()
    metrics: tuple[Moved, ...] = ()
