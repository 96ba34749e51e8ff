"""Alertmanager's API v2: what fires, what is silenced."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.domain.alerts import Alert, Silence
from bot.domain.errors import SourceRefused, ToolError
from bot.domain.plugin import Source, SourceHead
from bot.domain.sources import Health, Instance
from bot.sources._http import Http
from bot.sources._settings import HttpSettings


class AlertmanagerSettings(HttpSettings):
    """`[sources.NAME]` of kind alertmanager."""


class Alertmanager:
    """AlertStore over one Alertmanager, or over whatever speaks its API (Mimir, Grafana)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def alerts(self, matchers: Sequence[str] = ()) -> tuple[Alert, ...]:
        """What fires now, suppressed ones included; matchers such as `service="payment"` narrow it."""
        rows = await self._list("/api/v2/alerts", [("filter", matcher) for matcher in matchers])
        return tuple(self._read(_alert, row) for row in rows)

    async def silences(self) -> tuple[Silence, ...]:
        """The silences in force now."""
        rows = await self._list("/api/v2/silences", [])
        active = (row for row in rows if (row.get("status") or {}).get("state") == "active")
        return tuple(self._read(_silence, row) for row in active)

    async def health(self) -> Health:
        """Version and latency, or what to do."""
        began = time.monotonic()
        try:
            body = await self._http.get("/api/v2/status")
        except ToolError as error:
            return Health(False, str(error))
        told = body.get("versionInfo") if isinstance(body, dict) else None
        version = told.get("version") if isinstance(told, dict) else None
        return Health(
            True, f"Alertmanager {version or '(version unknown)'}, {(time.monotonic() - began) * 1000:.0f} ms"
        )

    async def _list(self, path: str, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
        body = await self._http.get(path, pairs)
        if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
            raise SourceRefused(f"{self._http.name} gave an answer that is not Alertmanager's: no list at {path}")
        return body

    def _read(self, read: Any, row: Mapping[str, Any]) -> Any:
        try:
            return read(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceRefused(f"{self._http.name} gave an entry whose shape is not Alertmanager's") from error


def _alert(row: Mapping[str, Any]) -> Alert:
    labels = row["labels"]
    return Alert(
        name=labels.get("alertname", ""),
        labels=labels,
        starts=datetime.fromisoformat(row["startsAt"]),
        annotations=row.get("annotations") or {},
        state="suppressed" if (row.get("status") or {}).get("state") == "suppressed" else "active",
        fingerprint=row.get("fingerprint", ""),
        expr=_expression(row.get("generatorURL", "")),
    )


def _expression(url: str) -> str:
    """The alert's query, which Prometheus puts into the address of its graph page."""
    return "".join(parse_qs(urlsplit(url).query).get("g0.expr", ()))


def _silence(row: Mapping[str, Any]) -> Silence:
    return Silence(
        id=row["id"],
        matchers=tuple(_matcher(matcher) for matcher in row["matchers"]),
        by=row.get("createdBy", ""),
        comment=row.get("comment", ""),
        starts=datetime.fromisoformat(row["startsAt"]),
        ends=datetime.fromisoformat(row["endsAt"]),
    )


def _matcher(matcher: Mapping[str, Any]) -> str:
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    sign = signs[matcher.get("isEqual", True), matcher.get("isRegex", False)]
    return f'{matcher["name"]}{sign}"{matcher["value"]}"'


def open_alertmanager(head: SourceHead, settings: AlertmanagerSettings) -> Instance:
    """One instance; no connection is made before it is asked."""
    http = Http(head.name, settings)
    store = Alertmanager(http)
    return Instance(
        name=head.name,
        kind="alertmanager",
        env=head.env,
        cluster=head.cluster,
        url=settings.url,
        health=store.health,
        close=http.close,
        trouble=lambda: http.trouble,
        alerts=store,
    )


SOURCE = Source("alertmanager", AlertmanagerSettings, open_alertmanager, "alerts and silences of an Alertmanager")
