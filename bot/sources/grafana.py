"""Grafana's annotations: deploys and other marks that people or pipelines set."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from bot.domain.alerts import Change
from bot.domain.errors import SourceRefused, ToolError
from bot.domain.plugin import Source, SourceHead
from bot.domain.sources import Health, Instance
from bot.domain.window import Window
from bot.sources._http import Http
from bot.sources._settings import HttpSettings

MAX_ANNOTATIONS = 200
_TAG = re.compile(r"<[^>]{0,200}>")
_DEPLOY = frozenset({"deploy", "deployment", "deployed", "release", "rollout", "rollback"})


class GrafanaSettings(HttpSettings):
    """`[sources.NAME]` of kind grafana."""

    tags: tuple[str, ...] = Field((), description="only annotations with all of these tags")


class Grafana:
    """ChangeStore over Grafana's annotations, those of alert states excepted."""

    def __init__(self, http: Http, tags: Sequence[str]) -> None:
        self._http = http
        self._tags = tuple(tags)

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """The annotations that begin in the window, in order of time."""
        span = [("from", _milliseconds(window.start)), ("to", _milliseconds(window.end))]
        pairs = [*span, ("type", "annotation"), ("limit", str(MAX_ANNOTATIONS)), *(("tags", tag) for tag in self._tags)]
        rows = await self._http.get("/api/annotations", pairs)
        if not isinstance(rows, list):
            raise SourceRefused(f"{self._http.name} gave an answer that is not Grafana's: no list of annotations")
        try:
            found = [_change(row) for row in rows if not row.get("alertId")]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SourceRefused(f"{self._http.name} gave an annotation whose shape is not Grafana's") from error
        return tuple(sorted((one for one in found if window.start <= one.at <= window.end), key=lambda one: one.at))

    async def health(self) -> Health:
        """Version and latency, or what to do; also tries whether annotations may be read."""
        began = time.monotonic()
        try:
            body = await self._http.get("/api/health")
            await self._http.get("/api/annotations", [("limit", "1")])
        except ToolError as error:
            return Health(False, str(error))
        version = body.get("version", "") if isinstance(body, dict) else ""
        return Health(True, f"Grafana {version or '(version unknown)'}, {(time.monotonic() - began) * 1000:.0f} ms")


def _milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def _change(row: Mapping[str, Any]) -> Change:
    tags = [str(tag) for tag in row.get("tags") or ()]
    named = dict(tag.split(":", 1) for tag in tags if ":" in tag) | dict(
        tag.split("=", 1) for tag in tags if "=" in tag
    )
    words = {word for tag in tags for word in re.split(r"[^a-z]+", tag.lower())}
    text = " ".join(_TAG.sub(" ", str(row.get("text") or "")).split())[:300]
    return Change(
        at=datetime.fromtimestamp(row["time"] / 1000, UTC),
        what=text or ", ".join(tags) or "annotation without text",
        service=named.get("service") or named.get("app") or "",
        kind="deploy" if words & _DEPLOY else "annotation",
    )


def open_grafana(head: SourceHead, settings: GrafanaSettings) -> Instance:
    """One instance; no connection is made before it is asked."""
    http = Http(head.name, settings)
    store = Grafana(http, settings.tags)
    return Instance(
        name=head.name,
        kind="grafana",
        env=head.env,
        cluster=head.cluster,
        url=settings.url,
        health=store.health,
        close=http.close,
        trouble=lambda: http.trouble,
        changes=store,
    )


SOURCE = Source("grafana", GrafanaSettings, open_grafana, "annotations of a Grafana: deploys and other marks")
