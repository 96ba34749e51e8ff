"""Tools answer from what is kept, and say when it is not the very same."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain.errors import BadArguments, ToolError
from bot.domain.evidence import Evidence, Found
from bot.domain.outcomes import decode, encode
from bot.domain.sources import Sources
from bot.domain.tools import Desk, Tool, tool
from bot.domain.window import Window
from bot.evals import shelf

NOW = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
DESK = Desk(Sources(), Window(NOW, NOW), NOW)


def made() -> tuple[Tool, Tool]:
    """A tool that echoes and one that fails."""

    async def echo(desk: Desk, query: str = "") -> Found:
        """Says it again."""
        if query == "bad":
            raise BadArguments("no such query")
        return Found(f"value of {query}", "prom", query, "prod", {"query": query})

    async def never(desk: Desk) -> Found:
        """Is down."""
        raise ToolError("it is down")

    return tool("range", "series")(echo), tool("alerts", "alerts")(never)


async def kept() -> list[shelf.Kept]:
    """Three calls and what came of them, after a way through JSON."""
    calls: list[shelf.Kept] = []
    echo, never = shelf.keeping(made(), calls)
    await echo.run(DESK, query="rate(http_requests_total)")
    for one, arguments in ((never, {}), (echo, {"query": "bad"})):
        with pytest.raises(ToolError):
            await one.run(DESK, **arguments)
    again: list[shelf.Kept] = decode(list[shelf.Kept], json.loads(json.dumps(encode(list[shelf.Kept], calls))))
    assert again == calls
    return again


async def test_a_kept_call_answers_equal() -> None:
    """Findings, failures and corrections alike; a call that was never made is an error of the tool."""
    echo, never = shelf.answering(made(), await kept(), near=False)
    found = await echo.run(DESK, query="rate(http_requests_total)")
    assert found == Found(
        "value of rate(http_requests_total)", "prom", "rate(http_requests_total)", "prod", found.facts
    )
    with pytest.raises(BadArguments, match="no such query"):
        await echo.run(DESK, query="bad")
    with pytest.raises(ToolError, match="it is down"):
        await never.run(DESK)
    with pytest.raises(ToolError, match="not called like this"):
        await echo.run(DESK, query="else")


def evidence(id: str, query: str) -> Evidence:
    """One piece, with its call's arguments."""
    window = Window(NOW, NOW)
    given = {"query": query}
    return Evidence(id, "f", "echo", "prom, loki", "prod", query, window, "s", f"value of {query}", arguments=given)


async def test_recorded_evidence_answers_with_the_nearest_and_says_so() -> None:
    """By tool and words of the call; tools without evidence are not offered at all."""
    pieces = [evidence("E1", "rate(http_requests_total[2m])"), evidence("E2", "process_resident_memory_bytes")]
    (echo,) = shelf.answering(made(), shelf.of_evidence(pieces), near=True)
    same = await echo.run(DESK, query="process_resident_memory_bytes")
    near = await echo.run(DESK, query="max(process_resident_memory_bytes)")
    assert same.text == "value of process_resident_memory_bytes"
    assert near.text.startswith(
        "Recorded evidence; nothing was recorded for this very call, the nearest one is process_"
    )
    assert near.text.endswith(same.text)


def test_stand_ins_are_what_the_sources_were() -> None:
    """By name, environment and what they serve."""
    found = shelf.sources_of([evidence("E1", "a"), evidence("E2", "b")])
    assert [(one.name, one.env) for one in found] == [("prom", "prod"), ("loki", "prod")]
    assert shelf.origins(shelf.stand_ins(found)) == found
    only = (shelf.Origin("prom", "prod", "eu", ("series",)),)
    assert [i.name for i in shelf.stand_ins(only).of("series")] == ["prom"]
    assert shelf.stand_ins(only).of("alerts") == ()
