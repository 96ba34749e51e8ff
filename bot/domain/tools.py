"""A tool is a typed async function with a docstring; its schema is read from both."""

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from bot.domain.evidence import Found
from bot.domain.messages import Usage
from bot.domain.sources import Need, Sources
from bot.domain.window import Window

Role = Literal[
    "alerts", "rules", "range", "instant", "search", "signals", "movers", "changes", "health", "chart", "logs",
    "patterns", "lines", "digest", "forecast", "picture",
]  # fmt: skip
_JSON = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Digested:
    """A text condensed by a model, and what that cost."""

    text: str
    model: str
    usage: Usage


class Digester(Protocol):
    """Condenses very many lines by a model for big things; the lines' marks in brackets stay."""

    @property
    def names(self) -> tuple[str, ...]: ...
    async def digest(self, question: str, lines: Sequence[str], budget: int) -> Digested | None: ...


@dataclass(frozen=True)
class Desk:
    """What a tool works with in one investigation: the sources in scope, the window asked about, the time.

    A tool that cuts text it does not know (log lines) passes it through `redact` first.
    """

    sources: Sources
    window: Window
    now: datetime
    zone: str = "UTC"
    services: tuple[str, ...] = ()
    redact: Callable[[str], str] = str
    digester: Digester | None = None


@dataclass(frozen=True)
class Tool:
    """Something a model may call; `role` lets the playbook plan without names, `need` says which port it works on."""

    name: str
    about: str
    schema: dict[str, Any]
    run: Callable[..., Awaitable[Found]]
    role: Role
    need: Need
    timeout: float = 15.0
    max_chars: int = 6_000


def tool(role: Role, need: Need, timeout: float = 15.0, max_chars: int = 6_000) -> Callable[..., Tool]:
    """Make a tool of `async def name(desk: Desk, ...) -> Found`; every parameter after `desk` is the model's."""

    def wrap(function: Callable[..., Awaitable[Found]]) -> Tool:
        schema = _schema(function)
        return Tool(function.__name__, inspect.getdoc(function) or "", schema, function, role, need, timeout, max_chars)

    return wrap


def _schema(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    fields = {p.name: _field(p.annotation) for p in parameters}
    needed = [p.name for p in parameters if p.default is p.empty]
    return {"type": "object", "properties": fields, "required": needed, "additionalProperties": False}


def _field(annotation: Any) -> dict[str, Any]:
    if typing.get_origin(annotation) is typing.Annotated:
        inner, about = typing.get_args(annotation)[:2]
        return {**_field(inner), "description": about}
    if typing.get_origin(annotation) is Literal:
        return {"type": "string", "enum": list(typing.get_args(annotation))}
    if typing.get_origin(annotation) in (list, tuple):
        return {"type": "array", "items": _field(typing.get_args(annotation)[0])}
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _field(next(a for a in typing.get_args(annotation) if a is not type(None)))
    return {"type": _JSON[annotation]}
