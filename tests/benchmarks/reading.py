"""Seconds of reading evidence through the sources, beside a bare client that sends the same requests."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bot import parts, settings
from bot.demo.shop import Shop
from bot.domain.window import Window, last
from tests.benchmarks.around import Surroundings
from tests.benchmarks.queries import RANGES
from tests.demo.vendors import prometheus

ROUNDS = 12


@contextmanager
def metrics(around: Surroundings) -> Iterator[tuple[str, str]]:
    """A real Prometheus with the demo shop's samples where it is installed, else the demo's own; and which it is."""
    if prometheus.missing():
        yield around.at["worlds"]["shop"]["prometheus_url"], "the demo's vendors"
        return
    with tempfile.TemporaryDirectory() as name:
        excerpt = prometheus.Excerpt(Shop(3, "bad_deploy"))
        with prometheus.serving(excerpt, Path(name)) as url:
            yield url, "real Prometheus"


async def evidence(around: Surroundings, prometheus_url: str) -> float:
    """Alerts and twelve range queries side by side: our median over the bare keep-alive client's, taken in turns."""
    alertmanager_url = around.at["worlds"]["shop"]["alertmanager_url"]
    own = settings.read(prometheus_url=prometheus_url, alertmanager_url=alertmanager_url, sources={})
    instances = parts.open_sources(own)
    series = instances.of("series")[0].series
    alerts = next(i for i in instances.instances if i.kind == "alertmanager").alerts
    assert series is not None
    assert alerts is not None
    window = last(timedelta(hours=1), datetime.now(UTC))
    ours: list[float] = []
    raw: list[float] = []
    async with httpx.AsyncClient(timeout=30) as client:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await asyncio.gather(alerts.alerts(), *(series.range(query, window, 60) for query in RANGES))
            between = time.perf_counter()
            asked = (_raw(client, prometheus_url, query, window) for query in RANGES)
            await asyncio.gather(_raw_alerts(client, alertmanager_url), *asked)
            raw.append(time.perf_counter() - between)
            ours.append(between - began)
    await asyncio.gather(*(i.close() for i in instances.instances if i.close is not None))
    return statistics.median(ours[2:]) / statistics.median(raw[2:])


async def _raw_alerts(client: httpx.AsyncClient, url: str) -> Any:
    return (await client.get(f"{url}/api/v2/alerts")).json()


async def _raw(client: httpx.AsyncClient, url: str, query: str, window: Window) -> Any:
    given: dict[str, str | float] = {
        "query": query,
        "start": window.start.timestamp(),
        "end": window.end.timestamp(),
        "step": 60,
    }
    answer = (await client.get(f"{url}/api/v1/query_range", params=given)).json()
    assert answer["status"] == "success", answer
    return answer
