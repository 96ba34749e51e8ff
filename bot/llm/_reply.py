"""A reply of the Messages API in our form."""

from collections.abc import Sequence
from typing import Any

from bot.domain.messages import Message, ModelFacts, Stop, Thinking, ToolCall, Usage
from bot.domain.outcomes import Fault, Turn
from bot.llm._facts import priced
from bot.llm._text import clean, clean_json

PARAGRAPH = "\n\n"

STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tools",
    "max_tokens": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
    "model_context_window_exceeded": "context",
}


def turn(reply: Any, facts: ModelFacts) -> Turn | Fault:
    """A whole reply as a turn; one whose stop reason nobody knows is garbage."""
    usage = used(reply, facts)
    stop = STOPS.get(reply.stop_reason or "")
    if stop is None:
        return Fault("garbage", f"unknown stop reason {str(reply.stop_reason)[:40]!r}", usage=usage)
    calls = tuple(ToolCall(*_call(block)) for block in _blocks(reply, "tool_use")) if stop in ("tools", "end") else ()
    if stop == "tools" and not calls:
        return Fault("garbage", "a stop for tools without a call", usage=usage)
    message = Message(
        role="assistant",
        text=PARAGRAPH.join(clean(block.text) for block in _blocks(reply, "text") if block.text),
        calls=calls,
        thinking=tuple(_thought(block) for block in _blocks(reply, "thinking", "redacted_thinking") if _sound(block)),
        model=facts.name,
    )
    return Turn(message, "tools" if calls else stop, usage)


def used(reply: Any, facts: ModelFacts) -> Usage:
    """Tokens and money of a reply, whole or broken off; counts that are missing are 0."""
    usage = getattr(reply, "usage", None)
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    fresh, output, read, written = (getattr(usage, name, None) for name in names)
    return priced(facts, *(count if isinstance(count, int) else 0 for count in (fresh, output, read, written)))


def _blocks(reply: Any, *kinds: str) -> Sequence[Any]:
    return [block for block in reply.content if block.type in kinds]


def _call(block: Any) -> tuple[str, str, dict[str, Any]]:
    arguments = clean_json(block.input)
    return str(block.id), str(block.name), arguments if isinstance(arguments, dict) else {}


def _thought(block: Any) -> Thinking:
    if block.type == "redacted_thinking":
        return Thinking("", redacted=block.data)
    return Thinking(block.thinking, block.signature or "")


def _sound(block: Any) -> bool:
    """Reasoning is given back unchanged or not at all, so what must be cleaned cannot be kept."""
    text = block.data if block.type == "redacted_thinking" else block.thinking + (block.signature or "")
    return bool(clean(text) == text)
