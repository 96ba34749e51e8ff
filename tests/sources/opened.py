"""Sources as the wiring opens them, closed again at the end of a block."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.domain.plugin import Source, SourceHead
from bot.domain.sources import Instance
from bot.sources import alertmanager, grafana, prometheus
from bot.sources._http import Http
from bot.sources._settings import HttpSettings


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


KINDS: dict[str, Source[Any]] = {
    source.name: source for source in (prometheus.SOURCE, alertmanager.SOURCE, grafana.SOURCE)
}


@asynccontextmanager
async def opened(kind: str, url: str, env: str = "prod", name: str = "", **settings: Any) -> AsyncIterator[Instance]:
    """An instance of a kind over a URL."""
    source = KINDS[kind]
    instance = source.open(SourceHead(name or kind, env), source.settings(url=url, **settings))
    try:
        yield instance
    finally:
        assert instance.close is not None
        await instance.close()


@asynccontextmanager
async def door(url: str, **settings: Any) -> AsyncIterator[Http]:
    """The HTTP door alone."""
    http = Http("prom", HttpSettings(url=url, **settings))
    try:
        yield http
    finally:
        await http.close()
