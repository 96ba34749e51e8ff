"""A stream of chat-completion chunks in our form."""

import json
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.messages import Message, ModelFacts, Stop, ToolCall, Usage
from bot.domain.outcomes import Fault, Turn
from bot.domain.tools import Tool
from bot.llm import _chat_calls, _faults
from bot.llm._facts import priced
from bot.llm._text import clean, clean_json

STOPS: dict[str, Stop] = {
    "stop": "end",
    "eos": "end",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "length",
    "content_filter": "refusal",
}
_MOST_CALLS = 32


@dataclass
class _Open:
    """A call whose pieces come one by one."""

    id: str = ""
    name: str = ""
    text: str = ""


@dataclass
class Reading:
    """Reads one stream: shows text as it comes, and knows what was used when the stream breaks.

    `wrong` says what the model is to mend when its call could not be read.
    """

    facts: ModelFacts
    tools: Sequence[Tool]
    show: Callable[[str], None]
    text: str = ""
    shown: int = 0
    calls: dict[int, _Open] = field(default_factory=dict)
    reason: str = ""
    counted: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""
    seen: bool = False

    @property
    def usage(self) -> Usage:
        """Tokens and money so far; where the server does not count, output is estimated from the text."""
        cached = (self.counted.get("prompt_tokens_details") or {}).get("cached_tokens")
        read = cached if isinstance(cached, int) else 0
        prompt = self._count("prompt_tokens")
        output = self._count("completion_tokens") or math.ceil(len(self.text) / 4)
        return priced(self.facts, max(0, prompt - read), output, read, 0)

    def _count(self, name: str) -> int:
        value = self.counted.get(name)
        return value if isinstance(value, int) and value > 0 else 0

    @property
    def prompt_tokens(self) -> int:
        """What the server says it has read; 0 where it does not say."""
        return self._count("prompt_tokens")

    async def read(self, lines: AsyncIterator[str], alive: Callable[[], None]) -> Turn | Fault:
        """To the end; a stream that ends before its last event was cut."""
        async for line in lines:
            if not line.startswith("data:"):
                continue
            alive()
            data = line[5:].strip()
            if data == "[DONE]":
                break
            try:
                chunk = json.loads(data)
            except ValueError:
                return Fault("garbage", f"a piece that is no JSON: {clean(data)[:80]!r}", usage=self.usage)
            if not isinstance(chunk, dict):
                return Fault("garbage", "a piece that is no object", usage=self.usage)
            if chunk.get("error"):
                return replace(broken(200, chunk), usage=self.usage)
            self._take(chunk)
        if not self.seen:
            return Fault("garbage", "an event stream without a message", usage=self.usage)
        if not self.reason:
            return Fault("cut", "the stream ended before the message did", usage=self.usage)
        return self._turn()

    def _take(self, chunk: dict[str, Any]) -> None:
        self.seen = True
        if isinstance(chunk.get("usage"), dict):
            self.counted = chunk["usage"]
        choice = next(iter(chunk.get("choices") or ()), None)
        if not isinstance(choice, dict):
            return
        delta = choice.get("delta") or choice.get("message") or {}
        if isinstance(text := delta.get("content"), str) and text:
            self._say(clean(text))
        for number, part in enumerate(delta.get("tool_calls") or ()):
            self._call(part, number)
        self.reason = choice.get("finish_reason") or self.reason

    def _say(self, text: str) -> None:
        self.text += text
        if not self.tools or self.shown or not _chat_calls.may_be_call(self.text):
            self.show(self.text[self.shown :])
            self.shown = len(self.text)

    def _call(self, part: dict[str, Any], number: int) -> None:
        index = part.get("index")
        key = index if isinstance(index, int) else number
        if key not in self.calls and len(self.calls) >= _MOST_CALLS:
            return
        call, function = self.calls.setdefault(key, _Open()), part.get("function") or {}
        call.id = str(part.get("id") or call.id)
        call.name += str(function.get("name") or "")
        given = function.get("arguments")
        call.text += given if isinstance(given, str) else json.dumps(given) if given else ""

    def _turn(self) -> Turn | Fault:
        stop = STOPS.get(self.reason)
        if stop is None:
            return Fault("garbage", f"unknown stop reason {self.reason[:40]!r}", usage=self.usage)
        calls, text = self._found()
        if self.wrong:
            return Fault("garbage", self.wrong, usage=self.usage)
        if stop == "tools" and not calls:
            return Fault("garbage", "a stop for tools without a call", usage=self.usage)
        if len(text) > self.shown and not calls:
            self.show(text[self.shown :])
        message = Message("assistant", text, tuple(calls), model=self.facts.name)
        return Turn(message, "tools" if calls else stop, self.usage)

    def _found(self) -> tuple[list[ToolCall], str]:
        """The calls, made in the field for them or leaked into the text, and the text that is none."""
        by_name = {tool.name: tool for tool in self.tools}
        calls = []
        for number, call in sorted(self.calls.items()):
            given = _chat_calls.arguments(call.text)
            if given is None:
                self.wrong = f"the arguments of {call.name} are no JSON object: {clean(call.text)[:200]!r}"
                return [], self.text
            calls.append(self._made(call.id or f"call_{number}", call.name, given, by_name))
        if calls:
            return calls, self.text
        leaked = _chat_calls.leaked(self.text, self.tools) if not self.shown else []
        return [self._made(f"call_{n}", *call, by_name) for n, call in enumerate(leaked)], "" if leaked else self.text

    @staticmethod
    def _made(id: str, name: str, given: dict[str, Any], by_name: dict[str, Tool]) -> ToolCall:
        schema = by_name[name].schema if name in by_name else {}
        fitting = clean_json(_chat_calls.coerced(given, schema))
        return ToolCall(id, clean(name), fitting)


def broken(status: int, body: Any) -> Fault:
    """The fault of an error reply, in whichever shape the server words it."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        error = {"message": str(error)}
    kind, code = str(error.get("type") or ""), str(error.get("code") or "")
    message = clean(str(error.get("message") or error.get("detail") or error))
    inner = int(code) if code.isdigit() and len(code) == 3 else status
    return _faults.refused(inner if status == 200 else status, kind, code, message)
