"""Grafana Loki's HTTP API: log lines of a window, page by page, and what they would cost before they are read."""

import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator

from bot.domain.errors import BadArguments, SourceRefused, ToolError
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.plugin import Source, SourceHead
from bot.domain.sources import Health, Instance
from bot.domain.window import Window
from bot.sources._http import PathMissing
from bot.sources._loki_http import Busy, LokiHttp, WindowTooLong, names
from bot.sources._loki_pages import Limits, Pages, asked, nanoseconds, shorter
from bot.sources._loki_query import LogQL, containing, one_of, parsed
from bot.sources._loki_services import Named, Services
from bot.sources._settings import HttpSettings


class LokiSettings(HttpSettings):
    """`[sources.NAME]` of kind loki."""

    timeout: float = Field(30.0, gt=0, le=120, description="seconds for a whole request")
    page: int = Field(
        5_000, ge=2, le=50_000, description="lines asked for at once; fewer where the server allows fewer"
    )
    service_label: str = Field(
        "",
        pattern=r"^([A-Za-z_]\w*)?$",
        description="label that names a stream's service; found by its values if empty",
    )

    @field_validator("url", mode="before")
    @classmethod
    def _base(cls, url: Any) -> Any:
        """The address that is pushed to is known to everybody; the base is what stands before its path."""
        return re.sub(r"/loki/api/v1(/push)?/?$", "", url) if isinstance(url, str) else url


@dataclass
class Loki:
    """LogStore over one server, for the tenant of its settings.

    Raises BadArguments for a query that is wrong, in the server's words, else SourceDown or SourceRefused.
    """

    http: LokiHttp
    limits: Limits
    named: Services

    async def volume(self, query: LogQuery, window: Window) -> LogVolume:
        """What the index says of the streams, whatever filters follow.

        A server without that endpoint (before 2.8) leaves the size at 0 and the lines at None: not known.
        """
        asked_for, _ = await self._logql(query, window)
        if asked_for is None:
            return LogVolume(0, 0)
        start, end = nanoseconds(window)
        size = lines = streams = 0
        span = end - start
        while start < end:
            until = min(end, start + span)
            try:
                found = await self._stats(asked_for, start, until)
            except PathMissing:
                return LogVolume(0)
            except WindowTooLong as error:
                span = shorter(until - start, error)
                continue
            size, lines, streams = size + found[0], lines + found[1], max(streams, found[2])
            start = until
        return LogVolume(size, lines, streams)

    async def read(self, query: LogQuery, window: Window) -> AsyncGenerator[LogPiece]:
        """The lines from the window's start to just before its end, a page's streams one after the other.

        Every line of an entry has the entry's time. Nothing is lost or doubled between pages. The label `service` is
        the service's name, whatever label the server has it under.
        """
        asked_for, named = await self._logql(query, window)
        if asked_for is None:
            return
        if query.contains:
            asked_for = asked_for.having(filters=[containing(query.contains)])
        async for piece in Pages(self.http, self.limits).between(asked_for, *nanoseconds(window)):
            yield named.of(piece)

    async def services(self, window: Window) -> tuple[str, ...]:
        """The values of the label that names a service, in order; none where no label does."""
        return await self.named.all(window)

    async def health(self) -> Health:
        """Version and latency, or what to do."""
        began = time.monotonic()
        try:
            version = await self._version()
        except ToolError as error:
            return Health(False, str(error))
        return Health(True, f"{version}, {(time.monotonic() - began) * 1000:.0f} ms")

    async def _version(self) -> str:
        try:
            built = await self.http.get("/loki/api/v1/status/buildinfo")
        except (PathMissing, BadArguments):
            built = {}
        held = built.get("data", built) if isinstance(built, dict) else {}
        if isinstance(held, dict) and held.get("version"):
            return f"Loki {held['version']}"
        names(self.http.name, await asked(self.http, self.limits, "/loki/api/v1/labels", ()))
        return "Loki (version unknown)"

    async def _stats(self, query: LogQL, start: int, end: int) -> tuple[int, int, int]:
        """Bytes, entries and streams."""
        form = [("query", query.selector), ("start", str(start)), ("end", str(end))]
        found = await asked(self.http, self.limits, "/loki/api/v1/index/stats", form)
        try:
            return int(found["bytes"]), int(found["entries"]), int(found["streams"])
        except (KeyError, TypeError, ValueError) as error:
            raise SourceRefused(f"{self.http.name} gave statistics whose shape is not Loki's") from error

    async def _logql(self, query: LogQuery, window: Window) -> tuple[LogQL | None, Named]:
        """A query in the server's language; None where it has no labels, and so no logs, in the window."""
        given = parsed(query.selector) if query.selector.strip() else None
        if given and not query.services:
            return given, Named(self.named.label)
        if not query.services:
            label = await self._widest(window)
            return (LogQL((one_of(label, ()),)) if label else None), Named(self.named.label)
        named = await self.named.of(query.services, window)
        if not named.label:
            return given, named
        matcher = one_of(named.label, tuple(named.services))
        return (given.having(matchers=[matcher]) if given else LogQL((matcher,))), named

    async def _widest(self, window: Window) -> str:
        """The label that most streams of the window have, the best of those that name services where some are alike."""
        labels = await self.named.labels(window) or (await self.named.every(window))[:1]
        if len(labels) < 2:
            return next(iter(labels), "")
        try:
            counts = [(await self._stats(LogQL((one_of(name, ()),)), *nanoseconds(window)))[2] for name in labels]
        except Busy:
            raise
        except (PathMissing, BadArguments, SourceRefused):
            return labels[0]
        return labels[counts.index(max(counts))]


def open_loki(head: SourceHead, settings: LokiSettings) -> Instance:
    """One instance; no connection is made before it is asked."""
    http = LokiHttp(head.name, settings)
    limits = Limits(settings.page)
    store = Loki(http, limits, Services(http, limits, settings.service_label))
    return Instance(
        name=head.name,
        kind="loki",
        env=head.env,
        cluster=head.cluster,
        url=settings.url,
        health=store.health,
        close=http.close,
        trouble=lambda: http.trouble,
        logs=store,
    )


SOURCE = Source("loki", LokiSettings, open_loki, "log lines of a Grafana Loki")
