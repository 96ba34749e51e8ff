"""Felt speed: twenty people ask at once, each in a channel of their own, while one source takes requests and never
answers them; with the playbook, so that what is measured is the bot and no model.

python -m tests.benchmarks.felt [--json] [--people 20] [--apart]

Seconds from the event to the visible status (the placeholder), to the first useful line (facts by code) and to the
answer, all by the sandbox's own clock. Prometheus is a real one with the demo shop's samples where it is installed.
Slack's limit of one post a second in a channel is switched off, and would not bind: each channel gets one question.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import reading
from tests.benchmarks.around import Surroundings, surroundings
from tests.benchmarks.served import Served, served

GOALS = {"status_p95_s": 1.0, "first_line_p95_s": 5.0}
FORGOTTEN = 16.0
"""Seconds after the warm-up's time-outs until the bot asks the source that hangs again, and waits for it again."""
PLACEHOLDER = "Looking into it"
VARIABLE = {"alertmanager": "ALERTMANAGER_URL", "prometheus": "PROMETHEUS_URL"}


async def asked(
    around: Surroundings, folder: Path, prometheus_url: str, hung: str, given: argparse.Namespace
) -> dict[str, float]:
    """The percentiles while the source called `hung` hangs."""
    urls = {"PROMETHEUS_URL": prometheus_url, VARIABLE[hung]: around.at["hanging_url"]}
    async with served(around, folder / hung, "shop", ANTHROPIC_API_KEY="", **urls) as bot:
        await bot.say(0)
        await bot.answered(1)
        await asyncio.sleep(FORGOTTEN)
        seen = len(await bot.traffic())
        stamps = await asyncio.gather(*(bot.say(number, apart=given.apart) for number in range(given.people)))
        await bot.answered(1 + given.people)
        await asyncio.sleep(1)
        return _percentiles([times(await _calls(bot, seen), ts) for ts in stamps])


async def _calls(bot: Served, seen: int) -> list[dict[str, Any]]:
    return [line for line in (await bot.traffic())[seen:] if line["kind"] == "call" and line["status"] == "ok"]


def times(calls: Sequence[dict[str, Any]], ts: str) -> tuple[float, float, float]:
    """Seconds from the question at `ts` to its placeholder, to the first line of facts, to its last update."""
    own = [line for line in calls if _key(line["sent"]).endswith(f":{ts}")]
    posted = next(line["at"] for line in own if line["name"] == "chat.postMessage")
    updates = [line for line in own if line["name"] == "chat.update"]
    useful = next(line["at"] for line in updates if not line["sent"]["text"].startswith(PLACEHOLDER))
    return posted - float(ts), useful - float(ts), updates[-1]["at"] - float(ts)


def _key(sent: dict[str, Any]) -> str:
    metadata = sent.get("metadata") or {}
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    return str((metadata.get("event_payload") or {}).get("key", ""))


def _percentiles(found: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    status, first, answer = (sorted(column) for column in zip(*found, strict=True))
    return {
        "status_p50_s": _at(status, 0.5), "status_p95_s": _at(status, 0.95),
        "first_line_p50_s": _at(first, 0.5), "first_line_p95_s": _at(first, 0.95),
        "answer_p50_s": _at(answer, 0.5), "answer_p95_s": _at(answer, 0.95),
    }  # fmt: skip


def _at(ordered: Sequence[float], share: float) -> float:
    """The nearest rank."""
    return round(ordered[math.ceil(len(ordered) * share) - 1], 3)


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """By the source that hangs."""
    with tempfile.TemporaryDirectory() as name:
        async with surroundings() as around:
            with reading.metrics(around) as (url, which):
                found = {hung: await asked(around, Path(name), url, hung, given) for hung in VARIABLE}
    return {**found, "people": given.people, "apart": given.apart, "evidence_from": which}


def main() -> None:
    """Measure, print, and say which goals hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--apart", action="store_true", help="each names another window, so that no look is shared")
    given = parser.parse_args()
    found = asyncio.run(measure(given))
    if given.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for hung in VARIABLE:
        sys.stdout.write(f"{given.people} ask at once, {hung} hangs:\n")
        for figure, value in found[hung].items():
            goal = GOALS.get(figure)
            verdict = "" if goal is None else f"   goal at most {goal:g}: {'holds' if value <= goal else 'MISSED'}"
            sys.stdout.write(f"  {figure:<20}{value:>8.2f}{verdict}\n")
    sys.stdout.write(f"metrics from {found['evidence_from']}\n")


if __name__ == "__main__":
    main()
