"""Llama over chat completions: the real client against a local server that speaks the protocol."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.domain.errors import SetupError
from bot.domain.messages import Image, Message, ToolCall, ToolResult
from bot.domain.outcomes import Fault, FaultCause, Turn
from bot.llm import _chat_reply, _endpoint
from bot.llm.llama import Llama, LlamaSettings, open_llama
from tests.fakes.messages_server import Call, Page, Refused, Reply, Said, Script, Text, Think
from tests.llm.served import KEY, TOOLS, ask, called, chatting, result

STREAM = "text/event-stream"
FAULTS: dict[str, tuple[Reply, FaultCause]] = {
    "rate limited": (Refused(429, "rate_limit_error", headers={"retry-after": "7"}), "rate_limited"),
    "no payment": (Refused(402, "billing_error"), "spend_limit"),
    "overloaded": (Refused(529, "overloaded_error"), "overloaded"),
    "overloaded in the stream": (Said(Text("so far so good"), ending="overloaded"), "overloaded"),
    "broken": (Refused(500, "api_error"), "overloaded"),
    "unavailable": (Refused(503, "api_error"), "overloaded"),
    "gateway time-out": (Refused(504, "timeout_error"), "timeout"),
    "bad key": (Refused(401, "authentication_error"), "auth"),
    "bad request": (Refused(400, "invalid_request_error", "tools.0: unsupported"), "refused_request"),
    "no such model": (Refused(404, "not_found_error"), "refused_request"),
    "moved": (Refused(307, "", headers={"location": "http://127.0.0.1:9/v1/chat/completions"}), "refused_request"),
    "too long": (Refused(400, "BadRequestError", "This model's maximum context length is 8192 tokens"), "too_long"),
    "too long elsewhere": (Refused(400, "exceed_context_size_error", "the request exceeds it"), "too_long"),
    "connection cut": (Said(Text("so far so good"), ending="tcp_cut"), "cut"),
    "ended in the middle": (Said(Text("so far so good"), ending="eof"), "cut"),
    "ended before its end": (Said(Text("so far so good"), ending="unstopped"), "cut"),
    "HTML": (Page(b"<!doctype html><p>Please log in"), "garbage"),
    "JSON": (Page(b'{"choices":[]}', "application/json"), "garbage"),
    "empty stream": (Page(b"", STREAM), "garbage"),
    "no JSON": (Page(b"data: {nope\n\n", STREAM), "garbage"),
    "no object": (Page(b"data: 7\n\n", STREAM), "garbage"),
    "unknown stop": (Said(Text("ok"), stop="from_the_future"), "garbage"),
    "no call after all": (Said(Text("ok"), stop="tool_use"), "garbage"),
}


async def one(script: Script, *messages: Message, model: str = "llama-4-scout", **settings: Any) -> Turn | Fault:
    """The outcome of a single turn."""
    async with chatting(script, model, **settings) as (_, llama):
        return await llama.turn(ask(*messages), TOOLS, lambda _: None)


async def turn(*blocks: Text | Call | Think, **given: Any) -> tuple[Turn, list[str]]:
    """A turn that is one, and what was shown."""
    shown: list[str] = []
    async with chatting([Said(*blocks, **given)]) as (_, llama):
        outcome = await llama.turn(ask(), TOOLS, shown.append)
    assert isinstance(outcome, Turn)
    return outcome, shown


@pytest.mark.parametrize(("reply", "cause"), FAULTS.values(), ids=FAULTS.keys())
async def test_every_fault_has_its_cause(reply: Reply, cause: FaultCause) -> None:
    """None is raised, none is tried again here."""
    async with chatting([reply]) as (server, llama):
        fault = await llama.turn(ask(), TOOLS, lambda _: None)
    assert isinstance(fault, Fault)
    assert fault.cause == cause
    assert fault.detail
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_money_that_is_spent_is_no_rate_limit(code: str) -> None:
    """Both come as 429; only one of them passes by itself."""
    told = {"error": {"message": "You exceeded your current quota", "type": code, "code": code}}
    assert _chat_reply.broken(429, told).cause == "spend_limit"
    assert _chat_reply.broken(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).cause == (
        "rate_limited"
    )


@pytest.mark.parametrize("ending", ["stall", "pings"])
async def test_silence_is_given_up(ending: Any) -> None:
    """Comments in the stream are no sign of life."""
    fault = await one([Said(Text("so far so good"), ending=ending)], stall_seconds=0.3)
    assert isinstance(fault, Fault)
    assert (fault.cause, fault.detail) == ("timeout", "nothing said for 0.3 s")


async def test_the_deadline_holds() -> None:
    """Whatever keeps coming."""
    async with chatting([Said(Text("word " * 500), pace=0.05)]) as (_, llama):
        fault = await llama.turn(ask(deadline_seconds=0.5), TOOLS, lambda _: None)
    assert isinstance(fault, Fault)
    assert fault.cause == "timeout"


async def test_nobody_listening_is_a_cut() -> None:
    """Connection refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fault = await one([], base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert isinstance(fault, Fault)
    assert fault.cause == "cut"


async def test_words_and_calls() -> None:
    """Words are shown as they come, calls come whole and with their ids; reasoning is kept to itself."""
    made, shown = await turn(Think("hm"), Text("Looking. "), Call("query_metrics", {"query": "up", "step": 5}, "a"))
    assert made.stop == "tools"
    assert made.message.calls == (ToolCall("a", "query_metrics", {"query": "up", "step": 5}),)
    assert "".join(shown) == made.message.text == "Looking. "
    assert (made.usage.input_tokens, made.usage.output_tokens) == (100, 20)


async def test_several_calls_of_one_turn() -> None:
    """In their order."""
    made, _ = await turn(*(Call("query_metrics", {"query": name}) for name in "abc"))
    assert [call.arguments["query"] for call in made.message.calls] == ["a", "b", "c"]


LEAKS = {
    "json": '{"name": "query_metrics", "parameters": {"query": "up"}}',
    "tagged json": '<|python_tag|>{"name": "query_metrics", "parameters": {"query": "up"}}<|eot_id|>',
    "function key": '{"function": "query_metrics", "arguments": {"query": "up"}}',
    "fenced": '```json\n{"name": "query_metrics", "arguments": "{\\"query\\": \\"up\\"}"}\n```',
    "pythonic": '[query_metrics(query="up")]',
    "python start": '<|python_start|>[query_metrics(query="up")]<|python_end|>',
    "tag": '<function=query_metrics>{"query": "up"}</function>',
    "hermes": '<tool_call>\n{"name": "query_metrics", "arguments": {"query": "up"}}\n</tool_call>',
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS.keys())
async def test_a_call_that_leaks_into_the_text(text: str) -> None:
    """It is a call, and nobody sees its signs."""
    made, shown = await turn(Text(text))
    assert [(call.name, call.arguments) for call in made.message.calls] == [("query_metrics", {"query": "up"})]
    assert (made.stop, made.message.text, shown) == ("tools", "", [])


@pytest.mark.parametrize("between", ["; ", "\n", ", "])
async def test_several_leaked_calls(between: str) -> None:
    """Llama 3 puts a semicolon between them, or a new line."""
    made, _ = await turn(Text(between.join([LEAKS["json"], LEAKS["json"].replace("up", "down")])))
    assert [call.arguments["query"] for call in made.message.calls] == ["up", "down"]
    pythonic, _ = await turn(Text('[query_metrics(query="up"), query_metrics(query="down", step=5)]'))
    assert [call.arguments for call in pythonic.message.calls] == [{"query": "up"}, {"query": "down", "step": 5}]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "rm", "parameters": {}}', '[rm(path="/")]', "[1] payments is down", '{"cause": "payments"}',
        '[query_metrics(__import__("os"))]', '[query_metrics(query=open("x"))]', "[", "{", "```json\n{}\n```",
        'I would call {"name": "query_metrics", "parameters": {}}',
    ],
)  # fmt: skip
async def test_text_that_only_looks_like_a_call(text: str) -> None:
    """It is shown whole, and called is nothing."""
    made, shown = await turn(Text(text))
    assert (made.message.calls, made.message.text, "".join(shown)) == ((), text, text)


async def test_arguments_of_nearly_the_right_type() -> None:
    """What means the same is taken; what does not is left for the tool to refuse."""
    made, _ = await turn(
        Call("query_metrics", {"query": 7, "step": "5"}), Call("query_metrics", {"query": "up", "step": ""}),
        Call("query_metrics", {"query": "up", "step": "soon"}), Call("query_metrics", {"query": "up", "step": 5.0}),
    )  # fmt: skip
    assert [call.arguments for call in made.message.calls] == [
        {"query": "7", "step": 5}, {"query": "up"}, {"query": "up", "step": "soon"}, {"query": "up", "step": 5},
    ]  # fmt: skip


async def test_arguments_that_cannot_be_read_are_told_once() -> None:
    """The second try counts; when it fails as well the turn is garbage."""
    broken = Said(Call("query_metrics", '{"query": "up'))
    async with chatting([broken, Said(Call("query_metrics", {"query": "up"}))]) as (server, llama):
        made = await llama.turn(ask(), TOOLS, lambda _: None)
    assert isinstance(made, Turn)
    assert made.message.calls[0].arguments == {"query": "up"}
    assert "are no JSON object" in server.requests[1].body["messages"][-1]["content"]
    assert made.usage.input_tokens == 200
    fault = await one([broken, broken])
    assert isinstance(fault, Fault)
    assert fault.cause == "garbage"


async def test_a_history_of_parallel_calls_for_one_call_a_turn() -> None:
    """Llama 3's template refuses two calls in one message: each becomes a turn of its own, with its result."""
    calls = Message(
        "assistant", "Both.", calls=(ToolCall("a", "query_metrics", {}), ToolCall("b", "query_metrics", {}))
    )
    results = (
        ToolResult("b", "query_metrics", "two", "E2"),
        ToolResult("a", "query_metrics", "one", "E1", failed=True),
    )
    async with chatting([Said(Text("ok"))], "Meta-Llama-3.3-70B-Instruct") as (server, llama):
        assert isinstance(
            await llama.turn(ask(Message("user", "?"), calls, Message("user", results=results)), TOOLS, print), Turn
        )
    sent = server.requests[0].body
    assert sent["parallel_tool_calls"] is False
    assert [entry["role"] for entry in sent["messages"]] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert [m["content"] for m in sent["messages"] if m["role"] == "tool"] == ["Error: [E1] one", "[E2] two"]


async def test_pictures_for_those_who_see() -> None:
    """As a data address; others are told that there was one."""
    seen = Message("user", "what is this?", images=(Image("image/png", "AAAA"),))
    for model, sees in (("llama-4-maverick", True), ("llama3.3:70b", False)):
        async with chatting([Said(Text("ok"))], model) as (server, llama):
            await llama.turn(ask(seen), (), print)
        content = server.requests[0].body["messages"][1]["content"]
        assert ("data:image/png;base64,AAAA" in json.dumps(content)) is sees
        assert ("you cannot see" in json.dumps(content)) is not sees


async def test_json_by_schema() -> None:
    """The schema goes where such servers take it."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    async with chatting([Said(Text('{"n": 1}'))]) as (server, llama):
        made = await llama.turn(ask(schema=schema), (), print)
    assert isinstance(made, Turn)
    assert made.message.text == '{"n": 1}'
    assert server.requests[0].body["response_format"]["json_schema"]["schema"] == schema


WINDOWS: dict[str, tuple[dict[str, Any], int]] = {
    "llama.cpp": ({"/props": {"default_generation_settings": {"n_ctx": 16384}}}, 16384),
    "ollama": ({"/api/ps": {"models": [{"model": "llama-4-scout", "context_length": 4096}]}}, 4096),
    "ollama, idle": ({"/api/ps": {"models": []}, "/api/show": {"parameters": 'stop "<|eot|>"\nnum_ctx 32768'}}, 32768),
    "vllm": ({"/v1/models": {"data": [{"id": "llama-4-scout", "max_model_len": 65536}]}}, 65536),
    "together": ({"/v1/models": {"data": [{"id": "x"}, {"id": "llama-4-scout", "context_length": 1000}]}}, 1000),
    "deepinfra": ({"/v1/models": {"data": [{"id": "a", "metadata": {"context_length": 327680}}]}}, 327680),
    "silent": ({}, 128_000),
    "nonsense": ({"/props": [1], "/api/ps": {"models": 3}, "/v1/models": {"data": [{"max_model_len": "x"}]}}, 128_000),
}  # fmt: skip


@pytest.mark.parametrize(("tells", "size"), WINDOWS.values(), ids=WINDOWS.keys())
async def test_the_window_is_asked_for(tells: dict[str, Any], size: int) -> None:
    """Once, before the first turn; what the settings say wins."""
    async with chatting([Said(Text("ok"))] * 2, tells=tells) as (server, llama):
        await llama.turn(ask(), (), print)
        looked = len(server.looks)
        await llama.turn(ask(), (), print)
        assert (llama.facts.context_tokens, len(server.looks)) == (size, looked)
    facts = {"llama-4-scout": {"context_tokens": 777}}
    async with chatting([Said(Text("ok"))], tells=tells, facts=facts) as (server, llama):
        await llama.turn(ask(), (), print)
        assert (llama.facts.context_tokens, server.looks) == (777, [])


async def test_a_server_that_was_down_is_asked_for_its_window_later() -> None:
    """What it could not tell at first is not taken for nothing to tell."""
    tells = {"/props": {"default_generation_settings": {"n_ctx": 16384}}}
    async with chatting([Refused(503), Said(Text("ok"))]) as (server, llama):
        assert isinstance(await llama.turn(ask(), (), print), Fault)
        server._tells = tells
        assert isinstance(await llama.turn(ask(), (), print), Turn)
        assert llama.facts.context_tokens == 16384


@asynccontextmanager
async def hung(**more: Any) -> AsyncIterator[Llama]:
    """A model whose server takes a connection and never says a word."""
    held_open: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, writer: held_open.append(writer), "127.0.0.1", 0) as held:
        url = f"http://127.0.0.1:{held.sockets[0].getsockname()[1]}/v1"
        llama = open_llama(LlamaSettings(base_url=url, **more), "")
        yield llama
        await llama.close()
        for writer in held_open:
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(("asking", "own", "longest"), [(0.2, 0.2, 2.0), (1.0, 1.8, 2.5)])
async def test_asking_for_the_window_ends_soon(
    monkeypatch: pytest.MonkeyPatch, asking: float, own: float, longest: float
) -> None:
    """A server that hangs is found out within one short while, not one for each question; it counts as silence."""
    monkeypatch.setattr(_endpoint, "_SECONDS", asking)
    async with hung(stall_seconds=own) as llama:
        fault = await llama.turn(ask(), (), print)
    assert isinstance(fault, Fault)
    assert (fault.cause, fault.detail) == ("timeout", f"nothing said for {own:g} s")
    assert fault.seconds < longest


async def test_a_prompt_that_was_cut_in_silence_is_noticed() -> None:
    """The server counts far fewer tokens than the text can have: too long, and from now on its window is known."""
    long = Message("user", "why is checkout slow? " * 4_000)
    async with chatting([Said(Text("ok"), usage={"input_tokens": 4096, "output_tokens": 2})] * 2) as (_, llama):
        fault = await llama.turn(ask(long), (), print)
        assert isinstance(fault, Fault)
        assert fault.cause == "too_long"
        assert "the server read 4096 tokens of at least" in fault.detail
        assert llama.facts.context_tokens == 4096
        assert isinstance(await llama.turn(ask(), (), print), Turn)


async def test_the_key_goes_to_the_endpoint_only_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """No header of the environment, no proxy of the environment, no key where none is set."""
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-secret: 1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with chatting([Said(Text("ok"))]) as (server, llama):
        assert isinstance(await llama.turn(ask(), (), print), Turn)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "x-secret" not in server.requests[0].headers


NAMES = {
    "llama3.3:70b": (128_000, False, False), "meta-llama/Llama-3.3-70B-Instruct-Turbo": (128_000, False, False),
    "accounts/fireworks/models/llama4-maverick-instruct-basic": (1_000_000, True, True),
    "Meta-Llama-3.1-8B-Instruct": (128_000, False, False), "llama-4-scout-17b-16e-instruct": (128_000, True, True),
    "qwen3-coder": (8_192, True, False),
}  # fmt: skip


@pytest.mark.parametrize(("name", "known"), NAMES.items())
def test_a_model_is_known_by_any_of_its_names(name: str, known: tuple[int, bool, bool]) -> None:
    """Every server has its own; an unknown one gets cautious facts."""
    facts = open_llama(LlamaSettings(base_url="http://localhost/v1"), name).facts
    assert (facts.context_tokens, facts.parallel, facts.sees) == known
    assert facts.name == name


@pytest.mark.parametrize(
    ("url", "given", "hosted"),
    [
        ("http://localhost:8000/v1", None, False), ("http://10.1.2.3/v1", None, False),
        ("http://ollama:11434/v1", None, False), ("https://api.together.xyz/v1", None, True),
        ("https://api.together.xyz/v1", True, False), ("http://10.1.2.3/v1", False, True),
    ],
)  # fmt: skip
def test_where_what_is_sent_stays(url: str, given: bool | None, hosted: bool) -> None:
    """By the address, unless the settings say so."""
    assert open_llama(LlamaSettings(base_url=url, in_house=given), "").facts.hosted is hosted


@pytest.mark.parametrize(
    ("url", "model", "said"),
    [
        ("", "", "models.llama.base_url"), ("localhost:8000", "", "not 'localhost:8000'"),
        ("http://localhost", "llama-4-behemoth", "never released; use llama-4-maverick"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work(url: str, model: str, said: str) -> None:
    """Each is told what to do."""
    with pytest.raises(SetupError, match=said):
        open_llama(LlamaSettings(base_url=url), model)


async def test_a_call_without_a_result_gets_one() -> None:
    """The history was cut, or the process died between the two; the server's rules are kept."""
    assert isinstance(
        await one([Said(Text("ok"))], Message("user", "?"), called("a"), Message("user", "and now?")), Turn
    )
    assert isinstance(await one([Said(Text("ok"))], called("a"), result("a"), called("a"), result("a")), Turn)
