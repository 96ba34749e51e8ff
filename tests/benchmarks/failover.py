"""Failover: each fault of a model at each moment of an investigation, in both directions: answered, once, by whom,
in how many seconds, and what the answer says of it.

python -m tests.benchmarks.failover [--json] [--quick]

The whole house with the settings it ships with, between the sandbox's Slack, a small Prometheus and two local servers
that speak the Messages API and chat completions; all in one process. `--quick` leaves out what waits for a time-out.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.agent.guarded import Guarded
from bot.domain.breaker import LONGEST
from bot.domain.investigations import Record
from tests.fakes.messages_server import Page, Refused, Reply, Request, Said, Text
from tests.scenarios.investigated import conversation, investigates
from tests.scenarios.stage import CLAUDE, HEAD, LLAMA, Scene, stage, text_of, words

GOALS = {"both down": 30.0, "breakers open": 5.0, "back to normal": 60.0}
"""Seconds at most."""
MOMENTS = {"first turn": 0, "between tools": 2, "mid-stream": 2}
"""After how many calls the fault comes."""
DRAFT = Text("mailer looks sick, I think.\n" * 8)
SILENT = 3_600.0
FAULTS: Mapping[str, tuple[Reply, Reply]] = {
    "429": (
        Refused(429, "rate_limit_error", headers={"retry-after": "50"}),
        Said(DRAFT, ending="overloaded", error="rate_limit_error"),
    ),
    "529": (Refused(529, "overloaded_error"), Said(DRAFT, ending="overloaded")),
    "time-out": (Said(DRAFT, first_byte=SILENT), Said(DRAFT, ending="stall")),
    "cut stream": (Said(DRAFT, ending="tcp_cut", piece=500), Said(DRAFT, ending="tcp_cut")),
    "refusal": (Said(stop="refusal"), Said(DRAFT, stop="refusal")),
    "spend limit": (Refused(402, "billing_error"), Said(DRAFT, ending="overloaded", error="billing_error")),
    "HTML page": (Page(b"<html>proxy</html>"), Said(DRAFT, ending="page")),
}  # fmt: skip
"""Each before the first byte, and in the middle of a stream."""
BOTH = ("529", "time-out")
"""The faults that both models have at once: one that comes fast, one that takes longest."""
DEEP = "in a deep dive"


@dataclass(frozen=True)
class Row:
    """What came of one fault; `seconds` from the question to its answer, `goal` where there is one."""

    fault: str
    moment: str
    first: str
    answers: int
    by: str
    seconds: float
    said: str
    goal: float = 0.0

    @property
    def holds(self) -> bool:
        """Answered once, and in time."""
        return self.answers == 1 and (not self.goal or self.seconds <= self.goal)


@dataclass
class Servers:
    """What both servers do: the faults planned by question, or whatever all questions meet."""

    planned: dict[str, tuple[str, int]] = field(default_factory=dict)
    both: set[str] = field(default_factory=set)
    down: bool = False

    def first(self, request: Request) -> Reply:
        """The first model of the route."""
        return self._fault(request) or (Refused(529, "overloaded_error") if self.down else investigates(request))

    def second(self, request: Request) -> Reply:
        """The one behind it."""
        both = any(f"({name})" in words(request) for name in self.both)
        return (self._fault(request) if both else None) or (
            Refused(529, "overloaded_error") if self.down else investigates(request)
        )

    def _fault(self, request: Request) -> Reply | None:
        for name, (fault, mid) in self.planned.items():
            if f"({name})" in words(request):
                _, moment, _ = name.split(" / ")
                return FAULTS[fault][mid] if len(conversation(request)[0]) >= MOMENTS[moment] else None
        return None


@dataclass
class Run:
    """One house with its two models, and what was asked so far."""

    scene: Scene
    servers: Servers
    asked: int = 0

    @property
    def guards(self) -> list[Guarded]:
        """Both models' breakers."""
        models = self.scene.house.deps.models
        return [model for model in map(models.get, models.names) if isinstance(model, Guarded)]

    async def row(self, name: str, fault: str, moment: str, goal: float = 0.0) -> Row:
        """Ask, and wait for the answer."""
        began = time.monotonic()
        words = "ask --deep why" if DEEP in name else "why"
        asked = await self.scene.ask(f"@nightjar {words} is cart failing? ({name})", channel="general")
        self.asked += 1
        await self.scene.slack.wait_for(lambda: len(self.scene.finished("general")) >= self.asked, 120)
        seconds = time.monotonic() - began
        await self.scene.quiet()
        answers = [text_of(m) for m in self.scene.finished("general") if m["thread_ts"] == asked["ts"]]
        record = next(record for record in await self.scene.records() if record.question.ts == asked["ts"])
        by, said = _answered(record)
        assert by == "playbook" or HEAD in answers[0], answers
        return Row(fault, moment, self.scene.who, len(answers), by, round(seconds, 2), said, goal)

    async def each(self, faults: Sequence[str]) -> list[Row]:
        """Every fault at every moment, of the first model alone and of both; the breakers are closed before each."""
        alone = [(fault, "one") for fault in faults]
        both = [(fault, "both") for fault in faults if fault in BOTH]
        deep = [(fault, f"both {DEEP}") for fault, _ in both]
        rows = []
        for fault, who in (*alone, *both, *deep):
            for moment in MOMENTS:
                name, many = f"{fault} / {moment} / {who}", who != "one"
                self.servers.planned[name] = (fault, int(moment == "mid-stream"))
                self.servers.both |= {name} if many else set()
                for guarded in self.guards:
                    guarded.breaker.worked()
                said = f"{who.replace('both', 'both down')} ({fault})" if many else fault
                rows.append(await self.row(name, said, moment, GOALS["both down"] if many else 0.0))
        return rows

    async def recovery(self) -> list[Row]:
        """Both fail until their breakers pause longest; a question meanwhile; then they are well, and people ask on."""
        self.servers.down = True
        while any(guarded.breaker.pause < LONGEST for guarded in self.guards):
            await self.row("down", "", "")
        slowest = max([await self.row("open", "breakers open", "any") for _ in range(3)], key=lambda row: row.seconds)
        self.servers.down, began = False, time.monotonic()
        while (row := await self.row("well", "back to normal", "any")).by != self.scene.who:  # noqa: ASYNC110  people ask on
            await asyncio.sleep(1)
        took = round(time.monotonic() - began, 2)
        ended = Row(row.fault, row.moment, row.first, row.answers, row.by, took, row.said, GOALS["back to normal"])
        return [Row(**{**asdict(slowest), "goal": GOALS["breakers open"]}), ended]


def _answered(record: Record) -> tuple[str, str]:
    assert record.answer is not None
    return record.answer.model, record.answer.handed


async def measure(quick: bool) -> dict[str, Any]:
    """Both directions, each in a house of its own."""
    faults = [fault for fault in FAULTS if not (quick and fault == "time-out")]
    rows: list[Row] = []
    for first, behind in ((CLAUDE, LLAMA), (LLAMA, CLAUDE)):
        servers = Servers()
        with tempfile.TemporaryDirectory() as folder:
            playing = stage(
                Path(folder), "socket", script=servers.first, mind=first, stand_in=servers.second, behind=behind
            )
            async with playing as scene:
                run = Run(scene, servers)
                await run.row("warm", "", "")
                rows += [*await run.each(faults), *await run.recovery()]
    machine = {"cores": os.cpu_count(), "load": [round(load, 1) for load in os.getloadavg()]}
    return {"rows": [{**asdict(row), "holds": row.holds} for row in rows], "machine": machine}


def table(found: Mapping[str, Any]) -> str:
    """A line for each first model and fault, as Markdown: the seconds at each moment."""
    titles = ("first model", "fault", *MOMENTS, "answered by", "the answer says")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        grouped.setdefault((row["first"], row["fault"]), []).append(row)
    for (first, fault), rows in grouped.items():
        seconds = [_seconds(row) for row in rows] + ["–"] * (len(MOMENTS) - len(rows))
        goal = f" (goal {rows[0]['goal']:g} s)" if rows[0]["goal"] else ""
        said = [" / ".join(dict.fromkeys(row[key] or "–" for row in rows)) for key in ("by", "said")]
        lines.append(f"| {' | '.join((first, fault + goal, *seconds, *said))} |")
    machine = found["machine"]
    return "\n".join([*lines, "", f"{machine['cores']} cores, load {machine['load'][0]:g} at the end"])


def _seconds(row: Mapping[str, Any]) -> str:
    once = "" if row["answers"] == 1 else f", {row['answers']} ANSWERS"
    return f"{row['seconds']:.1f}{once}{'' if row['holds'] else ' MISSED'}"


def main() -> None:
    """Measure, print, and fail where something is not answered once, or too late."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="without the faults that wait for a time-out")
    given = parser.parse_args()
    found = asyncio.run(measure(given.quick))
    sys.stdout.write((json.dumps(found, indent=1) if given.json else table(found)) + "\n")
    sys.exit(not all(row["holds"] for row in found["rows"]))


if __name__ == "__main__":
    main()
