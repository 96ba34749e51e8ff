"""Transcripts as the agent hands them to a model, made of facts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.agent.prompt import Brief, first_message
from bot.domain.evidence import Found
from bot.domain.messages import Ask, Message, ToolResult
from bot.domain.outcomes import Turn
from bot.domain.tools import Desk, Role, Tool
from bot.domain.window import Window
from bot.llm.playbook import Playbook

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW.replace(hour=11), NOW)


def offered(role: Role, **fields: str) -> Tool:
    """A tool with a name that says nothing of its role."""

    async def run(desk: Desk) -> Found:
        return Found("", "", "")

    properties = {name: {"type": kind} for name, kind in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    return Tool(f"tool_{role[::-1]}", "", schema, run, role, "any")


TOOLS = (
    offered("alerts"), offered("movers"), offered("changes"), offered("signals", service="string"),
    offered("range", query="string"), offered("rules"),
)  # fmt: skip


def result(role: Role, id: str, **facts: Any) -> ToolResult:
    """What a tool of a role gave."""
    return ToolResult("", f"tool_{role[::-1]}", "text", id, facts)


def alert(name: str, service: str, since: str = "2026-11-23T11:50:00Z", **more: str) -> dict[str, Any]:
    """A firing alert."""
    return {
        "name": name, "service": service, "severity": "critical", "state": "active", "since": since,
        "summary": f"{service} is bad", "labels": {}, "expr": "sum(rate(bad[1m])) > 0.5", **more,
    }  # fmt: skip


def mover(service: str, since: str = "2026-11-23T11:48:00Z", **more: Any) -> dict[str, Any]:
    """A mover."""
    return {
        "service": service, "signal": "errors (hits_total)", "kind": "errors", "query": "q", "unit": "ratio",
        "before": 0.01, "now": 0.35, "size": 70.0, "direction": "up", "since": since, "score": 0.9,
        "reason": "1 % → 35 %", **more,
    }  # fmt: skip


def cause(service: str, **more: Any) -> dict[str, Any]:
    """A cause."""
    return {
        "service": service, "signal": "errors (hits_total)", "since": "2026-11-23T11:48:00Z", "confidence": "confirmed",
        "reason": "errors (hits_total) 1 % → 35 %", "next_check": f"roll {service} back", "kind": "change",
        "headline": "errors 1 % → 35 %", "affects": [], **more,
    }  # fmt: skip


def seen(*causes: dict[str, Any], movers: Sequence[dict[str, Any]] = (), services: Sequence[str] = ()) -> ToolResult:
    """What the movers' tool gave."""
    return result(
        "movers", "E2", movers=list(movers), causes=list(causes), cause=causes[0] if causes else None,
        graph={"front": ["shop"], "shop": ["pay"]}, services=list(services or ("front", "pay", "shop")), looked_at=40,
    )  # fmt: skip


def fires(*alerts: dict[str, Any]) -> ToolResult:
    """What the alerts' tool gave."""
    return result("alerts", "E1", alerts=list(alerts))


def opening(question: str, *given: ToolResult, zone: str = "UTC", subject: str = "") -> Message:
    """The first message of an investigation."""
    return first_message(Brief(question, NOW, WINDOW, zone, ("prod",), subject=subject), given)


async def turn(*messages: Message, tools: Sequence[Tool] = TOOLS) -> Turn:
    """The playbook's turn over a transcript."""
    made = await Playbook().turn(Ask("", messages), tools, lambda text: None)
    assert isinstance(made, Turn)
    return made


async def answer(question: str, *given: ToolResult, zone: str = "UTC", subject: str = "") -> str:
    """The playbook's answer when there is nothing left to call."""
    made = await turn(opening(question, *given, zone=zone, subject=subject), tools=())
    return made.message.text


def head_of(text: str) -> list[str]:
    """The head's lines."""
    return text.partition("\n\n")[0].split("\n")


def cause_of(text: str) -> dict[str, str] | None:
    """What the last line says to code."""
    found: dict[str, str] | None = json.loads(text.rpartition("\nCAUSE ")[2])
    return found
