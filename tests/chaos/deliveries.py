"""Many deliveries of a message make one answer; an ack comes in time while the bot works and the database is slow.

python -m tests.chaos.deliveries [--json] [--seed S] [--database sqlite|postgresql] [--seconds 30] [--slow 100]

Each human message is a `message` and an `app_mention`, each delivered 20 times in any order and up to 24 hours late,
over both transports; one answer or one offer must come of it. Then 40 answers run while mentions come two a second;
half of the time each round trip to PostgreSQL takes half of `--slow` to all of it (in milliseconds; a healthy one
takes less than one, another continent 100), or another writer holds SQLite's lock for three times as long. No ack
within 2.5 s means that the message was refused: Slack brings it again, and it must be answered all the same.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot import wiring
from bot.demo.slack.delivery import Carrier, Envelope, Outcome
from bot.demo.slack.sandbox import Sandbox
from bot.slack.posting import mark_of
from tests.benchmarks.databases import KINDS, answered, database, engine_of, states
from tests.benchmarks.percentiles import at, report
from tests.chaos.proxy import Proxy, Weather
from tests.fakes.messages_server import Call, Request, Said, Text
from tests.scenarios.stage import WRITTEN, blocks, connected, environment, free_port, given, reading, served, watched

MESSAGES, TIMES, HOURS = 20, 20, 24
WORKING, SLOW, FAIR = 40, 3.0, 3.0
LATE = 2.5
MOST = {
    "lost": 0.0, "doubled": 0.0, "ack_p99_ms": 500.0, "ack_max_ms": LATE * 1000, "unanswered": 0.0,
    "answered_twice": 0.0,
}  # fmt: skip


@dataclass
class Kept:
    """Takes every delivery and brings none, for now."""

    envelopes: list[Envelope] = field(default_factory=list)

    async def carry(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        """The port: always taken."""
        self.envelopes.append(envelope)
        return Outcome("ok", None)


@dataclass
class Timed:
    """Another carrier, with the seconds of every ack of an event and what became of it."""

    inner: Carrier
    slow: bool = False
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    refused: int = 0

    async def carry(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        """The port."""
        slow, began = self.slow, time.perf_counter()
        outcome = await self.inner.carry(envelope, attempt, reason)
        if outcome.ok:
            self.seconds[slow or self.slow].append(time.perf_counter() - began)
        else:
            self.refused += 1
        return outcome


def replies(slack: Sandbox, part: str | None = None) -> Counter[str]:
    """How many messages of the bot stand in each thread."""
    found: Counter[str] = Counter()
    for channel in slack.workspace.channels.values():
        for message in channel.messages.values():
            if mark := mark_of(message.to_json()):
                found[message.thread_ts or ""] += part is None or mark[1] == part
    return found


async def shuffled(transport: str, chance: random.Random) -> dict[str, object]:
    """So many messages of the last day, each event twenty times in any order."""
    past = sorted(time.time() - chance.uniform(0, HOURS * 3600) for _ in range(MESSAGES))
    moment: list[float] = []
    channels = [f"inc-{number}" for number in range(MESSAGES)]
    with tempfile.TemporaryDirectory() as name:
        town = Sandbox(channels=channels, now=lambda: moment[0] if moment else time.time(), ack_timeout=LATE)
        async with watched() as sources, town as slack:
            way, kept = slack.courier.carrier, Kept()
            slack.courier.carrier = kept
            for channel, when in zip(channels, past, strict=True):
                moment[:] = [when]
                await slack.say(channel, "@nightjar why is cart failing?")
            await slack.settle()
            moment.clear()
            slack.courier.carrier = way
            asked = {str(envelope.payload["event"]["ts"]) for envelope in kept.envelopes}
            told = reading(slack.credentials(), Path(name), slack_transport=transport, **sources)
            async with wiring.open_house(told) as house, connected(slack, house, transport):
                refused = await _flood(slack, [*kept.envelopes] * TIMES, chance)
                await slack.wait_for(lambda: asked <= replies(slack).keys(), 60)
                await house.slack_app().context.afterwards.drain()
                async with asyncio.timeout(60):
                    await house.engine.drained()
                found = replies(slack)
    return {
        f"deliveries_{transport}": len(kept.envelopes) * TIMES, f"refused_{transport}": refused,
        f"lost_{transport}": sum(not found[ts] for ts in asked),
        f"doubled_{transport}": sum(found[ts] > 1 for ts in asked),
    }  # fmt: skip


async def _flood(slack: Sandbox, envelopes: list[Envelope], chance: random.Random) -> int:
    """Ten at a time; how many were refused, which are brought again until they are taken."""
    chance.shuffle(envelopes)
    ten, refused = asyncio.Semaphore(10), 0

    async def bring(envelope: Envelope) -> None:
        nonlocal refused
        async with ten:
            while not (await slack.courier.carrier.carry(envelope, 1, "timeout")).ok:
                refused += 1

    await asyncio.gather(*map(bring, envelopes))
    return refused


def thinking(request: Request) -> Said:
    """A model that takes its time, looks once, then answers."""
    asked = any(block["type"] == "tool_use" for entry in request.body["messages"][-2:] for block in blocks(entry))
    if asked:
        return Said(Text(WRITTEN), first_byte=3.0)
    return Said(Call("service_signals", {"service": "cart"}), first_byte=3.0)


@asynccontextmanager
async def slowed(kind: str, url: str, timed: Timed, trip: float) -> AsyncIterator[str]:
    """The URL of a database that is slow at times; starts after three seconds."""
    address = urlsplit(url)
    async with Proxy("127.0.0.1", address.port or 0, seed=1) as proxy:

        async def weather() -> None:
            while True:
                await asyncio.sleep(FAIR)
                timed.slow, proxy.weather = True, Weather(delay=(trip / 2, trip))
                if kind == "sqlite":
                    await asyncio.to_thread(_hold, engine_of(url), 3 * trip)
                else:
                    await asyncio.sleep(SLOW)
                timed.slow, proxy.weather = False, Weather()

        changing = asyncio.create_task(weather())
        try:
            yield url if kind == "sqlite" else url.replace(f":{address.port}/", f":{proxy.port}/")
        finally:
            changing.cancel()
            await asyncio.wait([changing])


def _hold(url: str, seconds: float) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        writer.execute("ROLLBACK")


async def loaded(kind: str, seconds: float, trip: float) -> dict[str, object]:
    """The acks of mentions, two a second, while forty answers run."""
    channels = [f"inc-{number}" for number in range(WORKING)]
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        town = Sandbox(channels=channels, retry_delays=(0, 1, 3, 10, 20), ack_timeout=LATE)
        async with watched() as sources, served(thinking) as (_, claude), town as slack:
            timed = Timed(slack.courier.carrier)
            slack.courier.carrier = timed
            async with slowed(kind, url, timed, trip) as slow:
                folder = Path(name)
                told = given(slack.credentials(), folder, **{**sources, **claude, "database_url": slow})
                variables = environment({**told, "concurrency": WORKING, "port": free_port()}, folder)
                bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=variables)
                try:
                    await slack.wait_connected(2, 60)
                    count = await _asking(slack, channels, seconds)
                    await answered(url, count, 300)
                    done = await asyncio.to_thread(states, url)
                finally:
                    bot.terminate()
                    await bot.wait()
            found = replies(slack, "answer")
    fair, slow_ones = timed.seconds[False], timed.seconds[True]
    both = fair + slow_ones
    return {
        "ack_p50_ms": at(0.5, both) * 1000, "ack_p99_ms": at(0.99, both) * 1000, "ack_max_ms": max(both) * 1000,
        "ack_fair_p99_ms": at(0.99, fair or [0]) * 1000, "ack_slow_p50_ms": at(0.5, slow_ones or [0]) * 1000,
        "ack_slow_p99_ms": at(0.99, slow_ones or [0]) * 1000, "acks": len(both), "acks_slow": len(slow_ones),
        "refused_percent": timed.refused * 100 / (len(both) + timed.refused), "questions": count,
        "unanswered": count - done["answered"], "answered_twice": sum(many > 1 for many in found.values()),
    }  # fmt: skip


async def _asking(slack: Sandbox, channels: list[str], seconds: float) -> int:
    for channel in channels:
        await slack.say(channel, "@nightjar why is cart failing?")
    count, end = len(channels), time.monotonic() + seconds
    while time.monotonic() < end:
        await slack.say(channels[count % len(channels)], "@nightjar why is cart failing?")
        count += 1
        await asyncio.sleep(0.5)
    return count


async def measure(kind: str, seed: int, seconds: float, trip: float) -> dict[str, object]:
    """Both parts; `trip` are the seconds of a slow round trip."""
    found: dict[str, object] = {"seed": seed, "database": kind, "slow_ms": trip * 1000}
    chance, lost, doubled = random.Random(seed), 0, 0
    for transport in ("socket", "http"):
        part = await shuffled(transport, chance)
        lost += int(str(part[f"lost_{transport}"]))
        doubled += int(str(part[f"doubled_{transport}"]))
        found |= part
    return {**found, "lost": lost, "doubled": doubled, **await loaded(kind, seconds, trip)}


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--slow", type=float, default=100.0, help="milliseconds of a round trip at its worst")
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    found = asyncio.run(measure(options.database, options.seed, options.seconds, options.slow / 1000))
    sys.exit(report(found, MOST, {}, lines=not options.json))


if __name__ == "__main__":
    main()
