"""An investigation of two rounds of tools and an answer, which any model of either family can go on with."""

from typing import Any

from tests.fakes.messages_server import Call, Redacted, Reply, Request, Said, Text, Think
from tests.scenarios.stage import WRITTEN, called, told

ROUNDS: tuple[tuple[Call, ...], ...] = (
    (Call("service_signals", {"service": "cart"}), Call("find_metrics", {"words": "up"})),
    (Call("query_metrics", {"query": 'up{service="cart"}'}),),
)
CALLS = [(call.name, call.arguments) for calls in ROUNDS for call in calls]


def conversation(request: Request) -> tuple[list[tuple[str, Any]], list[str]]:
    """The calls and the results that a request gives back, in order."""
    entries = request.body["messages"]
    return [call for entry in entries for call in called(entry)], [text for entry in entries for text in told(entry)]


def investigates(request: Request, *, one_by_one: bool = False) -> Reply:
    """Two rounds of tools, each thought about, then the answer; goes on from what is there."""
    made = len(conversation(request)[0])
    rounds = tuple((call,) for calls in ROUNDS for call in calls) if one_by_one else ROUNDS
    starts = [sum(map(len, rounds[:at])) for at in range(len(rounds))]
    if made not in starts:
        return Said(Think("enough"), Text(WRITTEN))
    return Said(Think("let me see"), Redacted("secret"), Text("I look.\n"), *rounds[starts.index(made)])
