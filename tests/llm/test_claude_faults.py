"""Whatever the service or the network does, a turn returns, and the loop is told what it was."""

import socket
import time

import pytest

from bot.domain.outcomes import Fault, FaultCause, Turn
from tests.fakes.messages_server import Page, Refused, Reply, Said, Text, Think
from tests.llm.served import TOOLS, ask, one, served

SPEND = "enforced_spend_limit_reached"
FAULTS: dict[str, tuple[Reply, FaultCause]] = {
    "rate limited": (Refused(429, "rate_limit_error", headers={"retry-after": "7"}), "rate_limited"),
    "spend limit": (Refused(429, "rate_limit_error", code=SPEND), "spend_limit"),
    "contract": (Refused(429, "rate_limit_error", code="contract_spend_limit_reached"), "spend_limit"),
    "no payment": (Refused(402, "billing_error"), "spend_limit"),
    "no credit": (Refused(400, "invalid_request_error", "Your credit balance is too low"), "spend_limit"),
    "overloaded": (Refused(529, "overloaded_error"), "overloaded"),
    "overloaded in the stream": (Said(Text("so far so good"), ending="overloaded"), "overloaded"),
    "broken": (Refused(500, "api_error"), "overloaded"),
    "bad gateway": (Refused(502, "api_error"), "overloaded"),
    "unavailable": (Refused(503, "api_error"), "overloaded"),
    "gateway time-out": (Refused(504, "timeout_error"), "timeout"),
    "bad key": (Refused(401, "authentication_error"), "auth"),
    "forbidden": (Refused(403, "permission_error"), "auth"),
    "bad request": (Refused(400, "invalid_request_error", "tools.0: unsupported"), "refused_request"),
    "no such model": (Refused(404, "not_found_error"), "refused_request"),
    "moved": (Refused(307, "", headers={"location": "http://127.0.0.1:9/v1/messages"}), "refused_request"),
    "too long": (Refused(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), "too_long"),
    "too long elsewhere": (Refused(400, "exceed_context_size_error", "the request exceeds it"), "too_long"),
    "too large": (Refused(413, "request_too_large"), "too_long"),
    "connection cut": (Said(Text("so far so good"), ending="tcp_cut"), "cut"),
    "ended in the middle": (Said(Text("so far so good"), ending="eof"), "cut"),
    "ended before its end": (Said(Text("so far so good"), ending="unstopped"), "cut"),
    "HTML": (Page(b"<!doctype html><p>Please log in"), "garbage"),
    "JSON": (Page(b'{"type":"message","content":[]}', "application/json"), "garbage"),
    "empty stream": (Page(b"", "text/event-stream"), "garbage"),
    "no event names": (Page(b'data: {"type":"message_start"}\n\n', "text/event-stream"), "garbage"),
    "no JSON": (Page(b"event: message_start\ndata: {nope\n\n", "text/event-stream"), "garbage"),
    "no UTF-8": (Page(b"event: message_start\ndata: \xff\n\n", "text/event-stream"), "garbage"),
    "no start": (Page(b'event: message_stop\ndata: {"type":"message_stop"}\n\n', "text/event-stream"), "garbage"),
    "unknown stop": (Said(Text("ok"), stop="from_the_future"), "garbage"),
    "no call after all": (Said(Text("ok"), stop="tool_use"), "garbage"),
}


@pytest.mark.parametrize(("reply", "cause"), FAULTS.values(), ids=FAULTS.keys())
async def test_every_fault_has_its_cause(reply: Reply, cause: FaultCause) -> None:
    """None is raised, none is retried by the SDK."""
    async with served([reply]) as (server, claude):
        fault = await claude.turn(ask(), TOOLS, lambda _: None)
    assert isinstance(fault, Fault)
    assert fault.cause == cause
    assert fault.detail
    assert len(server.requests) == 1


async def test_a_stall_ends_when_no_byte_comes() -> None:
    """Long before the deadline."""
    fault = await one([Said(Text("so far so good"), ending="stall")], stall_seconds=0.2)
    assert isinstance(fault, Fault)
    assert (fault.cause, "nothing said for 0.2 s" in fault.detail) == ("timeout", True)


async def test_pings_are_no_sign_of_life() -> None:
    """A stream that holds nothing else is as good as none; what came before it counts as used."""
    fault = await one([Said(Text("so far so good"), ending="pings")], stall_seconds=0.3)
    assert isinstance(fault, Fault)
    assert (fault.cause, fault.detail) == ("timeout", "nothing said for 0.3 s")
    assert fault.seconds < 20
    assert fault.usage.input_tokens == 100


async def test_deep_thought_may_be_silent_for_longer() -> None:
    """Twice as long with high effort."""
    slow = [Said(Text("well"), first_byte=0.6)]
    assert isinstance(await one(slow, ask(effort="high"), stall_seconds=0.4), Turn)
    assert isinstance(await one(slow, ask(effort="low"), stall_seconds=0.4), Fault)


async def test_how_much_longer_is_the_request_s_to_say() -> None:
    """A route of silent models may not wait for long thought; but never less than the settings allow."""
    slow = [Said(Text("well"), first_byte=0.7)]
    fault = await one(slow, ask(effort="high", thinking_seconds=0.5), stall_seconds=0.4)
    assert isinstance(fault, Fault)
    assert fault.detail == "nothing said for 0.5 s"
    assert isinstance(await one(slow, ask(effort="high", thinking_seconds=0.1), stall_seconds=1.5), Turn)


async def test_a_slow_first_byte_is_a_stall_too() -> None:
    """The service took the request and says nothing."""
    fault = await one([Said(Text("late"), first_byte=30)], stall_seconds=0.2)
    assert isinstance(fault, Fault)
    assert fault.cause == "timeout"


async def test_a_stream_that_never_ends_meets_the_deadline() -> None:
    """Bytes keep coming, so that only our own clock helps."""
    began = time.monotonic()
    fault = await one([Said(Text("word " * 500), pace=0.05)], ask(deadline_seconds=0.5))
    assert isinstance(fault, Fault)
    assert (fault.cause, "within 0.5 s" in fault.detail) == ("timeout", True)
    assert time.monotonic() - began < 20


async def test_nobody_listening_is_a_cut() -> None:
    """Connection refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fault = await one([], base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert isinstance(fault, Fault)
    assert fault.cause == "cut"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("4294967", 60), ("-1", 0), ("nan", 0), ("soon", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
     ("Wed, 21 Oct 2099 07:28:00 GMT", 60)],
)  # fmt: skip
async def test_the_wait_that_is_asked_for_is_capped(header: str, seconds: float) -> None:
    """A server may ask for 49 days; we neither obey nor forget."""
    fault = await one([Refused(429, "rate_limit_error", headers={"retry-after": header})])
    assert isinstance(fault, Fault)
    assert fault.retry_after == seconds


async def test_milliseconds_are_read_first() -> None:
    """Both headers may come."""
    headers = {"retry-after-ms": "1500", "retry-after": "9"}
    fault = await one([Refused(529, "overloaded_error", headers=headers)])
    assert isinstance(fault, Fault)
    assert fault.retry_after == 1.5


async def test_what_a_broken_reply_used_is_counted() -> None:
    """The input of a stream that broke off is paid for all the same."""
    fault = await one([Said(Think("hm"), Text("so far so good"), ending="tcp_cut")])
    assert isinstance(fault, Fault)
    assert (fault.usage.input_tokens, fault.usage.output_tokens) == (100, 1)
    assert fault.usage.cost_usd == pytest.approx(0.00042)
    assert fault.seconds > 0
    assert fault.ended > 1.7e9


async def test_text_before_a_cut_was_shown() -> None:
    """People saw it; the loop knows it does not count."""
    shown: list[str] = []
    async with served([Said(Text("so far so good, or is it"), ending="eof")]) as (_, claude):
        fault = await claude.turn(ask(), TOOLS, shown.append)
    assert isinstance(fault, Fault)
    assert "".join(shown).startswith("so far so good")


async def test_a_connection_that_stays_open_does_not_hold_a_whole_reply() -> None:
    """The last event is enough."""
    turn = await one([Said(Text("whole"), ending="open")], ask(deadline_seconds=30))
    assert isinstance(turn, Turn)
    assert turn.message.text == "whole"
