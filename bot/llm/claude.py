"""Claude over the Messages API: one streamed turn at a time, under our own deadline, every fault an outcome."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.domain.errors import SetupError
from bot.domain.messages import Ask, ModelFacts, Usage
from bot.domain.outcomes import Fault, Turn
from bot.domain.plugin import Provider
from bot.domain.tools import Tool
from bot.llm import _facts, _faults, _reply, _sample, _wire
from bot.llm._text import clean

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from httpx2 import AsyncClient

OFFICIAL = "https://api.anthropic.com"
DEFAULT = "claude-opus-5-5"

# A connection is used again only if the stream's very end was read; it follows the last event at once.
_DRAIN_SECONDS = 0.5

# What the SDK raises, besides its own errors, for a stream that is no Messages stream.
_MALFORMED = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class ClaudeSettings(BaseModel):
    """How Claude is reached; times in seconds. `facts` adds to or overrides the facts table, by model.

    A model that says nothing for `stall_seconds` (pings are nothing; up to twice as long with high effort) is given up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr = SecretStr("")
    base_url: str = OFFICIAL
    stall_seconds: float = Field(default=15.0, gt=0)
    connect_seconds: float = Field(default=5.0, gt=0)
    longest_retry_after: float = Field(default=60.0, ge=0)
    facts: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Claude:
    """One Claude model. It connects in the background from the moment it is opened; the first turn waits for that."""

    def __init__(self, settings: ClaudeSettings, facts: ModelFacts) -> None:
        self._settings, self._facts = settings, facts
        self._client = _BACKGROUND.submit(_connect, settings)

    @property
    def facts(self) -> ModelFacts:
        """Prices, limits and abilities."""
        return self._facts

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """One streamed reply, whole or as a fault, within `ask.deadline_seconds`."""
        began, reading = time.monotonic(), _Reading(self._facts, show)
        try:
            async with asyncio.timeout(ask.deadline_seconds):
                client = await self._connected()
                outcome = await self._attempt(client, ask, tools, reading)
        except TimeoutError:
            outcome = Fault("timeout", f"no whole answer within {ask.deadline_seconds:g} s", usage=reading.usage)
        return replace(outcome, seconds=time.monotonic() - began, ended=time.time())

    async def close(self) -> None:
        """Give the connections back; no turn may follow."""
        await (await self._connected()).close()

    async def _connected(self) -> "AsyncAnthropic":
        return await asyncio.shield(asyncio.wrap_future(self._client))

    async def _attempt(
        self, client: "AsyncAnthropic", ask: Ask, tools: Sequence[Tool], reading: "_Reading"
    ) -> Turn | Fault:
        """Reasoning that a changed history no longer carries is refused before any output: then once more without."""
        request = _wire.body(ask, tools, self._facts)
        own, long = self._settings.stall_seconds, ask.effort == "high" and self._facts.thinks
        silence = ask.patience(own, thinking=2 * own * long)
        outcome = await self._send(client, request, reading, silence)
        if reading.thinking_refused and _wire.holds_thinking(request):
            outcome = await self._send(client, _wire.body(ask, tools, self._facts, thinking=False), reading, silence)
        return outcome

    async def _send(
        self, client: "AsyncAnthropic", request: dict[str, Any], reading: "_Reading", silence: float
    ) -> Turn | Fault:
        import anthropic  # noqa: PLC0415  # loaded in the background by now
        import httpx2  # noqa: PLC0415  # comes with it

        watch = asyncio.timeout(silence)
        try:
            async with watch, client.messages.stream(**request) as stream:
                outcome = await reading.read(stream, lambda: _later(watch, silence))
                with contextlib.suppress(TimeoutError, httpx2.HTTPError, OSError, *_MALFORMED):
                    async with asyncio.timeout(_DRAIN_SECONDS):
                        await stream.until_done()
                return outcome
        except anthropic.APIStatusError as error:
            reading.thinking_refused = _faults.about_thinking(error.status_code, str(error))
            fault = _faults.refused(error.status_code, error.type or "", error.error_code or "", str(error))
            wait = _faults.retry_after(error.response.headers, self._settings.longest_retry_after)
            return replace(fault, retry_after=wait, usage=reading.usage)
        except TimeoutError:
            if not watch.expired():
                raise
            return Fault("timeout", f"nothing said for {silence:g} s", usage=reading.usage)
        except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
            return Fault("timeout", f"no bytes in time ({_named(error)})", usage=reading.usage)
        except (anthropic.APIConnectionError, httpx2.HTTPError, OSError) as error:
            return Fault("cut", f"the connection broke ({_named(error)})", usage=reading.usage)
        except (anthropic.AnthropicError, *_MALFORMED) as error:
            return Fault("garbage", f"no Messages stream ({_named(error)})", usage=reading.usage)


class _Reading:
    """Reads one stream: shows text as it comes, and knows what was used when the stream breaks."""

    def __init__(self, facts: ModelFacts, show: Callable[[str], None]) -> None:
        self._facts, self._show = facts, show
        self._message: Any = None
        self._shown = -1
        self.thinking_refused = False

    @property
    def usage(self) -> Usage:
        """Tokens and money so far."""
        return _reply.used(self._message, self._facts)

    async def read(self, stream: Any, alive: Callable[[], None]) -> Turn | Fault:
        """To the end; a stream that ends before its last event was cut. `alive` is told of every event but pings."""
        kind = stream.response.headers.get("content-type", "")
        if "text/event-stream" not in kind:
            return Fault("garbage", f"a reply of type {kind[:60]!r} where an event stream was due")
        async for event in stream:
            alive()
            if event.type == "text":
                self._text(event.text, len(self._message.content))
            elif event.type == "message_start":
                self._message = stream.current_message_snapshot
            elif event.type == "message_stop":
                return _reply.turn(self._message, self._facts)
        if self._message is None:
            return Fault("garbage", "an event stream without a message")
        return Fault("cut", "the stream ended before the message did", usage=self.usage)

    def _text(self, piece: str, block: int) -> None:
        if self._shown not in (-1, block):
            self._show(_reply.PARAGRAPH)
        self._shown = block
        self._show(clean(piece))


def _later(watch: asyncio.Timeout, seconds: float) -> None:
    watch.reschedule(asyncio.get_running_loop().time() + seconds)


def open_claude(settings: ClaudeSettings, model: str) -> Claude:
    """SetupError for a model that is retired or unknown, and for the official address without a key."""
    facts = _facts.find("claude", model or DEFAULT, settings.facts)
    if settings.base_url.rstrip("/") == OFFICIAL and not settings.api_key.get_secret_value():
        raise SetupError("Claude needs a key: set ANTHROPIC_API_KEY, or a base_url that needs none")
    if not settings.base_url.startswith(("https://", "http://")):
        raise SetupError(f"Claude's base_url must begin with https:// or http://, not {settings.base_url[:40]!r}")
    return Claude(settings, facts)


def _connect(settings: ClaudeSettings) -> "AsyncAnthropic":
    """A client that is ready to send; takes about a second of CPU the first time, so it runs in a thread."""
    import anthropic  # noqa: PLC0415  # see _client_class

    _warm_up()
    limits = anthropic.Timeout(2 * settings.stall_seconds, connect=settings.connect_seconds)
    http = anthropic.DefaultAsyncHttpxClient(timeout=limits, follow_redirects=False)
    return _client(settings.api_key.get_secret_value() or "none", settings.base_url, http)


def _client(api_key: str, base_url: str, http: "AsyncClient") -> "AsyncAnthropic":
    return _client_class()(
        api_key=api_key, base_url=base_url, http_client=http, max_retries=0, open_telemetry=False, timeout=http.timeout
    )


@functools.cache
def _client_class() -> "type[AsyncAnthropic]":
    """The SDK takes longer to import than all the rest of the bot, so no import of it stands at the top."""
    import anthropic  # noqa: PLC0415

    class Client(anthropic.AsyncAnthropic):
        """Sends only headers of its own: the SDK would add those of ANTHROPIC_CUSTOM_HEADERS, to any address."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self._custom_headers = {}

    return Client


@functools.cache
def _warm_up() -> None:
    """The SDK builds its schemas while it parses its first reply: let that be a made-up one."""
    import httpx2  # noqa: PLC0415  # see _client_class

    reply = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=_sample.reply())

    async def parse() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: reply))
        async with _client("none", OFFICIAL, http) as client, client.messages.stream(**_sample.REQUEST) as stream:
            await stream.until_done()

    asyncio.run(parse())


def _named(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {str(cause)[:200]}".removesuffix(": ")


_BACKGROUND = ThreadPoolExecutor(max_workers=1, thread_name_prefix="claude")
PROVIDER = Provider("claude", ClaudeSettings, open_claude, DEFAULT, "Anthropic's Claude models over the Messages API")
