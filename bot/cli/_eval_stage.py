"""What a case's run stands on: its world, simulated for as long as the run lasts, its evidence, or a recording."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.demo.shop import Shop
from bot.demo.shop.logs import LogLine
from bot.demo.shop.rules import GROUPS, Rule
from bot.demo.vendors import Vendors
from bot.domain.errors import SetupError
from bot.domain.evidence import Evidence
from bot.domain.outcomes import decode
from bot.domain.sources import Sources
from bot.domain.window import Window
from bot.evals import shelf
from bot.evals.case import Case, World
from bot.evals.result import Taken

HISTORY = 9_000.0
"""Seconds of the shop's past that are worked out for a case."""
SAID_SECONDS, SAID_EVERY = 1_800.0, 20.0
AWAY = "http://127.0.0.1:9"  # the discard port: refused at once


class Told(Shop):
    """A shop with one more line, written by a service again and again."""

    def __init__(self, world: World) -> None:
        at = world.at.timestamp()
        ago, lasted = (None if minutes is None else minutes * 60.0 for minutes in (world.minutes, world.lasted))
        try:
            super().__init__(world.seed, world.fault, lambda: at, ago, lasted=lasted, history=HISTORY)
        except ValueError as error:
            raise SetupError(str(error)) from error
        self._line = world.log

    def logs(self, service: str, window: Window) -> list[LogLine]:
        """A service's own lines, and the one that was put in."""
        lines = super().logs(service, window)
        if (said := self._line) is None or service != said.service:
            return lines
        start = max(window.start.timestamp(), self.now() - SAID_SECONDS)
        end = min(window.end.timestamp(), self.now())
        count = max(0, int((end - start) // SAID_EVERY))
        more = (start + number * SAID_EVERY for number in range(count))
        lines += [LogLine(at, service, f"{service}-1", said.level, _written(at, said.level, said.text)) for at in more]
        return sorted(lines, key=lambda line: line.at)


def _written(at: float, level: str, text: str) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} {level} {text}"


@dataclass
class Stage:
    """What a run stands on: sources by table or as stand-ins, and calls that are answered from."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: Sources | None = None
    calls: Sequence[shelf.Kept] = ()
    near: bool = False


@asynccontextmanager
async def staged(case: Case, played: Taken | None) -> AsyncIterator[Stage]:
    """The world of a case, simulated for as long as the run lasts; or what is recorded."""
    if played is not None:
        yield Stage(sources=shelf.stand_ins(played.origins), calls=played.calls)
    elif case.evidence is not None:
        evidence = read_evidence(case.evidence)
        sources = shelf.stand_ins(shelf.sources_of(evidence))
        yield Stage(sources=sources, calls=shelf.of_evidence(evidence), near=True)
    elif case.world is not None:
        async with _vendors(case.world) as vendors:
            urls = {
                "prometheus": vendors.prometheus_url, "alertmanager": vendors.alertmanager_url, "loki": vendors.loki_url
            }  # fmt: skip
            away = case.world.missing
            yield Stage(
                {
                    kind: {"kind": kind, "url": AWAY if kind in away else url, "env": "shop"}
                    for kind, url in urls.items()
                }
            )


@asynccontextmanager
async def _vendors(world: World) -> AsyncIterator[Vendors]:
    rules = dict[str, Sequence[Rule]](GROUPS)
    if (extra := world.alert) is not None:
        rules["extra"] = (Rule(extra.name, extra.expr, 0, extra.severity, extra.summary),)
    async with Vendors(Told(world), rules=rules, warm=False) as vendors:
        yield vendors


def read_evidence(folder: Path) -> tuple[Evidence, ...]:
    """Every `E*.json` of a folder; SetupError when there is none."""
    paths = sorted(folder.glob("E*.json"), key=lambda path: (len(path.name), path.name))
    if not paths:
        raise SetupError(f"{folder} holds no evidence (E1.json …)")
    try:
        return tuple(decode(Evidence, json.loads(path.read_text(encoding="utf-8"))) for path in paths)
    except ValueError as error:
        raise SetupError(f"{folder}: {str(error).partition(chr(10))[0]}") from error
