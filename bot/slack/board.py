"""What is still to be shown of an investigation under way: last write wins, complete lines only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.events import Draft, Event, Facts, Planned, Status, Task

Json = dict[str, Any]
MAX_DETAIL, MAX_TITLE = 200, 150
MAX_PIECE = 2_500  # characters; at four bytes each still one message's worth
MAX_KEPT = 4_000


@dataclass
class Board:
    """Takes events at any speed; gives chunks for a stream, or the whole as text."""

    clean: Callable[[str], str]
    tag: str = ""
    plan: str = ""
    facts: str = ""
    status: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    text: str = ""
    head_is_new: bool = False
    _tail: str = ""
    _raw: str = ""
    _ready: str = ""
    _plan_is_new: bool = False
    _changed: set[str] = field(default_factory=set)
    _out: tuple[bool, set[str], str] = (False, set(), "")

    def take(self, event: Event) -> None:
        """Note one event; nothing is cleaned or sent here."""
        match event:
            case Facts(text) if text != self.facts:
                self.facts, self.head_is_new = text, True
            case Status(text) if text != self.status:
                self.status, self.head_is_new = text, True
            case Planned(title) if title != self.plan:
                self.plan, self._plan_is_new = title, True
            case Task(id) if self.tasks.get(id) != event:
                self.tasks[id] = event
                self._changed.add(id)
            case Draft(text):
                lines, newline, self._tail = (self._tail + text).rpartition("\n")
                self._raw += lines + newline

    @property
    def is_drawn(self) -> bool:
        """Whether everything but the head has been given out."""
        return not (self._plan_is_new or self._changed or self._raw or self._ready)

    def chunks(self, *, afresh: bool = False) -> list[Json]:
        """Give out what is new, as chunks of a stream; `drawn` or `undrawn` must follow.

        `afresh` names the plan and the open tasks again, for a new message.
        """
        self._ready += self.clean(self._raw)
        self._raw = ""
        piece = self._ready if len(self._ready) <= MAX_PIECE else _whole_lines(self._ready[:MAX_PIECE])
        self._out = (self._plan_is_new, self._changed, piece)
        found: list[Json] = []
        if self.plan and (self._plan_is_new or afresh):
            found.append({"type": "plan_update", "title": self._line(self.plan, MAX_TITLE)})
        wanted = self._changed | {name for name, task in self.tasks.items() if afresh and task.state == "in_progress"}
        found += [self._task(task) for name, task in self.tasks.items() if name in wanted]
        if piece:
            found.append({"type": "markdown_text", "text": piece})
        self._ready = self._ready[len(piece) :]
        self._plan_is_new, self._changed = False, set()
        return found

    def drawn(self) -> None:
        """What was given out stands in Slack, or is let go."""
        self.text = (self.text + self._out[2])[-MAX_KEPT:]
        self._out = (False, set(), "")

    def undrawn(self) -> None:
        """What was given out was not taken; it is new again."""
        plan, changed, piece = self._out
        self._plan_is_new |= plan
        self._changed |= changed
        self._ready = piece + self._ready
        self._out = (False, set(), "")

    def whole(self) -> str:
        """Plan, tasks and the latest lines as text, for when there is no stream."""
        marks = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}
        tasks = [f"{marks[t.state]} {self._line(t.title, MAX_TITLE)}" for t in list(self.tasks.values())[-20:]]
        return "\n".join([self._line(self.plan, MAX_TITLE), *tasks, self.text[-2_000:]]).strip()

    def _task(self, task: Task) -> Json:
        chunk: Json = {"type": "task_update", "id": f"{self.tag}{task.id}", "title": self._line(task.title, MAX_TITLE)}
        chunk["status"] = task.state
        done = task.state in ("complete", "error")
        return chunk | ({"output": self._line(task.detail, MAX_DETAIL)} if task.detail and done else {})

    def _line(self, text: str, most: int) -> str:
        return " ".join(self.clean(text).split())[:most] or "…"


def _whole_lines(text: str) -> str:
    return text[: text.rindex("\n") + 1] if "\n" in text else text


def weight(chunks: list[Json]) -> int:
    """Bytes as Slack seems to count them: a task's details and output weigh double."""
    return sum(
        len(str(c.get("text", c.get("title", ""))).encode()) + 2 * len(str(c.get("output", "")).encode())
        for c in chunks
    )
