"""Llama, or any other model behind a chat-completions endpoint: one streamed turn at a time, every fault an outcome."""

import asyncio
import contextlib
import ipaddress
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.domain.errors import SetupError
from bot.domain.messages import Ask, ModelFacts
from bot.domain.outcomes import Fault, Turn
from bot.domain.plugin import Provider
from bot.domain.tools import Tool
from bot.llm import _chat_reply, _chat_wire, _endpoint, _facts, _faults

DEFAULT = "llama-3.3-70b-instruct"
_LONGEST_ERROR = 20_000
_FEWEST = 1_000
"""Tokens of a prompt below which nothing is said of its being cut."""
_CHARACTERS = 8.0
"""No text has so many characters a token; a prompt of fewer tokens than this says was cut by the server."""


class LlamaSettings(BaseModel):
    """How the endpoint is reached; times in seconds. `facts` adds to or overrides the facts table, by model.

    `base_url` ends in /v1 as a rule. `in_house` says whether what is sent stays with you; by default it does for
    addresses of a private network. A server that says nothing for `stall_seconds` is given up. On a CPU it reads a
    long prompt for minutes before it says anything, and Ollama loads its model first: there it has to be more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    in_house: bool | None = None
    stall_seconds: float = Field(default=20.0, gt=0)
    connect_seconds: float = Field(default=5.0, gt=0)
    longest_retry_after: float = Field(default=60.0, ge=0)
    temperature: float = Field(default=0.2, ge=0, le=2)
    facts: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Llama:
    """One model behind one endpoint. Before its first turn it asks the endpoint how much it reads."""

    def __init__(self, settings: LlamaSettings, facts: ModelFacts) -> None:
        self._settings, self._facts = settings, facts
        self._given = "context_tokens" in settings.facts.get(facts.name, {})
        self._asked = False
        self._http: httpx.AsyncClient | None = None

    @property
    def facts(self) -> ModelFacts:
        """Prices, limits and abilities; the window as the endpoint tells it, once it was asked."""
        return self._facts

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """One streamed reply, whole or as a fault, within `ask.deadline_seconds`."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(ask.deadline_seconds):
                await self._discover()
                outcome = await self._attempt(ask, tools, show, time.monotonic() - began)
                self._asked = self._asked or isinstance(outcome, Turn)
        except TimeoutError:
            outcome = Fault("timeout", f"no whole answer within {ask.deadline_seconds:g} s")
        return replace(outcome, seconds=time.monotonic() - began, ended=time.time())

    async def close(self) -> None:
        """Give the connections back; no turn may follow."""
        if self._http is not None:
            await self._http.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            key = self._settings.api_key.get_secret_value()
            base = self._settings.base_url.rstrip("/") + "/"
            silence = httpx.Timeout(2 * self._settings.stall_seconds, connect=self._settings.connect_seconds)
            headers = {"authorization": f"Bearer {key}"} if key else {}
            self._http = httpx.AsyncClient(base_url=base, headers=headers, timeout=silence, trust_env=False)
        return self._http

    async def _discover(self) -> None:
        """The window in use: a server may read far less than its model could, and drop the rest in silence.

        One that was down is asked again, until it has told it or given a turn.
        """
        if self._asked or self._given:
            return
        if size := await _endpoint.window(self._client, self._facts.name):
            output = min(self._facts.max_output_tokens, max(256, size // 4))
            self._facts = replace(self._facts, context_tokens=size, max_output_tokens=output)
            self._asked = True

    async def _attempt(
        self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None], waited: float
    ) -> Turn | Fault:
        """A call that could not be read is told to the model once. What was `waited` counts as silence."""
        request = _chat_wire.body(ask, tools, self._facts, temperature=self._settings.temperature)
        silence = ask.patience(self._settings.stall_seconds)
        first = max(silence / 2, silence - waited)
        reading = _chat_reply.Reading(self._facts, tools, show)
        outcome = await self._send(request, reading, silence, first)
        if not reading.wrong:
            return outcome
        wrong = f"{reading.wrong}. Make the call again, with arguments as a JSON object."
        second = _chat_reply.Reading(self._facts, tools, show)
        outcome = await self._send(_chat_wire.correction(request, reading.text, wrong), second, silence, silence)
        return replace(outcome, usage=outcome.usage + reading.usage)

    async def _send(
        self, request: dict[str, Any], reading: _chat_reply.Reading, silence: float, first: float
    ) -> Turn | Fault:
        """`first` are the seconds up to its first word, `silence` those between two."""
        watch = asyncio.timeout(first)
        try:
            async with watch, self._client.stream("POST", "chat/completions", json=request) as reply:
                if reply.status_code != 200:
                    return await self._refused(reply)
                kind = reply.headers.get("content-type", "")
                if "text/event-stream" not in kind:
                    return Fault("garbage", f"a reply of type {kind[:60]!r} where an event stream was due")
                outcome = await reading.read(reply.aiter_lines(), lambda: _later(watch, silence))
        except TimeoutError:
            if not watch.expired():
                raise
            return Fault("timeout", f"nothing said for {silence:g} s", usage=reading.usage)
        except httpx.TimeoutException as error:
            return Fault("timeout", f"no bytes in time ({type(error).__name__})", usage=reading.usage)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Fault(
                "cut", f"the connection broke ({type(error).__name__}: {str(error)[:200]})", usage=reading.usage
            )
        return self._cut_in_silence(request, reading) or outcome

    async def _refused(self, reply: httpx.Response) -> Fault:
        body = b""
        with contextlib.suppress(httpx.HTTPError):
            async for piece in reply.aiter_bytes():
                body += piece
                if len(body) > _LONGEST_ERROR:
                    break
        text = body[:_LONGEST_ERROR].decode("utf-8", "replace")
        try:
            fault = _chat_reply.broken(reply.status_code, json.loads(text))
        except ValueError:
            fault = _chat_reply.broken(reply.status_code, text[:300])
        wait = _faults.retry_after(reply.headers, self._settings.longest_retry_after)
        return replace(fault, retry_after=wait)

    def _cut_in_silence(self, request: dict[str, Any], reading: _chat_reply.Reading) -> Fault | None:
        """A server that drops the head of a long prompt answers as if nothing were wrong; its own count tells."""
        texts = re.sub(r"data:image/[^\"]*", "", json.dumps(request["messages"], ensure_ascii=False))
        least, read = math.floor(len(texts) / _CHARACTERS), reading.prompt_tokens
        if not 0 < read < least or least < _FEWEST:
            return None
        self._facts = replace(self._facts, context_tokens=min(self._facts.context_tokens, max(read, _FEWEST)))
        why = f"the server read {read} tokens of at least {least}: its window is too small (set its context length)"
        return Fault("too_long", why, usage=reading.usage)


def _later(watch: asyncio.Timeout, seconds: float) -> None:
    watch.reschedule(asyncio.get_running_loop().time() + seconds)


def open_llama(settings: LlamaSettings, model: str) -> Llama:
    """SetupError without an address, and for a model that never was or is retired."""
    if not settings.base_url.startswith(("https://", "http://")):
        raise SetupError(
            "Llama needs an endpoint: set models.llama.base_url, such as http://localhost:8000/v1"
            + (f", not {settings.base_url[:40]!r}" if settings.base_url else "")
        )
    facts = _facts.like("llama", model or DEFAULT, settings.facts)
    in_house = _is_private(settings.base_url) if settings.in_house is None else settings.in_house
    return Llama(settings, replace(facts, hosted=not in_house))


def _is_private(url: str) -> bool:
    """An address of this machine or a private network; a bare name, as in a compose file, is one as well."""
    host = urlsplit(url).hostname or ""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        return address.is_private or address.is_loopback
    return "." not in host or host.endswith((".local", ".internal", ".svc", ".localhost"))


PROVIDER = Provider(
    "llama", LlamaSettings, open_llama, DEFAULT, "Llama, or any model behind an OpenAI-compatible endpoint"
)
