"""Grafana Loki's HTTP API: log lines of a window, page by page, and what they would cost before they are read."""

import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, field_validator

from bot.domain.errors import BadArguments, SourceRefused, ToolError
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.plugin import Source, SourceHead
from bot.domain.series import SERVICE_LABELS
from bot.domain.sources import Health, Instance
from bot.domain.window import Window
from bot.sources._http import PathMissing
from bot.sources._loki_http import LokiHttp, WindowTooLong, names
from bot.sources._loki_pages import SECOND, Limits, Pages, asked, shorter
from bot.sources._loki_query import LogQL, containing, one_of, parsed
from bot.sources._settings import HttpSettings

LABELS_SECONDS = 300.0
UNNAMED = "unknown_service"  # what Loki itself calls a stream whose service it cannot tell
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class LokiSettings(HttpSettings):
    """`[sources.NAME]` of kind loki."""

    timeout: float = Field(30.0, gt=0, le=120, description="seconds for a whole request")
    page: int = Field(
        5_000, ge=2, le=50_000, description="lines asked for at once; fewer where the server allows fewer"
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
    _known: tuple[float, tuple[str, ...]] = field(default=(0.0, ()))

    async def volume(self, query: LogQuery, window: Window) -> LogVolume:
        """What the index says of the streams, whatever filters follow.

        A server without that endpoint (before 2.8) leaves the size at 0 and the lines at None: not known.
        """
        asked_for = await self._logql(query, window)
        if asked_for is None:
            return LogVolume(0, 0)
        start, end = _nanoseconds(window)
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

        Every line of an entry has the entry's time. Nothing is lost or doubled between pages.
        """
        asked_for = await self._logql(query, window)
        if asked_for is None:
            return
        if query.contains:
            asked_for = asked_for.having(filters=[containing(query.contains)])
        async for piece in Pages(self.http, self.limits).between(asked_for, *_nanoseconds(window)):
            yield piece

    async def services(self, window: Window) -> tuple[str, ...]:
        """The values of the label that names a service, in order; none where no label does."""
        label = next(iter(await self._service_labels(window)), "")
        found = await self._values(label, window) if label else ()
        return tuple(sorted(name for name in found if name and name != UNNAMED))

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

    async def _logql(self, query: LogQuery, window: Window) -> LogQL | None:
        """A query in the server's language; None where it has no labels, and so no logs, in the window."""
        given = parsed(query.selector) if query.selector.strip() else None
        if given and not query.services:
            return given
        label = await self._label(query.services, window)
        if not label:
            return given
        matcher = one_of(label, query.services)
        return given.having(matchers=[matcher]) if given else LogQL((matcher,))

    async def _label(self, services: tuple[str, ...], window: Window) -> str:
        """The label by which most of the services are known; without services the best one, or any at all."""
        labels = await self._service_labels(window)
        if not services or len(labels) < 2:
            every = labels or await self._labels(window)
            if services and not labels and every:
                raise SourceRefused(
                    f"no label of {self.http.name} names a service (it has {', '.join(every[:20])}); give a selector"
                )
            return next(iter(every), "")
        best, most = labels[0], 0
        for label in labels:
            known = len(set(services) & set(await self._values(label, window)))
            if known > most:
                best, most = label, known
            if most == len(set(services)):
                break
        return best

    async def _service_labels(self, window: Window) -> tuple[str, ...]:
        every = set(await self._labels(window))
        return tuple(name for name in SERVICE_LABELS if name in every)

    async def _labels(self, window: Window) -> tuple[str, ...]:
        taken, known = self._known
        if known and time.monotonic() - taken < LABELS_SECONDS:
            return known
        found = names(self.http.name, await asked(self.http, self.limits, "/loki/api/v1/labels", _times(window)))
        found = tuple(name for name in found if _LABEL.fullmatch(name) and not name.startswith("__"))
        self._known = time.monotonic(), found
        return found

    async def _values(self, label: str, window: Window) -> tuple[str, ...]:
        path = f"/loki/api/v1/label/{label}/values"
        return names(self.http.name, await asked(self.http, self.limits, path, _times(window)))


def _nanoseconds(window: Window) -> tuple[int, int]:
    """Start and end; by whole microseconds, as a float of seconds is not exact."""
    return _since(window.start), _since(window.end)


def _since(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * (SECOND // 1_000_000)


def _times(window: Window) -> list[tuple[str, str]]:
    start, end = _nanoseconds(window)
    return [("start", str(start)), ("end", str(end))]


def open_loki(head: SourceHead, settings: LokiSettings) -> Instance:
    """One instance; no connection is made before it is asked."""
    http = LokiHttp(head.name, settings)
    store = Loki(http, Limits(settings.page))
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
