"""The only door to httpx: a keep-alive connection pool per source, every fault told in our own words."""

import asyncio
import base64
import ssl
import time
import zlib
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import httpx

from bot.domain.breaker import Breaker
from bot.domain.errors import BadArguments, SourceDown, SourceRefused
from bot.sources._bodies import Answer, Unpacked, message, parsed
from bot.sources._settings import HttpSettings

Pairs = Iterable[tuple[str, str]]
MAX_BYTES = 20_000_000
MOST_SILENCES = 4  # requests in a row that time out before the server is left alone
SLOW_SECONDS = 2.0  # an error that took longer, as a gateway's 504 does, is as bad as silence
STOPPED_SECONDS = 1.0  # a request that was given up sooner was stopped by a person, and says nothing of the server
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)


class PathMissing(SourceRefused):
    """The server answered, but knows no such path."""


@dataclass
class _Line:
    """The connections of one event loop, each a pool of its own: a pool of many asks them all at every request."""

    slots: asyncio.Semaphore
    idle: list[httpx.AsyncHTTPTransport] = field(default_factory=list)
    opened: list[httpx.AsyncHTTPTransport] = field(default_factory=list)
    closed: bool = False


@dataclass
class Http:
    """Asks one server; reading only, so a request whose connection breaks is sent once more. Opens lazily.

    `trouble` says what was wrong with the last answer, if it cannot be used; empty otherwise.
    """

    name: str
    settings: HttpSettings
    max_bytes: int = MAX_BYTES
    breaker: Breaker = field(default_factory=lambda: Breaker(most=MOST_SILENCES))
    trouble: str = ""
    _lines: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Line]" = field(default_factory=WeakKeyDictionary)
    _token: tuple[float, str] = (0.0, "")

    async def get(self, path: str, params: Pairs = ()) -> Any:
        """The JSON under a path; SourceDown, SourceRefused or BadArguments otherwise."""
        query = urlencode(list(params))
        return await self._noted(path, self.ask("GET", f"{path}?{query}" if query else path))

    async def post(self, path: str, form: Pairs) -> Any:
        """The same for a form, where a query is too long for a URL."""
        return await self._noted(path, self.ask("POST", path, urlencode(list(form)).encode()))

    async def _noted(self, path: str, asking: Awaitable[Answer]) -> Any:
        began = time.monotonic()
        try:
            found = self._read(path, await asking)
        except PathMissing:
            raise
        except (SourceDown, SourceRefused) as error:
            self.trouble = str(error)
            raise
        except asyncio.CancelledError:
            if time.monotonic() - began > STOPPED_SECONDS:
                self.trouble = f"{self.name} ({self.settings.host}) was not waited for any longer"
            raise
        self.trouble = ""
        return found

    async def ask(self, method: str, target: str, content: bytes = b"") -> Answer:
        """The whole answer, whatever its status; SourceDown or SourceRefused when none came."""
        line = self._line()
        if self.breaker.holds():
            raise SourceDown(f"{self.name} ({self.settings.host}) {self.breaker.trouble}; go on without it")
        try:
            async with asyncio.timeout(self.settings.timeout), line.slots:
                if line.closed:
                    raise SourceDown(f"{self.name} is no longer asked: the process is ending")
                transport = line.idle.pop() if line.idle else self._open(line)
                try:
                    return await self._exchange(line, transport, self._request(method, target, content))
                except _BROKEN:
                    if line.closed:  # that is what broke it: nobody would close a new connection
                        raise
                    return await self._exchange(line, transport, self._request(method, target, content))
                finally:
                    line.idle.append(transport)
        except TimeoutError as error:
            self.breaker.failed(f"did not answer within {self.settings.timeout:g} s")
            raise SourceDown(
                f"{self.name} ({self.settings.host}) did not answer within {self.settings.timeout:g} s; "
                "ask for less (a shorter window, a narrower selector) or go on without it"
            ) from error
        except httpx.ConnectError as error:
            raise SourceDown(self._unreachable(error)) from error
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, zlib.error) as error:
            said = self._masked(str(error)) or type(error).__name__
            raise SourceDown(f"the answer of {self.name} ({self.settings.host}) broke off: {said}") from error

    async def close(self) -> None:
        """Close the connections of the running loop; a later request opens new ones."""
        if line := self._lines.pop(asyncio.get_running_loop(), None):
            line.closed = True
            await asyncio.gather(*(transport.aclose() for transport in line.opened))

    def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        if loop not in self._lines:
            self._lines[loop] = _Line(asyncio.Semaphore(self.settings.connections))
        return self._lines[loop]

    def _open(self, line: _Line) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60.0)
        transport = httpx.AsyncHTTPTransport(
            verify=self._context, limits=limits, proxy=self.settings.proxy or None, trust_env=False
        )
        line.opened.append(transport)
        return transport

    @cached_property
    def _context(self) -> ssl.SSLContext | bool:
        settings = self.settings
        if not settings.url.startswith("https:"):
            return False  # nothing to verify, and loading the authorities costs 20 ms
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
            if settings.cert_file:
                context.load_cert_chain(settings.cert_file, settings.key_file or None)
        except (OSError, ValueError) as error:
            files = ", ".join(filter(None, (settings.ca_file, settings.cert_file, settings.key_file)))
            raise SourceRefused(f"{self.name}: the certificates cannot be loaded ({files}): {error}") from error
        if not settings.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _request(self, method: str, target: str, content: bytes) -> httpx.Request:
        headers = dict(self._headers)
        if content:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if (token := self._bearer()) and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {token}"
        if self.settings.proxy:  # it must be told the whole URL
            return httpx.Request(method, f"{self.settings.url}{target}", headers=headers, content=content or None)
        url, path = _base(self.settings.url)
        asked = {"target": f"{path}{target}".encode("ascii")}  # beside the URL, which is checked letter by letter
        return httpx.Request(method, url, headers=headers, content=content or None, extensions=asked)

    @cached_property
    def _headers(self) -> dict[str, str]:
        settings = self.settings
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "nightjar"}
        if settings.tenant:
            headers["X-Scope-OrgID"] = settings.tenant
        password = settings.password.get_secret_value()
        if settings.username or password:
            pair = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers | {name: secret.get_secret_value() for name, secret in settings.headers.items()}

    def _bearer(self) -> str:
        settings = self.settings
        if not settings.token_file:
            return settings.token.get_secret_value()
        try:
            path = Path(settings.token_file)
            changed = path.stat().st_mtime
            if changed != self._token[0]:
                self._token = changed, path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceRefused(f"{self.name}: token_file {settings.token_file} cannot be read: {error}") from error
        return self._token[1]

    async def _exchange(self, line: _Line, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Answer:
        began = time.monotonic()
        response = await transport.handle_async_request(request)
        try:
            unpack = Unpacked(response.headers.get("content-encoding", ""), self.max_bytes)
            async for chunk in response.aiter_raw():
                if not unpack.take(chunk):
                    self.breaker.worked()
                    raise BadArguments(
                        f"the answer of {self.name} is larger than {self.max_bytes / 1e6:g} MB; "
                        "ask for fewer series: a narrower selector, sum by (…), topk(…) or a shorter window"
                    )
            self._heard(response.status_code, time.monotonic() - began)
            return Answer(response.status_code, response.headers.get("content-type", ""), unpack.body)
        finally:
            await response.aclose()

    def _heard(self, status: int, seconds: float) -> None:
        if status >= 500 and seconds > SLOW_SECONDS:
            self.breaker.failed(f"answered {status} after {seconds:.0f} s")
        else:
            self.breaker.worked()

    def _read(self, path: str, answer: Answer) -> Any:
        if answer.status != 200:
            raise self._fault(path, answer)
        if not answer.is_json:
            raise SourceRefused(
                f"{self.name} ({self.settings.host}) answered {answer.type.partition(';')[0]} instead of JSON: "
                "the URL leads to a login page or to another service"
            )
        try:
            return parsed(answer.body)
        except (ValueError, RecursionError) as error:
            raise SourceRefused(
                f"the answer of {self.name} ({self.settings.host}) is no valid JSON: "
                "it was cut short on its way, or another service answered"
            ) from error

    def _fault(self, path: str, answer: Answer) -> BadArguments | SourceDown | SourceRefused:
        where, said = f"{self.name} ({self.settings.host})", self._masked(message(answer))
        status = answer.status
        if status in (400, 422) and answer.is_json:
            return BadArguments(f"{self.name}: {said}")
        if status == 404:
            return PathMissing(f"{where} answered 404 at {path}: is the base path of its URL right?")
        if status in _REMEDIES:
            return SourceRefused(f"{where} answered {status}: {_REMEDIES[status]}")
        if 300 <= status < 400:
            return SourceRefused(f"{where} redirects ({status}), which is not followed: set its final URL")
        kind = SourceDown if status >= 500 else SourceRefused
        hint = "; ask for less" if "timed out" in said else ""
        return kind(f"{where} answered {status}: {said or 'nothing'}{hint}")

    def _unreachable(self, error: httpx.ConnectError) -> str:
        said, where = self._masked(str(error)), f"{self.name} ({self.settings.host})"
        if "certificate verify failed" in said.lower():
            return f"{where}: its certificate is not trusted ({said}); set ca_file to the authority that signed it"
        return f"{where} cannot be reached: {said or 'no connection'}; is its URL right, and is it up?"

    def _masked(self, text: str) -> str:
        sent = self._headers.get("Authorization", "").partition(" ")[2]
        for secret in filter(None, (*self.settings.secrets, self._token[1], sent)):
            text = text.replace(secret, "***")
        return text


_REMEDIES = {
    401: "the credentials are missing or wrong; set username and password, or token",
    403: "these credentials may not read it; grant them access, or check the tenant",
    429: "too many requests; wait before asking again",
}


@lru_cache(64)
def _base(url: str) -> tuple[httpx.URL, str]:
    """A base URL and its path."""
    parsed = httpx.URL(url)
    return parsed, parsed.raw_path.decode().rstrip("/")
