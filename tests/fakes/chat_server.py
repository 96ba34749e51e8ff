"""A loopback server that speaks chat completions as an event stream, from the same scripts as the Messages server.

`tells` is what it says of itself beside that: answers by path, such as `/v1/models` or `/props`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.messages_server import (
    ERRORS,
    Block,
    Call,
    Ending,
    MessagesServer,
    Page,
    Redacted,
    Refused,
    Reply,
    Request,
    Said,
    Script,
    Text,
    Think,
)

STOPS = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}


def complaint(body: Mapping[str, Any], *, single: bool = False) -> str:
    """What a chat-completions server would refuse; empty when nothing. `single` is a template of one call a turn."""
    messages = body["messages"]
    if not body.get("stream") or not messages or messages[-1]["role"] not in ("user", "tool"):
        return "the last message must be the user's or a tool's"
    waiting: list[str] = []
    seen: set[str] = set()
    for number, entry in enumerate(messages):
        role = entry["role"]
        if role == "system" and number:
            return "a system message must stand first"
        if role != "tool" and waiting:
            return f"no result for {waiting}"
        if role == "tool":
            if entry["tool_call_id"] not in waiting:
                return f"a result for no call: {entry['tool_call_id']}"
            waiting.remove(entry["tool_call_id"])
        calls = entry.get("tool_calls") or []
        if single and len(calls) > 1:
            return "This model only supports single tool-calls at once!"
        for call in calls:
            if call["id"] in seen:
                return f"the id {call['id']} stands twice"
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                return "arguments must be an object"
            seen.add(call["id"])
            waiting.append(call["id"])
        if role == "assistant" and not calls and not entry.get("content"):
            return "an empty message"
    return f"no result for {waiting}" if waiting else ""


class ChatServer(MessagesServer):
    """Keeps every request; refuses those that break the rules unless `strict` is off; `single` is one call a turn."""

    def __init__(
        self, script: Script, *, strict: bool = True, single: bool = False, tells: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(script, strict=False)
        self._rules, self._single, self._tells = strict, single, tells or {}
        self.looks: list[str] = []

    async def __aenter__(self) -> "ChatServer":
        await super().__aenter__()
        return self

    @property
    def v1(self) -> str:
        """The address to give to a client."""
        return f"{self.url}/v1"

    def _reply(self, request: Request) -> Reply:
        if not request.path.endswith("/chat/completions"):
            self.requests.remove(request)
            self.looks.append(request.path)
            told = self._tells.get(request.path)
            return Page(json.dumps(told).encode(), "application/json") if told is not None else Refused(404)
        if self._rules and (wrong := complaint(request.body, single=self._single)):
            return Refused(400, "invalid_request_error", wrong)
        return super()._reply(request)

    def _framed(self, event: Mapping[str, Any]) -> bytes:
        return f"data: {json.dumps(event)}\n\n".encode()

    def _last(self) -> bytes:
        return b"data: [DONE]\n\n"

    def _events(self, body: Mapping[str, Any], said: Said) -> Iterator[dict[str, Any]]:
        base = {"id": "chatcmpl-local", "object": "chat.completion.chunk", "model": body["model"]}

        def chunk(delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
            kind = "content_block_delta" if delta and "role" not in delta else ""
            return {**base, "type": kind, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

        yield chunk({"role": "assistant", "content": ""})
        index = -1
        for block in said.blocks:
            index += isinstance(block, Call)
            yield from (chunk(delta) for delta in self._deltas(block, said.piece, index))
        yield chunk({}, STOPS.get(said.stop, said.stop))
        counts = {
            "prompt_tokens": said.usage.get("input_tokens", 0),
            "completion_tokens": said.usage.get("output_tokens", 0),
        }
        yield {**base, "type": "", "choices": [], "usage": counts}

    def _deltas(self, block: Block, size: int, index: int) -> Iterator[dict[str, Any]]:
        match block:
            case Text(text):
                yield from ({"content": text[at : at + size]} for at in range(0, len(text), size))
            case Think(text):
                yield {"reasoning_content": text}
            case Redacted():
                return
            case Call(name, arguments, given):
                self._calls += 1
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                head = {"index": index, "id": given or f"call_{self._calls}", "type": "function"}
                yield {"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]}
                for at in range(0, len(text), size):
                    yield {"tool_calls": [{"index": index, "function": {"arguments": text[at : at + size]}}]}

    def _break_at(self, events: Sequence[Mapping[str, Any]], ending: Ending) -> int:
        return len(events) - 2 if ending == "unstopped" else super()._break_at(events, ending)

    def _error(self, kind: str) -> bytes:
        error = {"type": kind, "message": "No more for now", "code": ERRORS[kind]}
        return f"data: {json.dumps({'error': error})}\n\n".encode()

    def _ping(self) -> bytes:
        return b": ping\n\n"
