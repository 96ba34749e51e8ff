"""Which instances a call is about, and asking them side by side: one that is down or slow is named, not waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.domain.errors import BadArguments, SourceError, SourceRefused, ToolError
from bot.domain.ports import AlertStore, ChangeStore, LogStore, RuleStore, SeriesStore
from bot.domain.sources import Instance, Need
from bot.domain.tools import Desk

T = TypeVar("T")
PATIENCE = 3.0
"""Seconds that others may still take once one instance has answered."""
ENV = "environment, cluster or source to ask; leave out for all in scope"


@dataclass(frozen=True)
class Told(Generic[T]):
    """What the instances said, in the order they are configured; `missing` names those that did not, and why."""

    answers: tuple[tuple[Instance, T], ...]
    missing: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Those that answered, for `Found.source`."""
        return ", ".join(instance.name for instance, _ in self.answers)

    @property
    def env(self) -> str:
        """Where they stand, for `Found.env`: `prod · eu-1`."""
        return ", ".join(dict.fromkeys(instance.shown for instance, _ in self.answers))

    @property
    def many(self) -> bool:
        """Whether lines must say where they come from."""
        return len({instance.shown for instance, _ in self.answers}) > 1


def scope(desk: Desk, need: Need, env: str = "") -> tuple[Instance, ...]:
    """The instances in scope that serve a port; BadArguments for an unknown environment."""
    serving = desk.sources.of(need)
    if not serving:
        names = ", ".join(instance.name for instance in desk.sources.instances) or "none"
        raise SourceRefused(f"no source in scope serves {need}; in scope: {names}")
    chosen = tuple(i for i in serving if env in ("", i.env, i.cluster, i.name, i.shown))
    if not chosen:
        known = ", ".join(dict.fromkeys(instance.shown for instance in serving))
        raise BadArguments(f"no environment or source in scope is called {env!r}; there are: {known}")
    return chosen


def alerts_of(instance: Instance) -> AlertStore:
    """Its port; SourceRefused when it has none."""
    return _port(instance, "alerts", instance.alerts)


def series_of(instance: Instance) -> SeriesStore:
    """Its port; SourceRefused when it has none."""
    return _port(instance, "series", instance.series)


def rules_of(instance: Instance) -> RuleStore:
    """Its port; SourceRefused when it has none."""
    return _port(instance, "rules", instance.rules)


def changes_of(instance: Instance) -> ChangeStore:
    """Its port; SourceRefused when it has none."""
    return _port(instance, "changes", instance.changes)


def logs_of(instance: Instance) -> LogStore:
    """Its port; SourceRefused when it has none."""
    return _port(instance, "logs", instance.logs)


def _port(instance: Instance, need: Need, port: T | None) -> T:
    if port is None:
        raise SourceRefused(f"{instance.name} serves no {need}")
    return port


async def ask(
    instances: Sequence[Instance], call: Callable[[Instance], Awaitable[T]], patience: float = PATIENCE
) -> Told[T]:
    """Every instance side by side. Raises only when none answered: BadArguments first, for the model can mend it."""
    tasks = [asyncio.ensure_future(call(instance)) for instance in instances]
    try:
        waiting = set(tasks)
        while waiting and not any(task.done() and task.exception() is None for task in tasks):
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting:
            await asyncio.wait(waiting, timeout=patience)
    finally:
        late = [task.cancel() for task in tasks]
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    return _sorted(instances, ended, late, patience)


def _sorted(
    instances: Sequence[Instance], ended: Sequence[T | BaseException], late: Sequence[bool], patience: float
) -> Told[T]:
    answers: list[tuple[Instance, T]] = []
    errors: list[ToolError] = []
    missing: list[str] = []
    for instance, result, cancelled in zip(instances, ended, late, strict=True):
        if isinstance(result, ToolError):
            errors.append(result)
            missing.append(str(result))
        elif isinstance(result, asyncio.CancelledError) and cancelled:
            missing.append(f"{instance.name} ({instance.shown}) had not answered {patience:g} s after the others")
        elif isinstance(result, BaseException):
            raise result
        else:
            answers.append((instance, result))
    if not answers:
        raise _worst(errors)
    return Told(tuple(answers), tuple(missing))


def _worst(errors: Sequence[ToolError]) -> ToolError:
    wrong = next((error for error in errors if isinstance(error, BadArguments)), None)
    if wrong is not None:
        return wrong
    first = errors[0]
    text = "; ".join(dict.fromkeys(map(str, errors)))
    return type(first)(text) if isinstance(first, SourceError) else first
