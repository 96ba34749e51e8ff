"""A request is valid whatever history it is made from; the local server's rules are the judge."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.messages import Ask, Message, ModelFacts, Thinking, ToolCall, ToolResult
from bot.llm._wire import body
from tests.fakes.messages_rules import complaint
from tests.llm.served import TOOLS, ask, called, result

FACTS = ModelFacts("claude-opus-5-5", "claude", max_output_tokens=128_000, thinks=True)
QUESTION = Message("user", "why?")


def entries(*messages: Message) -> list[dict[str, Any]]:
    """The messages of a request that breaks no rule."""
    request = body(ask(*messages), TOOLS, FACTS)
    assert complaint({**request, "stream": True}) == ""
    found: list[dict[str, Any]] = request["messages"]
    return found


def test_results_answer_their_calls_in_call_order() -> None:
    """Whatever order they were kept in."""
    calls = Message("assistant", calls=(ToolCall("a", "x", {}), ToolCall("b", "x", {})))
    results = Message("user", "go on", results=(ToolResult("b", "x", "two"), ToolResult("a", "x", "one")))
    content = entries(QUESTION, calls, results)[2]["content"]
    assert [block.get("content", block.get("text")) for block in content] == ["one", "two", "go on"]


def test_a_failed_call_is_an_error() -> None:
    """The model is told so, in the field made for it."""
    block = entries(QUESTION, called("a"), result("a", "no such metric", failed=True))[2]["content"][0]
    assert block == {"type": "tool_result", "tool_use_id": "a", "content": "no such metric", "is_error": True}


def test_a_result_names_its_evidence_once() -> None:
    """So that it can be cited."""
    texts = ("up = 1", "[E3] up = 1")
    shown = [entries(QUESTION, called("a"), result("a", text, evidence_id="E3")) for text in texts]
    assert {messages[2]["content"][0]["content"] for messages in shown} == {"[E3] up = 1"}


def test_facts_stay_inside() -> None:
    """Only the text of a result is for the model."""
    messages = entries(QUESTION, called("a"), result("a", "up = 1", facts={"series": ["inside"]}))
    assert "inside" not in json.dumps(messages)


def test_a_call_without_a_result_gets_one() -> None:
    """The history was cut, or the process died between the two."""
    messages = entries(QUESTION, called("a"), Message("user", "and now?"))
    assert messages[2]["content"][0]["is_error"] is True
    assert messages[2]["content"][1]["text"] == "and now?"


def test_a_result_without_a_call_is_left_out() -> None:
    """Third-party text has no other place to stand."""
    assert entries(Message("user", "why?", results=(ToolResult("", "alerts", "from code"),))) == [
        {"role": "user", "content": [{"type": "text", "text": "why?"}]}
    ]


def test_a_history_that_begins_or_ends_with_the_model_is_framed() -> None:
    """The first and the last word are the user's."""
    messages = entries(Message("assistant", "All is well."))
    assert [entry["role"] for entry in messages] == ["user", "assistant", "user"]


def test_an_empty_reply_leaves_no_trace() -> None:
    """The messages around it become one."""
    messages = entries(QUESTION, Message("assistant", " "), Message("user", "well?"))
    assert [block["text"] for block in messages[0]["content"]] == ["why?", "well?"]


def test_ids_that_come_twice_or_hold_foreign_signs_are_renamed() -> None:
    """Other models number their calls anew in each investigation; renaming is the same each time."""
    history = (QUESTION, called("1"), result("1"), called("1"), result("1"), called("a:b/c"), result("a:b/c"))
    messages = entries(*history)
    ids = [block["id"] for entry in messages for block in entry["content"] if block["type"] == "tool_use"]
    assert ids == ["1", "1_", "call_3"]
    assert entries(*history, QUESTION)[: len(messages) - 1] == messages[:-1]


def test_without_tools_those_of_the_history_are_declared_but_not_callable() -> None:
    """A history with calls and no tools would be refused."""
    request = body(ask(QUESTION, called("a"), result("a")), (), FACTS)
    assert complaint({**request, "stream": True}) == ""
    assert request["tool_choice"] == {"type": "none"}
    assert "tools" not in body(ask(), (), FACTS)


def test_a_growing_history_only_ever_appends() -> None:
    """What was sent stays as it was: the cache and the signatures hang on it."""
    history = (QUESTION, called("a"), result("a"), Message("user", "look at payments"), called("b"), result("b"))
    sent = [entries(*history[:length]) for length in (1, 4, 6)]
    for earlier, later in pairwise(sent):
        assert later[: len(earlier)] == earlier


@pytest.mark.parametrize("thinking", [Thinking("unsigned"), Thinking("", redacted="opaque")])
def test_reasoning_without_a_signature_is_dropped(thinking: Thinking) -> None:
    """Only what the service can check goes back."""
    said = Message("assistant", "hm", thinking=(thinking,), model=FACTS.name)
    kinds = [block["type"] for block in entries(QUESTION, said)[1]["content"]]
    assert kinds == (["redacted_thinking", "text"] if thinking.redacted else ["text"])


TEXTS = st.sampled_from(["", " ", "why?", "\ud800", "\0", "é"])
IDS = st.sampled_from(["", "a", "b", "toolu_1", "given:x"])
CALLS = st.builds(
    ToolCall, IDS, st.sampled_from(["x", "", "a b"]), st.just({"q": float("nan"), "\ud800": [1, "\udc00"]})
)
RESULTS = st.builds(ToolResult, IDS, st.just("x"), TEXTS, st.sampled_from(["", "E1"]), failed=st.booleans())
THOUGHTS = st.builds(
    Thinking, TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()), st.sampled_from(["", "s"])
)
MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), TEXTS, results=st.lists(RESULTS, max_size=3).map(tuple)),
    st.builds(
        Message,
        st.just("assistant"),
        TEXTS,
        calls=st.lists(CALLS, max_size=3).map(tuple),
        thinking=st.lists(THOUGHTS, max_size=2).map(tuple),
        model=st.sampled_from(["", FACTS.name]),
    ),
)


@given(st.lists(MESSAGES, max_size=8), st.sampled_from([(), TOOLS]))
def test_any_history_makes_a_valid_request(messages: list[Message], tools: Any) -> None:
    """No rule is broken, and it is JSON that a strict reader takes."""
    request = body(Ask("", tuple(messages)), tools, FACTS)
    assert complaint({**request, "stream": True}) == ""
    json.dumps(request, allow_nan=False, ensure_ascii=False).encode()
