"""A made-up request and reply with every kind of block we read, to warm up the SDK without a network."""

import json
from typing import Any

REQUEST: dict[str, Any] = {"model": "sample", "max_tokens": 1, "messages": [{"role": "user", "content": "?"}]}

_START: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "sample",
    "content": [],
    "stop_reason": None,
}
_USAGE = {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
_BLOCKS: tuple[tuple[dict[str, Any], tuple[dict[str, Any], ...]], ...] = (
    (
        {"type": "thinking", "thinking": "", "signature": ""},
        ({"type": "thinking_delta", "thinking": "t"}, {"type": "signature_delta", "signature": "s"}),
    ),
    ({"type": "redacted_thinking", "data": "d"}, ()),
    ({"type": "text", "text": ""}, ({"type": "text_delta", "text": "t"},)),
    (
        {"type": "tool_use", "id": "c", "name": "n", "input": {}},
        ({"type": "input_json_delta", "partial_json": '{"a": 1}'},),
    ),
)


def reply() -> bytes:
    """The reply as an event stream."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**_START, "usage": _USAGE}}]
    for index, (block, deltas) in enumerate(_BLOCKS):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": _USAGE})
    events.append({"type": "message_stop"})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
