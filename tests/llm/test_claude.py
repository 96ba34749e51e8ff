"""A turn of Claude over a real event stream: what is sent, what is shown, what comes back."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.messages import Message, Thinking, ToolCall, Usage
from bot.domain.outcomes import Turn
from tests.fakes.messages_server import Call, Redacted, Said, Text, Think
from tests.llm.served import KEY, TOOLS, ask, called, one, result, served


async def sent(*messages: Message, model: str = "", **given: Any) -> dict[str, Any]:
    """The body of a request, taken off the wire."""
    async with served([Said(Text("ok"))], model) as (server, claude):
        await claude.turn(ask(*messages, **given), TOOLS, lambda _: None)
        return server.requests[0].body


async def test_text_is_shown_as_it_comes_and_returned_whole() -> None:
    """Pieces add up to the text, in more than one piece."""
    shown: list[str] = []
    async with served([Said(Text("Payments ran out of connections."))]) as (_, claude):
        turn = await claude.turn(ask(), TOOLS, shown.append)
    assert isinstance(turn, Turn)
    assert (turn.message.text, turn.stop) == ("Payments ran out of connections.", "end")
    assert "".join(shown) == turn.message.text
    assert len(shown) > 1


async def test_two_texts_are_two_paragraphs_in_both() -> None:
    """What is shown and what is returned do not run together."""
    shown: list[str] = []
    async with served([Said(Text("First."), Think("hm"), Text("Second."))]) as (_, claude):
        turn = await claude.turn(ask(), TOOLS, shown.append)
    assert isinstance(turn, Turn)
    assert turn.message.text == "First.\n\nSecond." == "".join(shown)


async def test_parallel_calls_come_back_in_order() -> None:
    """Every call of a reply is in the turn, with its arguments."""
    calls = Call("query_metrics", {"query": "up"}, "a"), Call("query_metrics", {"query": "é", "step": 5}, "b")
    turn = await one([Said(Text("Looking."), *calls)])
    assert isinstance(turn, Turn)
    assert turn.stop == "tools"
    assert turn.message.calls == (
        ToolCall("a", "query_metrics", {"query": "up"}),
        ToolCall("b", "query_metrics", {"query": "é", "step": 5}),
    )


async def test_calls_count_even_if_the_stop_reason_denies_them() -> None:
    """Some compatible servers end a reply that holds calls with end_turn."""
    turn = await one([Said(Call("query_metrics", {"query": "up"}), stop="end_turn")])
    assert isinstance(turn, Turn)
    assert turn.stop == "tools"


async def test_a_call_whose_input_is_no_object_has_no_arguments() -> None:
    """The toolbox then tells the model what is lacking."""
    turn = await one([Said(Call("query_metrics", '["up"]'))])
    assert isinstance(turn, Turn)
    assert turn.message.calls[0].arguments == {}


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("max_tokens", "length"), ("refusal", "refusal"), ("pause_turn", "pause"), ("stop_sequence", "end"),
     ("model_context_window_exceeded", "context")],
)  # fmt: skip
async def test_every_stop_reason_has_its_own_stop(reason: str, stop: str) -> None:
    """And the text so far is kept."""
    turn = await one([Said(Text("so far"), stop=reason)])
    assert isinstance(turn, Turn)
    assert (turn.stop, turn.message.text) == (stop, "so far")


async def test_a_call_that_was_cut_off_is_never_run() -> None:
    """At the output limit the last call may lack half its arguments."""
    turn = await one([Said(Call("query_metrics", {"query": "up"}), stop="max_tokens")])
    assert isinstance(turn, Turn)
    assert (turn.stop, turn.message.calls) == ("length", ())


async def test_the_request_caches_its_prefix_and_thinks_in_summary() -> None:
    """Tools and system come first, a second breakpoint moves; no sampling parameter is sent."""
    body = await sent(effort="high", max_output_tokens=999_999)
    assert body["cache_control"] == {"type": "ephemeral"}
    assert body["system"] == [{"type": "text", "text": "You are on call.", "cache_control": {"type": "ephemeral"}}]
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "high"}
    assert body["max_tokens"] == 128_000
    assert not {"temperature", "top_p", "top_k"} & body.keys()


async def test_tools_are_strict_and_carry_their_schema() -> None:
    """Name, docstring and schema as the tool declares them."""
    body = await sent()
    assert body["tools"] == [
        {
            "name": "query_metrics",
            "description": "Evaluate a range query over the window.",
            "input_schema": TOOLS[0].schema,
            "strict": True,
        }
    ]


async def test_a_model_that_does_not_think_gets_neither_thinking_nor_effort() -> None:
    """It would refuse both."""
    body = await sent(model="claude-haiku-4-5")
    assert not {"thinking", "output_config"} & body.keys()


async def test_only_our_own_headers_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes as a bearer token; headers and addresses for another service, found in the environment, do not."""
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gateway-Token: secret\nX-Team: core")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    async with served([Said(Text("ok"))]) as (server, claude):
        await claude.turn(ask(), TOOLS, lambda _: None)
    headers = server.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert not {"x-gateway-token", "x-team", "traceparent"} & headers.keys()


async def test_no_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local server without a key must not be sent the key of another."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-environment")
    async with served([Said(Text("ok"))], api_key="") as (server, claude):
        await claude.turn(ask(), TOOLS, lambda _: None)
    assert server.requests[0].headers["authorization"] == "Bearer none"


async def test_thinking_goes_back_unchanged_to_the_model_it_came_from() -> None:
    """Signed and redacted blocks stand before the call again; the server knows its signatures."""
    first = Said(Think("Look at the pool."), Redacted("opaque"), Call("query_metrics", {"query": "up"}, "a"))
    async with served([first, Said(Text("done"))]) as (server, claude):
        turn = await claude.turn(ask(), TOOLS, lambda _: None)
        assert isinstance(turn, Turn)
        again = await claude.turn(ask(*ask().messages, turn.message, result("a")), TOOLS, lambda _: None)
    assert isinstance(again, Turn)
    back = server.requests[1].body["messages"][1]["content"]
    assert [block["type"] for block in back] == ["thinking", "redacted_thinking", "tool_use"]
    assert turn.message.thinking[0].text == back[0]["thinking"] == "Look at the pool."


async def test_thinking_of_another_model_is_not_sent() -> None:
    """Blocks are bound to their model."""
    other = Message("assistant", "hm", thinking=(Thinking("t", "sig"),), model="claude-sonnet-5-5")
    body = await sent(Message("user", "?"), other, Message("user", "and now?"))
    assert "sig" not in json.dumps(body)


async def test_thinking_that_no_longer_fits_the_history_is_left_out_in_a_second_try() -> None:
    """A shortened history voids signatures; the service refuses before any output, and the turn still comes."""
    first = Said(Think("Look."), Call("query_metrics", {"query": "up"}, "a"))
    async with served([first, Said(Text("never")), Said(Text("done"))]) as (server, claude):
        turn = await claude.turn(ask(), TOOLS, lambda _: None)
        assert isinstance(turn, Turn)
        changed = ask(Message("user", "shortened"), turn.message, result("a"))
        again = await claude.turn(changed, TOOLS, lambda _: None)
    assert isinstance(again, Turn)
    assert again.message.text == "done"
    assert ["thinking" in json.dumps(r.body["messages"]) for r in server.requests] == [False, True, False]


async def test_usage_is_counted_and_priced() -> None:
    """Fresh, cached and written input, and output, each at its own price."""
    usage = {"input_tokens": 1_000, "output_tokens": 2_000, "cache_read_input_tokens": 10_000,
             "cache_creation_input_tokens": 4_000}  # fmt: skip
    turn = await one([Said(Text("ok"), usage=usage)])
    assert isinstance(turn, Turn)
    assert replace(turn.usage, cost_usd=0.0) == Usage(1_000, 2_000, 10_000, 4_000)
    assert turn.usage.cost_usd == pytest.approx(0.004 + 0.04 + 0.002 + 0.02)


async def test_lone_surrogates_neither_break_the_request_nor_come_back() -> None:
    """Half an emoji in a log line, or in the model's words, is replaced."""
    shown: list[bytes] = []
    asked = ask(Message("user", "log: \ud83d"), called("a"), result("a", "half \udc00"))
    async with served([Said(Think("\ud83d"), Text("bad \ud800 text"))]) as (server, claude):
        turn = await claude.turn(asked, TOOLS, lambda text: shown.append(text.encode()))
    assert isinstance(turn, Turn)
    assert turn.message.text == "bad \ufffd text"
    assert turn.message.thinking == ()
    assert "\ufffd" in server.requests[0].body["messages"][0]["content"][0]["text"]


async def test_an_emoji_in_two_deltas_stays_whole() -> None:
    """The halves are joined before the text is cleaned."""
    turn = await one([Said(Text("ok \ud83d\ude00"), piece=4)])
    assert isinstance(turn, Turn)
    assert turn.message.text == "ok \U0001f600"


async def test_one_connection_serves_many_turns() -> None:
    """The end of each stream is read, so that its connection can be kept."""
    async with served(lambda _: Said(Text("ok"))) as (server, claude):
        for _ in range(3):
            await claude.turn(ask(), TOOLS, lambda _: None)
    assert (len(server.requests), server.connections) == (3, 1)


async def test_a_cancelled_turn_leaves_the_model_usable() -> None:
    """Someone pressed stop; the next question is answered."""
    async with served([Said(Text("slow"), first_byte=30), Said(Text("ok"))]) as (server, claude):
        turn = asyncio.create_task(claude.turn(ask(), TOOLS, lambda _: None))
        await server.arrived.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        again = await claude.turn(ask(), TOOLS, lambda _: None)
    assert isinstance(again, Turn)


async def test_a_script_may_answer_by_the_request() -> None:
    """What benchmarks use: one server plays whole investigations, however many run at once."""
    async with served(lambda r: Said(Text(f"turn {r.turn}, saw {r.results}"))) as (_, claude):
        turn = await claude.turn(ask(*ask().messages, called("a"), result("a")), TOOLS, lambda _: None)
    assert isinstance(turn, Turn)
    assert turn.message.text == "turn 1, saw ['up = 1']"
