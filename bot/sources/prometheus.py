"""Any server with Prometheus' HTTP API: Prometheus 2 and 3, VictoriaMetrics, Mimir, Thanos."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.check.promql import check_query
from bot.domain.alerts import Alert, Change, Silence
from bot.domain.errors import BadArguments, SourceRefused, ToolError
from bot.domain.plugin import Source, SourceHead
from bot.domain.series import Metric, Rule, SeriesAnswer, Target
from bot.domain.sources import Health, Instance
from bot.domain.window import Window
from bot.sources import _answers, _catalogue, _deploys
from bot.sources._grid import grid
from bot.sources._http import Http, PathMissing
from bot.sources._settings import HttpSettings

LONG_QUERY = 1_500
CATALOGUE_SECONDS = 120.0
MAX_NAMES = 50_000


class PrometheusSettings(HttpSettings):
    """`[sources.NAME]` of kind prometheus."""


@dataclass
class Prometheus:
    """SeriesStore, RuleStore, AlertStore and ChangeStore over one server."""

    http: Http
    _known: tuple[float, tuple[Metric, ...]] = field(default=(0.0, ()))

    async def instant(self, query: str, at: datetime) -> SeriesAnswer:
        """A query's value at a moment (UTC); BadArguments with the server's own message when it is wrong."""
        await self._check(query)
        return await self.evaluate(query, at)

    async def range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        """A query over a window, in at most 500 points; a step (seconds) that gives more is widened."""
        await self._check(query)
        return await self.evaluate_range(query, window, step)

    async def evaluate(self, query: str, at: datetime) -> SeriesAnswer:
        """The same as `instant`, for queries of our own making."""
        pairs = [("time", _stamp(at.timestamp()))]
        return _answers.series(self.http.name, query, await self._query("/api/v1/query", query, pairs))

    async def evaluate_range(self, query: str, window: Window, step: float = 0.0) -> SeriesAnswer:
        """The same as `range`, for queries of our own making."""
        start, end, chosen = grid(window, step)
        pairs = [("start", _stamp(start)), ("end", _stamp(end)), ("step", _stamp(chosen))]
        return _answers.series(self.http.name, query, await self._query("/api/v1/query_range", query, pairs), chosen)

    async def metrics(self, words: str = "", limit: int = 50) -> tuple[Metric, ...]:
        """The metrics that fit the words best, near names when none does."""
        return _catalogue.ranked(await self._catalogue(), words, limit)

    async def label_sets(self, selector: str, window: Window, limit: int = 500) -> tuple[Mapping[str, str], ...]:
        """The label sets that a selector matches in a window."""
        await self._check(selector)
        start, end = window.start.timestamp(), window.end.timestamp()
        pairs = [("match[]", selector), ("start", _stamp(start)), ("end", _stamp(end)), ("limit", str(limit))]
        found = _answers.data(self.http.name, await self.http.get("/api/v1/series", pairs))
        return tuple(row for row in found or () if isinstance(row, dict))[:limit]

    async def rules(self) -> tuple[Rule, ...]:
        """The alerting rules; none where the server has no rules API."""
        try:
            return tuple(_rule(row) for row in await self._alerting())
        except PathMissing:
            return ()

    async def targets(self) -> tuple[Target, ...]:
        """What is scraped; by the metric `up` where the server does not scrape itself."""
        try:
            found = _answers.data(self.http.name, await self.http.get("/api/v1/targets", [("state", "active")]))
            rows = found["activeTargets"] if isinstance(found, dict) else ()
        except PathMissing:
            rows = ()
        if rows:
            return tuple(_target(row) for row in rows)
        answer = await self.evaluate("up", datetime.now(UTC))
        return tuple(Target(one.labels, one.values[-1] == 1) for one in answer.series)

    async def alerts(self, matchers: Sequence[str] = ()) -> tuple[Alert, ...]:
        """What its own rules say fires or is pending; it knows of no silences. Matchers are left to Alertmanager."""
        if matchers:
            raise BadArguments("Prometheus filters no alerts by matchers; ask Alertmanager, or take all")
        try:
            rules = await self._alerting()
        except PathMissing as error:
            raise SourceRefused(f"{self.http.name} has no alerts API; configure its Alertmanager") from error
        return tuple(_alert(rule, alert) for rule in rules for alert in rule.get("alerts") or ())

    async def silences(self) -> tuple[Silence, ...]:
        """None: silences are Alertmanager's."""
        return ()

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Versions that appeared and processes that started in a window, as metrics show them."""
        names = [metric.name for metric in await self._catalogue()]
        versions, restarts = await asyncio.gather(
            _deploys.versions(self, names, window), _deploys.restarts(self, names, window)
        )
        return _deploys.merged(versions, restarts)

    async def health(self) -> Health:
        """Version and latency, or what to do."""
        began = time.monotonic()
        try:
            version = await self._version()
        except ToolError as error:
            return Health(False, str(error))
        return Health(True, f"{version}, {(time.monotonic() - began) * 1000:.0f} ms")

    async def _check(self, query: str) -> None:
        """Refuse what may not be sent; what we cannot parse the server only formats, to hear its own words for it."""
        try:
            check_query(query)
        except BadArguments as refused:
            if isinstance(refused.__cause__, ValueError):
                try:
                    await self.http.get("/api/v1/format_query", [("query", query)])
                except BadArguments:
                    raise
                except ToolError:
                    raise refused from None
            raise

    async def _version(self) -> str:
        try:
            built = _answers.data(self.http.name, await self.http.get("/api/v1/status/buildinfo"))
        except (PathMissing, BadArguments):
            built = {}
        if isinstance(built, dict) and built.get("version"):
            return f"{built.get('application') or 'Prometheus'} {built['version']}"
        await self.evaluate("vector(1)", datetime.now(UTC))
        return "answers queries"

    async def _query(self, path: str, query: str, pairs: list[tuple[str, str]]) -> Any:
        form = [("query", query), *pairs, ("timeout", f"{self.http.settings.timeout:g}")]
        form.append(("limit", str(_answers.MAX_SERIES)))
        return await (self.http.post(path, form) if len(query) > LONG_QUERY else self.http.get(path, form))

    async def _alerting(self) -> list[dict[str, Any]]:
        found = _answers.data(self.http.name, await self.http.get("/api/v1/rules", [("type", "alert")]))
        groups = found.get("groups") or () if isinstance(found, dict) else ()
        rules = (rule for group in groups for rule in group.get("rules") or ())
        return [rule for rule in rules if rule.get("type", "alerting") == "alerting" and rule.get("name")]

    async def _catalogue(self) -> tuple[Metric, ...]:
        taken, known = self._known
        if known and time.monotonic() - taken < CATALOGUE_SECONDS:
            return known
        names, metadata = await asyncio.gather(self._names(), self._metadata())
        self._known = time.monotonic(), _catalogue.metrics(names, metadata)
        return self._known[1]

    async def _names(self) -> list[str]:
        path = "/api/v1/label/__name__/values"
        found = _answers.data(self.http.name, await self.http.get(path, [("limit", str(MAX_NAMES))]))
        return [str(name) for name in found or ()][:MAX_NAMES]

    async def _metadata(self) -> Mapping[str, Any]:
        try:
            found = _answers.data(self.http.name, await self.http.get("/api/v1/metadata"))
        except (PathMissing, BadArguments):
            return {}
        return found if isinstance(found, dict) else {}


def _stamp(value: float) -> str:
    """Seconds with milliseconds where there are any."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        name=str(row["name"]),
        expr=str(row.get("query", "")),
        state=str(row.get("state") or "inactive"),
        duration=float(row.get("duration") or 0),
        labels=row.get("labels") or {},
        annotations=row.get("annotations") or {},
    )


def _alert(rule: Mapping[str, Any], row: Mapping[str, Any]) -> Alert:
    labels = row.get("labels") or {}
    return Alert(
        name=labels.get("alertname") or str(rule["name"]),
        labels=labels,
        starts=datetime.fromisoformat(row["activeAt"]) if row.get("activeAt") else datetime.now(UTC),
        annotations=row.get("annotations") or {},
        state="active" if row.get("state") == "firing" else "pending",
        expr=str(rule.get("query", "")),
    )


def _target(row: Mapping[str, Any]) -> Target:
    state, error = row.get("health"), str(row.get("lastError") or "")
    return Target(row.get("labels") or {}, state == "up", error or ("" if state != "unknown" else "not scraped yet"))


def open_prometheus(head: SourceHead, settings: PrometheusSettings) -> Instance:
    """One instance; no connection is made before it is asked."""
    http = Http(head.name, settings)
    store = Prometheus(http)
    return Instance(
        name=head.name,
        kind="prometheus",
        env=head.env,
        cluster=head.cluster,
        url=settings.url,
        health=store.health,
        close=http.close,
        trouble=lambda: http.trouble,
        alerts=store,
        series=store,
        rules=store,
        changes=store,
    )


SOURCE = Source(
    "prometheus",
    PrometheusSettings,
    open_prometheus,
    "metrics, alerting rules and deploys of any server with Prometheus' HTTP API",
)
