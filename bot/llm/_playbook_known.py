"""What the transcript already holds: facts of tool results, by role."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.messages import Message, ToolResult
from bot.domain.tools import Tool

_BY_FACT = {
    "alerts": "alerts", "rules": "rules", "series": "range", "graph": "movers", "changes": "changes",
    "movers": "signals", "logs": "logs", "breaches": "forecast",
    "picture": "picture",
}  # fmt: skip
"""What facts tell of a role when the tool is not on offer any more; the first key found counts."""


@dataclass(frozen=True)
class Piece:
    """One result: its role, evidence id and facts."""

    role: str
    id: str
    facts: dict[str, Any]
    name: str


@dataclass(frozen=True)
class Known:
    """All results since the question, and what failed."""

    question: str
    pieces: tuple[Piece, ...] = ()
    failed: tuple[str, ...] = ()
    closing: bool = False
    rounds: int = 0
    joined: tuple[str, ...] = field(default=())

    def all(self, role: str) -> list[Piece]:
        """Every piece of a role, in order."""
        return [piece for piece in self.pieces if piece.role == role]

    def first(self, role: str) -> Piece | None:
        """The first piece of a role."""
        return next(iter(self.all(role)), None)

    def rows(self, role: str, key: str) -> list[dict[str, Any]]:
        """The facts of a role, of all its pieces."""
        return [row for piece in self.all(role) for row in piece.facts.get(key) or ()]

    def id(self, role: str) -> str:
        """` [E2]`, or nothing when there is no such evidence."""
        piece = self.first(role)
        return f" [{piece.id}]" if piece and piece.id else ""


def read(messages: Sequence[Message], tools: Sequence[Tool]) -> Known:
    """Everything since the last question that a person asked."""
    roles = {tool.name: tool.role for tool in tools}
    starts = [i for i, m in enumerate(messages) if m.role == "user" and m.text.startswith("Question: ")]
    texts = [i for i, m in enumerate(messages) if m.role == "user" and m.text and not any(r.call_id for r in m.results)]
    start = (starts or texts[:1] or [0])[-1]
    since = messages[start:]
    results = [r for m in since for r in m.results]
    later = [m.text for m in since[1:] if m.role == "user" and m.text]
    return Known(
        question=since[0].text if since else "",
        pieces=tuple(_piece(r, roles) for r in results if not r.failed),
        failed=tuple(f"{r.name.replace('_', ' ')}: {r.text.partition(chr(10))[0][:160]}" for r in results if r.failed),
        closing=any("Answer now" in text for text in later),
        rounds=sum(bool(m.calls) for m in since),
        joined=tuple(text for text in later if "Answer now" not in text),
    )


def _piece(result: ToolResult, roles: dict[str, Any]) -> Piece:
    role = roles.get(result.name) or next((r for key, r in _BY_FACT.items() if key in result.facts), "")
    return Piece(role, result.evidence_id, result.facts, result.name)
