"""Opens what is plugged in as the settings say: model families, sources, tools, flows, and the policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from bot import flows as flow_room
from bot import llm, sources, tools
from bot.agent.budget import Budget
from bot.agent.guarded import Guarded
from bot.agent.route import FALLBACK, TABLE
from bot.domain.errors import SetupError
from bot.domain.plugin import Flow, Provider, Source, SourceHead
from bot.domain.ports import Model
from bot.domain.sources import Sources
from bot.domain.tools import Tool
from bot.flows.deps import Policy, Scope
from bot.plugins import discover
from bot.settings import Settings


@dataclass
class Registry:
    """Models by name, opened on first use: `claude:claude-opus-5-5`, `playbook`."""

    settings: Settings
    opened: dict[str, Model] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The route, best first; the playbook, which needs no model, always last."""
        named = self.settings.nightjar_models or (("claude",) if self._has_claude else ())
        return (*(name for name in self._full(named) if name != FALLBACK), FALLBACK)

    @property
    def compared(self) -> tuple[str, ...]:
        """The two that are to be compared, none where the route decides; SetupError for one alone, or three."""
        named = self._full(self.settings.compare)
        if named and len(set(named)) != 2:
            raise SetupError(f"compare: takes two different models, and {', '.join(named)} is set")
        return named

    def _full(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(n if ":" in n or n == FALLBACK else f"{n}:{self._family(n).default}" for n in names)

    @property
    def _has_claude(self) -> bool:
        return bool(self.settings.anthropic_api_key.get_secret_value() or self.settings.models.get("claude"))

    @staticmethod
    def _family(name: str) -> Provider[Any]:
        if name not in (known := providers()):
            raise SetupError(f"no model family is called {name!r}; there are: {', '.join(known)}")
        return known[name]

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Those of channels, of tasks and of comparisons, too."""
        tables = (*(c.models for c in self.settings.channels.values()), *self.settings.route.values())
        return tuple(dict.fromkeys((*self.names, *self.compared, *(name for names in tables for name in names))))

    def get(self, name: str) -> Model:
        """The model of that name; SetupError for an unknown family or wrong settings."""
        if name not in self.opened:
            family, _, model = name.partition(":")
            provider = self._family(family)
            given = _claude_settings(self.settings) if family == "claude" else {}
            table = {**given, **self.settings.models.get(family, {})}
            opened = provider.open(_fill(provider.settings, table, f"models.{family}"), model)
            self.opened[name] = opened if family == FALLBACK else Guarded(opened)
        return self.opened[name]


def _claude_settings(settings: Settings) -> dict[str, Any]:
    given = {"api_key": settings.anthropic_api_key, "base_url": settings.anthropic_base_url}
    return {key: value for key, value in given.items() if value}


def providers() -> dict[str, Provider[Any]]:
    """The model families that are plugged in."""
    return discover(llm, "PROVIDER", Provider)


def source_kinds() -> dict[str, Source[Any]]:
    """The kinds of source that are plugged in."""
    return discover(sources, "SOURCE", Source)


def all_tools() -> tuple[Tool, ...]:
    """The tools that are plugged in, in the order of their names."""
    return tuple(discover(tools, "TOOL", Tool).values())


def all_flows() -> dict[str, Flow]:
    """The flows that are plugged in."""
    return discover(flow_room, "FLOW", Flow)


def source_tables(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every configured instance by name; a single PROMETHEUS_URL is the short form of one."""
    short = {"prometheus": settings.prometheus_url, "alertmanager": settings.alertmanager_url}
    tables = {kind: {"kind": kind, "url": url, "env": settings.nightjar_env} for kind, url in short.items() if url}
    return {**tables, **settings.sources}


def open_sources(settings: Settings) -> Sources:
    """Open each configured instance; nothing connects yet. SetupError names what does not fit."""
    kinds, opened = source_kinds(), []
    for name, table in source_tables(settings).items():
        of = table.get("kind", name)
        if (kind := kinds.get(of)) is None:
            raise SetupError(f"sources.{name}: no kind is called {of!r}; there are: {', '.join(kinds)}")
        head = SourceHead(name, str(table.get("env", settings.nightjar_env)), str(table.get("cluster", "")))
        rest = {key: value for key, value in table.items() if key not in ("kind", "env", "cluster")}
        opened.append(kind.open(head, _fill(kind.settings, rest, f"sources.{name}")))
    return Sources(tuple(opened))


def _fill(kind: type[BaseModel], table: Mapping[str, Any], where: str) -> Any:
    try:
        return kind(**table)
    except ValidationError as error:
        lines = [f"{where}.{'.'.join(str(p) for p in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise SetupError("the settings do not fit:\n  " + "\n  ".join(lines)) from error


def _route(settings: Settings) -> dict[str, tuple[str, ...]]:
    for task in settings.route:
        if task not in TABLE:
            raise SetupError(f"route: no task is called {task!r}; there are: {', '.join(TABLE)}")
    return settings.route


def policy(settings: Settings, models: tuple[str, ...], compare: tuple[str, ...] = ()) -> Policy:
    """What the settings decide for flows."""
    limits = settings.limits
    return Policy(
        patterns=settings.channel_patterns,
        listed=settings.channel_list,
        join=settings.channel_join,
        models=models,
        compare=compare,
        budget=Budget(limits.turns, limits.tool_calls, limits.tokens, limits.seconds, limits.usd),
        usd_per_day=limits.usd_per_day,
        route=_route(settings),
        scopes={
            name: Scope(c.envs, c.services, c.models, c.in_house, c.days_kept) for name, c in settings.channels.items()
        },
        money_channel=settings.money_channel,
        link_hosts=settings.link_hosts,
        keep_days=settings.keep_days,
    )
