"""What the bot costs beside bare Bolt, DBOS and the SDKs, measured side by side in one run.

python -m tests.benchmarks.overhead [--json] [--runs 20] [--events 600]

CPU is that of the bot's own process, `nightjar serve`; Slack, the model and the sources run in another. An
investigation is a mention over Socket Mode, what code looks at first (alerts and biggest movers), two tools that a
scripted Claude calls one after the other, and its answer. Its source is small (three services scraped once a minute),
for the figure is about what the bot adds and not about how much data is analysed; `cpu_ms_shop` is the same question
over the whole demo shop. Each question names a window of its own, as one look would serve all who ask the same at once.
`cpu_ms_own` is what is left after DBOS (as many steps), the anthropic SDK (as many turns) and
Slack's (an event by bare Bolt, as many calls), each alone, in batches of the same size. What an idle second costs,
which is the engine asking its queues, is subtracted on both sides and told as `idle_ms_per_s`.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import acking, investigating, reading
from tests.benchmarks.around import Surroundings, surroundings
from tests.benchmarks.served import served

GOALS = {
    "ack_p99_ms": 100.0, "ack_ratio": 1.5, "cpu_ms": 90.0, "cpu_ms_own": 25.0, "first_request_bytes": 12_000,
    "start_s": 4.5, "rss_mb": 190.0, "evidence_ratio": 1.5,
}  # fmt: skip
LEAST_TOOLS = 8
STARTS = 4


async def start(around: Surroundings, folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds from a process's start to its first request to the model, the median of three; its RSS then, in MB;
    that request. A start before them compiles the bytecode."""
    seconds, rss, first = [], 0.0, {}
    for attempt in range(STARTS):
        before = len(around.requests)
        async with served(around, folder / f"start{attempt}") as bot:
            await bot.say(0)
            while len(around.requests) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            first, size = around.requests[before], bot.rss
            await bot.answered(1)
        if attempt:
            seconds.append(first["at"] - bot.began)
            rss = max(rss, size)
    return sorted(seconds)[len(seconds) // 2], rss, first


async def cpu(around: Surroundings, folder: Path, runs: int) -> dict[str, float]:
    """CPU of an investigation, and of the libraries alone; milliseconds."""
    own = await investigating.investigations(around, folder / "small", runs)
    shop = await investigating.investigations(around, folder / "shop", runs, "shop")
    dbos = await investigating.bare_dbos(folder, runs, own.steps)
    sdk = await investigating.bare_anthropic(around, runs)
    slack = await investigating.bare_slack(around, runs, own.slack_calls)
    return {
        "cpu_ms": own.cpu, "cpu_ms_own": own.cpu - dbos - sdk - slack, "cpu_ms_dbos": dbos, "cpu_ms_anthropic": sdk,
        "cpu_ms_slack": slack, "cpu_ms_shop": shop.cpu, "idle_ms_per_s": own.idle, "steps": own.steps,
        "slack_calls": own.slack_calls,
    }  # fmt: skip


async def measure(runs: int, events: int) -> dict[str, float | str]:
    """Every figure; those the goals name come first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with surroundings() as around:
            seconds, rss, first = await start(around, folder)
            spent = await cpu(around, folder, runs)
            ours, bare = await acking.acks(around, folder, events)
            with reading.metrics(around) as (url, which):
                ratio = await reading.evidence(around, url)
    found: dict[str, float | str] = {
        "ack_p99_ms": ours, "ack_ratio": ours / bare, "cpu_ms": spent.pop("cpu_ms"),
        "cpu_ms_own": spent.pop("cpu_ms_own"), "first_request_bytes": first["bytes"],
        "first_request_tools": first["tools"], "start_s": seconds, "rss_mb": rss, "evidence_ratio": ratio,
    }  # fmt: skip
    return {**found, **spent, "ack_p99_ms_bare": bare, "evidence_from": which}


def main() -> None:
    """Measure, print, and say which goals hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--events", type=int, default=600)
    given = parser.parse_args()
    began = time.monotonic()
    measured = asyncio.run(measure(given.runs, given.events))
    figures = {name: round(v, 3) if isinstance(v, float) else v for name, v in measured.items()}
    if given.json:
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        return
    for name, value in figures.items():
        sys.stdout.write(f"{name:<22}{value:>18}{_verdict(name, value)}\n")
    sys.stdout.write(f"measured in {time.monotonic() - began:.0f} s\n")


def _verdict(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return ""
    if name == "first_request_tools":
        return f"   goal at least {LEAST_TOOLS}: {'holds' if value >= LEAST_TOOLS else 'MISSED'}"
    goal = GOALS.get(name)
    return "" if goal is None else f"   goal at most {goal:g}: {'holds' if value <= goal else 'MISSED'}"


if __name__ == "__main__":
    main()
