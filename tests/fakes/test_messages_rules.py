"""The local server's rules can fail: each refuses what the real service refuses."""

from typing import Any

import pytest

from tests.fakes.messages_rules import RULES, Issued, complaint

QUESTION = {"role": "user", "content": "why?"}
CALL = {"type": "tool_use", "id": "a", "name": "x", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "1"}
TOOL = {"name": "x", "input_schema": {"type": "object", "additionalProperties": False}, "strict": True}


def said(*blocks: dict[str, Any]) -> dict[str, Any]:
    """An assistant's entry."""
    return {"role": "assistant", "content": list(blocks)}


def heard(*blocks: dict[str, Any]) -> dict[str, Any]:
    """A user's entry."""
    return {"role": "user", "content": list(blocks)}


def sound(**changed: Any) -> dict[str, Any]:
    """A request that breaks no rule, with some of it changed."""
    messages = [QUESTION, said(CALL), heard(RESULT)]
    whole = {"model": "m", "max_tokens": 9, "stream": True, "messages": messages, "tools": [TOOL], "system": "s"}
    return {**whole, **changed}


BROKEN = {
    "sampling": sound(temperature=0.2),
    "no model": sound(model=""),
    "no tokens": sound(max_tokens=0),
    "no stream": sound(stream=False),
    "model first": sound(messages=[said({"type": "text", "text": "hi"}), QUESTION]),
    "prefill": sound(messages=[QUESTION, said({"type": "text", "text": "It is"})]),
    "same role twice": sound(messages=[QUESTION, QUESTION]),
    "empty content": sound(messages=[heard()]),
    "blank text": sound(messages=[{"role": "user", "content": " \n"}]),
    "call without result": sound(messages=[QUESTION, said(CALL), QUESTION]),
    "result without call": sound(messages=[heard(RESULT)]),
    "result after text": sound(messages=[QUESTION, said(CALL), heard({"type": "text", "text": "so"}, RESULT)]),
    "id twice": sound(messages=[QUESTION, said(CALL), heard(RESULT), said(CALL), heard(RESULT)]),
    "foreign id": sound(messages=[QUESTION, said({**CALL, "id": "a:b"}), heard({**RESULT, "tool_use_id": "a:b"})]),
    "tool twice": sound(tools=[TOOL, TOOL]),
    "foreign tool name": sound(tools=[{**TOOL, "name": "a b"}]),
    "open schema": sound(tools=[{**TOOL, "input_schema": {"type": "object"}}]),
    "undeclared tools": sound(tools=[]),
    "forced tool": sound(tool_choice={"type": "any"}),
    "thinking off": sound(thinking={"type": "disabled"}),
    "unknown effort": sound(output_config={"effort": "utmost"}),
    "five breakpoints": sound(system=[{"cache_control": {}}] * 5),
}


def test_a_sound_request_passes() -> None:
    """Otherwise the rules would prove nothing."""
    assert complaint(sound()) == ""


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_request_is_refused(body: dict[str, Any]) -> None:
    """In words."""
    assert complaint(body)


def test_no_rule_is_idle() -> None:
    """Each is the first to object to some request."""
    objecting = {next(rule for rule in RULES if rule(body)) for body in BROKEN.values()}
    assert objecting == set(RULES)


@pytest.mark.parametrize("change", ["text", "system", "earlier message", "signature"])
def test_thinking_is_bound_to_its_text_and_to_what_stood_before(change: str) -> None:
    """As the newest models check it."""
    issued, asked = Issued(), sound(messages=[QUESTION])
    thought = {"type": "thinking", "thinking": "hm", "signature": issued.sign(asked, "hm")}
    again = {**asked, "messages": [QUESTION, said(thought, CALL), heard(RESULT)]}
    assert issued.complaint(again) == ""
    if change in ("text", "signature"):
        thought["thinking" if change == "text" else "signature"] = "changed"
    else:
        again["system" if change == "system" else "messages"] = (
            "changed" if change == "system" else [{**QUESTION, "content": "what?"}, *again["messages"][1:]]
        )
    assert "signature" in issued.complaint(again)
