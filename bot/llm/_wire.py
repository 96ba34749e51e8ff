"""Our transcript in the form the Messages API takes, valid whatever history it is cut from."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.domain.messages import Ask, Message, ModelFacts, Thinking, ToolResult
from bot.domain.tools import Tool
from bot.llm._text import clean, clean_json
from bot.llm._turns import turns

Block = dict[str, Any]

_CACHED = {"type": "ephemeral"}
_NO_RESULT = "no result of this call was kept"
_BEGINNING = "(The beginning of this conversation was left out.)"
_GO_ON = "Go on."
UNSEEN = "(A picture was posted here, which you cannot see.)"


def body(ask: Ask, tools: Sequence[Tool], facts: ModelFacts, *, thinking: bool = True) -> dict[str, Any]:
    """The request: tools and system are the cached prefix, a second breakpoint moves with the messages.

    `thinking` gives the model its own reasoning back; without it the request holds none.
    """
    transcript = _Transcript(facts, thinking=thinking)
    for role, group in turns(ask.messages):
        transcript.add(role, group)
    messages = transcript.close()
    request: dict[str, Any] = {
        "model": facts.name,
        "max_tokens": min(ask.max_output_tokens, facts.max_output_tokens),
        "messages": messages,
        "cache_control": _CACHED,
        **_offered(tools, transcript.named),
    }
    if ask.system.strip():
        request["system"] = [{"type": "text", "text": clean(ask.system), "cache_control": _CACHED}]
    output: dict[str, Any] = {"format": {"type": "json_schema", "schema": ask.schema}} if ask.schema else {}
    if facts.thinks:
        request["thinking"] = {"type": "adaptive", "display": "summarized"}
        output["effort"] = ask.effort
    if output:
        request["output_config"] = output
    return request


def holds_thinking(request: dict[str, Any]) -> bool:
    """Whether reasoning is given back in this request."""
    return any("thinking" in block["type"] for entry in request["messages"] for block in entry["content"])


def _offered(tools: Sequence[Tool], named: Iterable[str]) -> dict[str, Any]:
    """The tools; where none may be called, those the history names must still be declared."""
    if tools:
        return {"tools": [_tool(tool) for tool in tools]}
    gone = [{"name": name, "description": "", "input_schema": {"type": "object"}} for name in dict.fromkeys(named)]
    return {"tools": gone, "tool_choice": {"type": "none"}} if gone else {}


def _tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.about, "input_schema": tool.schema, "strict": True}


class _Transcript:
    """Builds the messages: roles alternate, the user begins and ends, every call has exactly one result."""

    def __init__(self, facts: ModelFacts, *, thinking: bool) -> None:
        self._model, self._sees, self._thinking = facts.name, facts.sees, thinking
        self._entries: list[dict[str, Any]] = []
        self._open: list[tuple[str, str]] = []
        self._used: set[str] = set()
        self.named: list[str] = []

    def add(self, role: str, group: Sequence[Message]) -> None:
        """The next messages of one role."""
        if role == "user":
            self._push(
                "user", [*self._answered(group), *(block for message in group for block in self._posted(message))]
            )
            return
        if not self._entries:
            self._push("user", [_text(_BEGINNING)])
        self._push("assistant", [block for message in group for block in self._said(message)])

    def close(self) -> list[dict[str, Any]]:
        """All of them; new models refuse a request that ends with their own words."""
        self._push("user", list(self._answered(())))
        if not self._entries or self._entries[-1]["role"] == "assistant":
            self._push("user", [_text(_GO_ON)])
        return self._entries

    def _push(self, role: str, blocks: list[Block]) -> None:
        if not blocks:
            return
        if self._entries and self._entries[-1]["role"] == role:
            self._entries[-1]["content"].extend(blocks)
        else:
            self._entries.append({"role": role, "content": blocks})

    def _answered(self, group: Sequence[Message]) -> Iterator[Block]:
        """A result for each open call, in call order; what answers no open call is left out."""
        given: dict[str, list[ToolResult]] = {}
        for result in (result for message in group for result in message.results):
            given.setdefault(result.call_id, []).append(result)
        for call_id, wire_id in self._open:
            kept = given.get(call_id)
            yield _result(wire_id, kept.pop(0) if kept else None)
        self._open = []

    def _posted(self, message: Message) -> Iterator[Block]:
        for image in message.images:
            source = {"type": "base64", "media_type": image.media_type, "data": image.data}
            yield {"type": "image", "source": source} if self._sees else _text(UNSEEN)
        yield from _texts((message,))

    def _said(self, message: Message) -> Iterator[Block]:
        text = list(_texts((message,)))
        if self._thinking and message.model == self._model and (text or message.calls):
            yield from (_thought(thinking) for thinking in message.thinking if thinking.signature or thinking.redacted)
        yield from text
        for call in message.calls:
            name = re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:128] or "unnamed"
            self.named.append(name)
            wire_id = self._fresh(call.id)
            self._open.append((call.id, wire_id))
            yield {"type": "tool_use", "id": wire_id, "name": name, "input": clean_json(call.arguments)}

    def _fresh(self, call_id: str) -> str:
        """The same id if it may stand on the wire and stood not there before; else one by position."""
        wire_id = call_id if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) else f"call_{len(self._used) + 1}"
        while wire_id in self._used:
            wire_id += "_"
        self._used.add(wire_id)
        return wire_id


def _texts(group: Sequence[Message]) -> Iterator[Block]:
    return (_text(text) for message in group if (text := clean(message.text)).strip())


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _thought(thinking: Thinking) -> Block:
    if thinking.redacted:
        return {"type": "redacted_thinking", "data": thinking.redacted}
    return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature}


def _result(wire_id: str, result: ToolResult | None) -> Block:
    if result is None:
        return {"type": "tool_result", "tool_use_id": wire_id, "content": _NO_RESULT, "is_error": True}
    label = f"[{result.evidence_id}]"
    text = clean(result.text).strip() or "(nothing)"
    shown = text if not result.evidence_id or text.startswith(label) else f"{label} {text}"
    block = {"type": "tool_result", "tool_use_id": wire_id, "content": shown}
    return {**block, "is_error": True} if result.failed else block
