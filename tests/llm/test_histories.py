"""A history goes from one model to the other and back with nothing lost, nothing twice and nothing out of order."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.messages import Ask, Image, Message, ModelFacts, Thinking, ToolCall, ToolResult
from bot.llm import _chat_wire, _wire
from tests.fakes.chat_server import complaint as chat_complaint
from tests.fakes.messages_rules import complaint
from tests.llm.served import TOOLS

CLAUDE = ModelFacts("claude-opus-5-5", "claude", max_output_tokens=8_192, thinks=True, sees=True)
LLAMA = ModelFacts("llama-4-scout", "llama", max_output_tokens=8_192, sees=True)
SINGLE = ModelFacts("llama-3.3-70b-instruct", "llama", max_output_tokens=8_192, sees=True, parallel=False)
FAMILIES = (CLAUDE, LLAMA, SINGLE)
Part = tuple[Any, ...]
THOUGHT = "a thought of its own"

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(WORDS, JSON, max_size=3)
NAMES = st.sampled_from(["query_metrics", "search_logs", "mcp-files_read"])
IMAGES = st.builds(Image, st.sampled_from(["image/png", "image/webp"]), st.sampled_from(["aGk=", "eW91", "cGFnZQ=="]))
MODELS = st.sampled_from(["", CLAUDE.name, LLAMA.name])


@dataclass
class Draw:
    """Draws a whole history: each round is a question or nothing, what the model said, its calls and their results."""

    data: st.DataObject
    calls: int = 0
    history: list[Message] = field(default_factory=list)

    def make(self) -> tuple[Message, ...]:
        """The history; ids are unique in it, as each model's own are not across two."""
        self._user(())
        for _ in range(self.data.draw(st.integers(0, 3))):
            self._round()
        return tuple(self.history)

    def _user(self, results: tuple[ToolResult, ...]) -> None:
        more = st.lists(IMAGES, max_size=2).map(tuple)
        text = self.data.draw(WORDS if not results else WORDS | st.just(""))
        self.history.append(Message("user", text, results=results, images=self.data.draw(more)))

    def _round(self) -> None:
        calls = tuple(self._call() for _ in range(self.data.draw(st.integers(0, 3))))
        text = self.data.draw(WORDS if not calls else WORDS | st.just(""))
        thinking = self.data.draw(st.sampled_from([(), (Thinking(THOUGHT, "signed"),), (Thinking("", "", THOUGHT),)]))
        self.history.append(Message("assistant", text, calls, thinking=thinking, model=self.data.draw(MODELS)))
        results = [self._result(call) for call in calls]
        self._split(self.data.draw(st.permutations(results)))

    def _split(self, results: Sequence[ToolResult]) -> None:
        """One or more messages of the user, with words or pictures between the results, or nothing of the model's."""
        for part in range(parts := self.data.draw(st.integers(1, 3))):
            last = part == parts - 1
            taken = len(results) if last else self.data.draw(st.integers(0, len(results)))
            self._user(tuple(results[:taken]))
            results = results[taken:]
            if not last and self.data.draw(st.booleans()):
                self.history.append(Message("assistant", self.data.draw(st.sampled_from(["", " "])), model=CLAUDE.name))

    def _call(self) -> ToolCall:
        self.calls += 1
        return ToolCall(f"id{self.calls}", self.data.draw(NAMES), self.data.draw(ARGUMENTS))

    def _result(self, call: ToolCall) -> ToolResult:
        evidence = self.data.draw(st.sampled_from(["", f"E{call.id[2:]}"]))
        return ToolResult(call.id, call.name, self.data.draw(WORDS), evidence, failed=self.data.draw(st.booleans()))


def meant(history: Sequence[Message], *, single: bool = False) -> list[Part]:
    """What a history says, part by part; a turn's results follow in call order, after its calls or each after its."""
    spoken = (message for message in history if message.role == "user" or message.calls or message.text.strip())
    found: list[Part] = []
    calls: tuple[ToolCall, ...] = ()
    for role, group in ((role, list(group)) for role, group in groupby(spoken, lambda message: message.role)):
        if role == "user":
            found += answered(calls, [result for message in group for result in message.results], single=single)
        for message in group:
            found += [("image", image.media_type, image.data) for image in message.images]
            found += [("text", message.text)] if message.text else []
        calls = tuple(call for message in group for call in message.calls)
    return found


def answered(calls: Sequence[ToolCall], results: Sequence[ToolResult], *, single: bool) -> list[Part]:
    """The calls of a turn and what came of them."""
    given = {result.call_id: result for result in results}
    asked: list[Part] = [("call", call.name, call.arguments) for call in calls]
    said: list[Part] = []
    for result in (given[call.id] for call in calls):
        label = f"[{result.evidence_id}] " if result.evidence_id else ""
        said.append(("result", label + result.text, result.failed))
    return [part for pair in zip(asked, said, strict=True) for part in pair] if single else [*asked, *said]


def of_messages(request: dict[str, Any]) -> Iterator[Part]:
    """The same, read off a request of the Messages API."""
    for entry in request["messages"]:
        for block in entry["content"]:
            match block["type"]:
                case "text":
                    yield "text", block["text"]
                case "image":
                    yield "image", block["source"]["media_type"], block["source"]["data"]
                case "tool_use":
                    yield "call", block["name"], block["input"]
                case "tool_result":
                    yield "result", block["content"], block.get("is_error", False)


def of_chat(request: dict[str, Any]) -> Iterator[Part]:
    """The same, read off a chat-completions request."""
    for entry in request["messages"]:
        content = entry["content"]
        if entry["role"] == "tool":
            failed = content.startswith("Error: ")
            yield "result", content.removeprefix("Error: "), failed
            continue
        for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if part["type"] == "image_url":
                media, data = re.fullmatch(r"data:(.*?);base64,(.*)", part["image_url"]["url"]).groups()  # type: ignore[union-attr]
                yield "image", media, data
            elif part["text"]:
                yield "text", part["text"]
        for call in entry.get("tool_calls") or ():
            yield "call", call["function"]["name"], json.loads(call["function"]["arguments"])


def shown(history: Sequence[Message], facts: ModelFacts) -> list[Part]:
    """What a model of that family gets to read of a history, in a request that breaks no rule of its server."""
    asked = Ask("", tuple(history))
    if facts.provider == "claude":
        request = _wire.body(asked, TOOLS, facts)
        assert complaint({**request, "stream": True}) == ""
        return list(of_messages(request))
    request = _chat_wire.body(asked, TOOLS, facts, temperature=0.2)
    assert chat_complaint(request, single=not facts.parallel) == ""
    return list(of_chat(request))


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
@given(data=st.data())
def test_nothing_is_lost_doubled_or_moved(facts: ModelFacts, data: st.DataObject) -> None:
    """Every text, call, result with its evidence's id, and picture stands in the request once, and in order."""
    history = Draw(data).make()
    assert shown(history, facts) == meant(history, single=not facts.parallel)


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
def test_results_that_come_apart_answer_their_calls(facts: ModelFacts) -> None:
    """Words of somebody between two results of one turn lose neither, nor does a model that then said nothing."""
    calls = (ToolCall("a", "search_logs", {}), ToolCall("b", "search_logs", {}))
    history = (
        Message("user", "why?"),
        Message("assistant", calls=calls),
        Message("user", results=(ToolResult("b", "search_logs", "two"),)),
        Message("user", "look at payments"),
        Message("assistant", " "),
        Message("user", results=(ToolResult("a", "search_logs", "one"),)),
    )
    parts = shown(history, facts)
    assert [part[1] for part in parts if part[0] == "result"] == ["one", "two"]
    assert parts[-1] == ("text", "look at payments")


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
def test_calls_of_two_messages_in_a_row_keep_their_results(facts: ModelFacts) -> None:
    """A turn that was kept in pieces is one turn."""
    history = (
        Message("user", "why?"),
        Message("assistant", "first", (ToolCall("a", "search_logs", {}),)),
        Message("assistant", "then", (ToolCall("b", "search_logs", {}),)),
        Message("user", results=(ToolResult("a", "search_logs", "one"), ToolResult("b", "search_logs", "two"))),
    )
    parts = shown(history, facts)
    assert [part[1] for part in parts if part[0] == "result"] == ["one", "two"]
    assert [part[1] for part in parts if part[0] == "text"] == ["why?", "first", "then"]


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
@given(data=st.data())
def test_thinking_goes_to_its_own_model_only(facts: ModelFacts, data: st.DataObject) -> None:
    """No other model, and no other family, sees any of it; its own gets each block back."""
    history = Draw(data).make()
    own = [thinking for message in history if message.model == facts.name for thinking in message.thinking]
    if facts.provider == "claude":
        entries = _wire.body(Ask("", history), TOOLS, facts)["messages"]
        blocks = [block for entry in entries for block in entry["content"] if "thinking" in block["type"]]
        given_back = [Thinking(b.get("thinking", ""), b.get("signature", ""), b.get("data", "")) for b in blocks]
        assert given_back == own
    else:
        assert THOUGHT not in json.dumps(_chat_wire.body(Ask("", history), TOOLS, facts, temperature=0.2))


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
@given(data=st.data())
def test_ids_that_two_models_gave_twice(facts: ModelFacts, data: st.DataObject) -> None:
    """Each server numbers its calls from one: after a switch the same id stands for two calls, and nothing mixes."""
    first, second = Draw(data).make(), Draw(data).make()
    history = (*first, *second)
    assert shown(history, facts) == meant(history, single=not facts.parallel)


@pytest.mark.parametrize("facts", FAMILIES, ids=lambda facts: facts.name)
@given(data=st.data())
def test_any_cut_of_a_history_is_valid(facts: ModelFacts, data: st.DataObject) -> None:
    """Wherever it begins or ends, the request breaks no rule, and what is in the cut is still there once."""
    history = Draw(data).make()
    start = data.draw(st.integers(0, len(history)))
    end = data.draw(st.integers(start, len(history)))
    cut = history[start:end]
    parts = shown(cut, facts)
    assert [part for part in parts if part[0] == "image"] == [
        ("image", image.media_type, image.data) for message in cut for image in message.images
    ]
    assert [part for part in parts if part[0] == "call"] == [
        ("call", call.name, call.arguments) for message in cut for call in message.calls
    ]
    said = {part[1] for part in parts if part[0] == "text"}
    assert {message.text for message in cut if message.text.strip()} <= said
