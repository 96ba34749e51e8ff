"""A streamed message as it grows: text, plan, task cards and blocks, in the order they came."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 11_000  # a streamed message's whole size; seen between 10.6 and 11.3 KB
MAX_AGE_S = 300.0  # counted from the start, however active the stream is
MAX_MARKDOWN = 12_000  # characters of one markdown_text
TASK_STATES = ("pending", "in_progress", "complete", "error")


@dataclass
class Stream:
    """The parts drawn so far, what they weigh, and whether more may come."""

    started: float
    recipient: str = ""
    mode: str = "timeline"
    state: str = "in_progress"
    parts: list[dict[str, Any]] = field(default_factory=list)

    def is_open(self, now: float) -> bool:
        """Whether a chunk would still be taken at `now`; past its age the stream is dead for good."""
        if self.state == "in_progress" and now - self.started >= MAX_AGE_S:
            self.state = "errored"
        return self.state == "in_progress"

    def text(self) -> str:
        """All Markdown so far."""
        return "".join(part["text"] for part in self.parts if part["type"] == "markdown")

    def size(self) -> int:
        """Bytes in UTF-8 as Slack seems to count them: a task's details and output weigh double."""
        return sum(_weight(part) for part in self.parts)

    def with_chunks(self, chunks: Sequence[dict[str, Any]]) -> "Stream":
        """A copy with the chunks drawn in; the caller decides whether it is allowed to be kept."""
        grown = Stream(self.started, self.recipient, self.mode, self.state, [dict(part) for part in self.parts])
        for chunk in chunks:
            _DRAW[chunk["type"]](grown, chunk)
        return grown

    def draw_text(self, chunk: dict[str, Any]) -> None:
        """Text joins the text before it."""
        if self.parts and self.parts[-1]["type"] == "markdown":
            self.parts[-1]["text"] += chunk["text"]
        else:
            self.parts.append({"type": "markdown", "text": chunk["text"]})

    def draw_plan(self, chunk: dict[str, Any]) -> None:
        """The plan's title; the plan stands where it was first named."""
        self._plan()["title"] = chunk["title"]

    def draw_task(self, chunk: dict[str, Any]) -> None:
        """A task is updated by its id; text of details and output is appended, the rest replaced."""
        home = self._plan().setdefault("tasks", []) if self.mode == "plan" else self.parts
        card = next((c for c in home if c["type"] == "task_card" and c["task_id"] == chunk["id"]), None)
        if card is None:
            card = {"type": "task_card", "task_id": chunk["id"], "title": "", "status": "pending"}
            home.append(card)
        card.update({key: chunk[key] for key in ("title", "status", "sources") if chunk.get(key)})
        for key in ("details", "output"):
            if chunk.get(key):
                card[key] = f"{card.get(key, '')}{chunk[key]}"

    def draw_blocks(self, chunk: dict[str, Any]) -> None:
        """Blocks stand where they came."""
        self.parts.extend(chunk["blocks"])

    def _plan(self) -> dict[str, Any]:
        plan = next((part for part in self.parts if part["type"] == "plan"), None)
        if plan is None:
            plan = {"type": "plan", "title": "", "tasks": []}
            self.parts.append(plan)
        return plan


def _weight(part: dict[str, Any]) -> int:
    if part["type"] == "plan":
        return len(part["title"].encode()) + sum(_weight(task) for task in part["tasks"])
    if part["type"] == "task_card":
        double = sum(len(str(part.get(key, "")).encode()) for key in ("details", "output"))
        return len(part["title"].encode()) + 2 * double
    return len(part["text"].encode()) if part["type"] == "markdown" else 0


_DRAW = {
    "markdown_text": Stream.draw_text,
    "plan_update": Stream.draw_plan,
    "task_update": Stream.draw_task,
    "blocks": Stream.draw_blocks,
}
CHUNK_TYPES = tuple(_DRAW)
