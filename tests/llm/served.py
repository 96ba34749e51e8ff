"""Opens a real Claude client against the local Messages server."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import SecretStr

from bot.domain.evidence import Found
from bot.domain.messages import Ask, Message, ToolCall, ToolResult
from bot.domain.outcomes import Fault, Turn
from bot.domain.tools import Desk, Tool, tool
from bot.llm.claude import Claude, ClaudeSettings, open_claude
from bot.llm.llama import Llama, LlamaSettings, open_llama
from tests.fakes.chat_server import ChatServer
from tests.fakes.messages_server import MessagesServer, Script

KEY = f"sk-test-{secrets.token_hex(16)}"


@tool(role="range", need="series")
async def query_metrics(desk: Desk, query: Annotated[str, "PromQL."], step: int = 0) -> Found:
    """Evaluate a range query over the window."""
    return Found(f"{query} at {desk.now} by {step}", "prom", query)


TOOLS: tuple[Tool, ...] = (query_metrics,)


@asynccontextmanager
async def served(
    script: Script, model: str = "", *, strict: bool = True, **settings: Any
) -> AsyncIterator[tuple[MessagesServer, Claude]]:
    """A server with its script, and a model that speaks to it."""
    async with MessagesServer(script, strict=strict) as server:
        given = {"api_key": SecretStr(KEY), "base_url": server.url, **settings}
        claude = open_claude(ClaudeSettings(**given), model)
        try:
            yield server, claude
        finally:
            await claude.close()


@asynccontextmanager
async def chatting(
    script: Script, model: str = "llama-4-scout", *, tells: Any = None, **settings: Any
) -> AsyncIterator[tuple[ChatServer, Llama]]:
    """The same over chat completions."""
    async with ChatServer(script, single="llama-3" in model, tells=tells) as server:
        llama = open_llama(LlamaSettings(**{"api_key": SecretStr(KEY), "base_url": server.v1, **settings}), model)
        try:
            yield server, llama
        finally:
            await llama.close()


def ask(*messages: Message, **given: Any) -> Ask:
    """A request with a question, unless messages are given."""
    return Ask("You are on call.", messages or (Message("user", "why is checkout slow?"),), **given)


async def one(script: Script, asked: Ask | None = None, **settings: Any) -> Turn | Fault:
    """The outcome of a single turn."""
    async with served(script, **settings) as (_, claude):
        return await claude.turn(asked or ask(), TOOLS, lambda _: None)


def called(call_id: str, model: str = "claude-opus-5-5", name: str = "query_metrics") -> Message:
    """An assistant's message with one call."""
    return Message("assistant", calls=(ToolCall(call_id, name, {"query": "up"}),), model=model)


def result(call_id: str, text: str = "up = 1", **given: Any) -> Message:
    """A user's message with one result."""
    return Message("user", results=(ToolResult(call_id, "query_metrics", text, **given),))
