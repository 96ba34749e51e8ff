"""Our transcript in the form a chat-completions endpoint takes, valid whatever history it is cut from."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.domain.messages import Ask, Message, ModelFacts, ToolCall, ToolResult
from bot.domain.tools import Tool
from bot.llm._text import clean, clean_json
from bot.llm._turns import turns

Entry = dict[str, Any]
_Open = tuple[str, str, ToolCall]  # our id, the id on the wire, the call

NO_RESULT = "no result of this call was kept"
UNSEEN = "(A picture was posted here, which you cannot see.)"
_BEGINNING = "(The beginning of this conversation was left out.)"
_GO_ON = "Go on."


def body(ask: Ask, tools: Sequence[Tool], facts: ModelFacts, *, temperature: float) -> dict[str, Any]:
    """The request. Where the model takes one call a turn, parallel calls of the history become turns of one call."""
    request: dict[str, Any] = {
        "model": facts.name,
        "messages": [*_system(ask.system), *_Transcript(facts).of(ask.messages)],
        "max_tokens": min(ask.max_output_tokens, facts.max_output_tokens),
        "temperature": temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tools:
        request["tools"] = [_tool(tool) for tool in tools]
        request["parallel_tool_calls"] = facts.parallel
    if ask.schema:
        answer = {"name": "answer", "schema": ask.schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": answer}
    return request


def correction(request: dict[str, Any], said: str, wrong: str) -> dict[str, Any]:
    """The same request, after a reply that could not be used."""
    more = [{"role": "assistant", "content": said[:2_000] or "(nothing)"}, {"role": "user", "content": wrong}]
    return {**request, "messages": [*request["messages"], *more]}


def _system(text: str) -> list[Entry]:
    return [{"role": "system", "content": clean(text)}] if text.strip() else []


def _tool(tool: Tool) -> Entry:
    return {"type": "function", "function": {"name": tool.name, "description": tool.about, "parameters": tool.schema}}


class _Transcript:
    """Builds the entries: the user begins and ends, every call has exactly one result, right behind its turn."""

    def __init__(self, facts: ModelFacts) -> None:
        self._facts = facts
        self._said: list[tuple[str, list[_Open]]] = []
        self._used: set[str] = set()
        self._entries: list[Entry] = []

    def of(self, messages: Sequence[Message]) -> list[Entry]:
        """All of them."""
        for role, group in turns(messages):
            if role == "assistant":
                self._said = [(clean(message.text).strip(), self._opened(message.calls)) for message in group]
                continue
            self._answer([result for message in group for result in message.results])
            for message in group:
                self._posted(message)
        self._answer(())
        if not self._entries or self._entries[-1]["role"] == "assistant":
            self._entries.append({"role": "user", "content": _GO_ON})
        return self._entries

    def _posted(self, message: Message) -> None:
        text = clean(message.text).strip()
        if message.images and not self._facts.sees:
            text = f"{UNSEEN}\n{text}".strip()
        if message.images and self._facts.sees:
            parts: list[Entry] = [
                {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data}"}}
                for image in message.images
            ]
            self._entries.append(
                {"role": "user", "content": [*parts, *([{"type": "text", "text": text}] if text else [])]}
            )
        elif text:
            self._entries.append({"role": "user", "content": text})

    def _opened(self, calls: Sequence[ToolCall]) -> list[_Open]:
        return [(call.id, self._fresh(call.id), call) for call in calls]

    def _answer(self, results: Sequence[ToolResult]) -> None:
        """What the model said in its turn, with a result for each call, in call order; any other is left out."""
        if self._said and not self._entries:
            self._entries.append({"role": "user", "content": _BEGINNING})
        given: dict[str, list[ToolResult]] = {}
        for result in results:
            given.setdefault(result.call_id, []).append(result)
        for text, calls in self._said:
            if not calls:
                self._entries.append({"role": "assistant", "content": text})
            size = max(1, len(calls)) if self._facts.parallel else 1
            answered = [
                (wire_id, call, kept.pop(0) if (kept := given.get(id_)) else None) for id_, wire_id, call in calls
            ]
            for at in range(0, len(answered), size):
                turn, words = answered[at : at + size], text if at == 0 else ""
                self._entries.append({"role": "assistant", "content": words or None, "tool_calls": list(_calls(turn))})
                self._entries += [_result(wire_id, result) for wire_id, _, result in turn]
        self._said = []

    def _fresh(self, call_id: str) -> str:
        """The same id if it may stand on the wire and stood not there before; else one by position."""
        wire_id = call_id if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call_id) else f"call_{len(self._used) + 1}"
        while wire_id in self._used:
            wire_id += "_"
        self._used.add(wire_id)
        return wire_id


def _calls(turn: Sequence[tuple[str, ToolCall, ToolResult | None]]) -> Iterator[Entry]:
    for wire_id, call, _ in turn:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:64] or "unnamed"
        arguments = json.dumps(clean_json(call.arguments), ensure_ascii=False)
        yield {"id": wire_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _result(wire_id: str, result: ToolResult | None) -> Entry:
    if result is None:
        return {"role": "tool", "tool_call_id": wire_id, "content": NO_RESULT}
    label = f"[{result.evidence_id}]"
    text = clean(result.text).strip() or "(nothing)"
    shown = text if not result.evidence_id or text.startswith(label) else f"{label} {text}"
    return {"role": "tool", "tool_call_id": wire_id, "content": f"Error: {shown}" if result.failed else shown}
