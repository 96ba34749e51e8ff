"""What the Messages API refuses with 400, so that a test fails where the real service would."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

Body = Mapping[str, Any]

_KNOWN = {
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
    "stream", "metadata", "stop_sequences", "service_tier",
}  # fmt: skip
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class Issued:
    """The thinking a server has given out: each block is bound to its text and to what stood before it."""

    def __init__(self) -> None:
        self._blocks: dict[str, tuple[str, str]] = {}

    def sign(self, body: Body, text: str) -> str:
        """A signature for thinking that answers `body`."""
        signature = f"sig-{len(self._blocks)}-{hashlib.sha256(json.dumps(text).encode()).hexdigest()[:40]}"
        self._blocks[signature] = (text, _before(body, len(body["messages"])))
        return signature

    def complaint(self, body: Body) -> str:
        """Why a thinking block that came back is refused; empty when all fit."""
        for at, entry in enumerate(body["messages"]):
            for place, block in enumerate(_blocks(entry)):
                if block["type"] != "thinking":
                    continue
                text, before = self._blocks.get(block["signature"], ("", ""))
                if (block["thinking"], _before(body, at)) != (text, before):
                    return f"messages.{at}.content.{place}: Invalid `signature` in `thinking` block"
        return ""


def complaint(body: Body) -> str:
    """The first rule a request breaks, in words; empty when it may pass."""
    return next(filter(None, (rule(body) for rule in RULES)), "")


def _shape(body: Body) -> str:
    if extra := body.keys() - _KNOWN:
        return f"{sorted(extra)[0]}: extra inputs are not permitted"
    if not body.get("model") or not body.get("messages") or body.get("max_tokens", 0) < 1:
        return "model, messages and a positive max_tokens are required"
    if not body.get("stream"):
        return "this server only streams"
    return ""


def _roles(body: Body) -> str:
    roles = [entry["role"] for entry in body["messages"]]
    if roles[0] != "user":
        return "messages: the first message must be the user's"
    if roles[-1] != "user":
        return "messages: this model takes no prefill, the last message must be the user's"
    if any(one == other for one, other in pairwise(roles)):
        return "messages: roles must alternate"
    return ""


def _texts(body: Body) -> str:
    for entry in body["messages"]:
        if not _blocks(entry):
            return "messages: content must not be empty"
        if any(block["type"] == "text" and not block["text"].strip() for block in _blocks(entry)):
            return "messages: text content must hold more than whitespace"
    return ""


def _pairs(body: Body) -> str:
    open_ids: list[str] = []
    seen: set[str] = set()
    for at, entry in enumerate(body["messages"]):
        kinds = [block["type"] for block in _blocks(entry)]
        results = [block["tool_use_id"] for block in _blocks(entry) if block["type"] == "tool_result"]
        if sorted(results) != sorted(open_ids):
            return f"messages.{at}: tool_use ids {open_ids} were answered by tool_result ids {results}"
        if "tool_result" in kinds[len(results) :]:
            return f"messages.{at}: tool_result blocks must come first"
        open_ids = [block["id"] for block in _blocks(entry) if block["type"] == "tool_use"]
        if seen & set(open_ids) or len(set(open_ids)) < len(open_ids):
            return f"messages.{at}: tool_use ids must be unique"
        if not all(_NAME.fullmatch(used) for used in open_ids):
            return f"messages.{at}: a tool_use id holds a sign that is not allowed"
        seen |= set(open_ids)
    return "messages: a tool_use was not answered" if open_ids else ""


def _tools(body: Body) -> str:
    names = [tool["name"] for tool in body.get("tools", ())]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        return "tools: names must be unique and made of letters, digits, _ and -"
    for tool in body.get("tools", ()):
        schema = tool["input_schema"]
        if schema.get("type") != "object" or (tool.get("strict") and schema.get("additionalProperties") is not False):
            return f"tools.{tool['name']}: a strict schema is an object without additional properties"
    if not names and any(block["type"] == "tool_use" for entry in body["messages"] for block in _blocks(entry)):
        return "tools: must be declared when the messages hold tool_use blocks"
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "tool_choice: this model takes no forced tools"
    return ""


def _modes(body: Body) -> str:
    if body.get("thinking", {}).get("type", "adaptive") not in ("adaptive", "between_tools"):
        return "thinking.type is not supported for this model"
    if body.get("output_config", {}).get("effort", "low") not in ("low", "medium", "high", "xhigh", "max"):
        return "output_config.effort: unknown level"
    marks = json.dumps([body.get(key) for key in ("system", "tools", "messages")]).count('"cache_control"')
    return "at most 4 cache breakpoints" if marks + ("cache_control" in body) > 4 else ""


RULES: tuple[Callable[[Body], str], ...] = (_shape, _roles, _texts, _pairs, _tools, _modes)


def _blocks(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = entry["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _before(body: Body, at: int) -> str:
    return hashlib.sha256(json.dumps(list(_prefix(body, at)), sort_keys=True).encode()).hexdigest()


def _prefix(body: Body, at: int) -> Iterator[Any]:
    yield body.get("system")
    yield body.get("tools")
    yield from body["messages"][:at]
