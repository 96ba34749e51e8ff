"""The bot is off for twenty minutes while ten people mention it, and nobody tells it again: all are found, none twice.

python -m tests.chaos.gap [--json] [--database sqlite|postgresql] [--kill SECONDS]

The minutes pass on the workspace's clock, and what the bot has heard up to is set back as far. Mentions stand at the
top and in threads of several channels; a deleted one and talk without a mention stand between them. What is younger
than a quarter of an hour is answered; the rest gets an offer, whose button is pressed. Then the bot starts once more,
and must find nothing. `--kill` ends the first process that catches up so many seconds after it is connected.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.slack.offer import ACTION, PART
from bot.slack.posting import is_final, mark_of
from tests.benchmarks.databases import KINDS, database
from tests.benchmarks.percentiles import report
from tests.chaos.worker import Order
from tests.scenarios.stage import environment, free_port, given, looks_then_answers, served, watched

MOST = {
    "lost": 0.0, "doubled": 0.0, "offered_twice": 0.0, "offered_too_young": 0.0, "answered_too_old": 0.0,
    "for_no_mention": 0.0, "again_after_restart": 0.0, "picked_up_s": 60.0,
}  # fmt: skip
LEAST = {"picked_up": 10.0}
GAP, OLD, MINUTE = 20, 15, 60.0
MENTIONS = (19.0, 18.0, 17.0, 16.0, 14.0, 11.0, 8.0, 5.0, 2.0, 0.5)  # minutes before the bot is back
IN_THREAD = (17.0, 11.0, 5.0)
CHANNELS = ("inc-a", "inc-b", "general")
WAIT, CALM = 90.0, 8.0  # seconds


@dataclass
class Gap:
    """The workspace, and what was said in it while nobody listened; `shift` is how far its clock is behind."""

    slack: Sandbox
    told: Mapping[str, Any]
    folder: Path
    shift: list[float]
    asked: dict[str, float] = field(default_factory=dict)
    starts: int = 0

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process that hears the workspace; ended as by a deploy."""
        self.starts += 1
        variables = environment({**self.told, "port": free_port()}, self.folder)
        order = Order(f"start{self.starts}", "serve", str(self.folder), variables).to_json()
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.chaos.worker", order)
        try:
            await self.slack.wait_connected(2, 60)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def answered_before(self) -> None:
        """Somebody asks while the bot is there; by its own clock that is old, so it is offered, and wanted still."""
        await self.slack.say(CHANNELS[0], "@nightjar why is cart failing?")
        (offer,) = await self.slack.wait_for(lambda: self.offers(meanwhile=False), 60)
        await self.slack.press(offer, ACTION)
        await self.slack.wait_for(lambda: self.answers()[""], 60)
        await asyncio.sleep(CALM / 2)

    async def said_meanwhile(self) -> None:
        """All of it, each at its minute."""
        for number, minutes in enumerate(MENTIONS):
            self.shift[0] = minutes * MINUTE
            channel, thread = CHANNELS[number % len(CHANNELS)], None
            talk = await self.slack.say(channel, "looks bad", user="sam")
            if minutes in IN_THREAD:
                thread = talk["ts"]
            said = await self.slack.say(channel, f"@nightjar why is cart failing? ({number})", thread_ts=thread)
            self.asked[thread or said["ts"]] = minutes
        slip = await self.slack.say("inc-a", "@nightjar never mind this one, is cart failing?")
        await self.slack.delete(slip["channel"], slip["ts"])
        self.shift[0] = 0.0

    def own(self) -> Iterator[Json]:
        """Every message of the bot."""
        for channel in self.slack.workspace.channels.values():
            for message in channel.messages.values():
                if message.user == self.slack.bot_user_id:
                    yield message.to_json() | {"channel": message.channel}

    def answers(self) -> Counter[str]:
        """How many answers stand in each thread that was asked in; those elsewhere under an empty name."""
        marked = ((message, mark_of(message)) for message in self.own() if is_final(message))
        threads = [message.get("thread_ts", "") for message, mark in marked if mark and mark[1] == "answer"]
        return Counter(thread if thread in self.asked else "" for thread in threads)

    def offers(self, *, meanwhile: bool = True) -> list[Json]:
        """The messages that offer an answer by a button, where somebody asked while nobody listened, or elsewhere."""
        offers = [message for message in self.own() if (mark_of(message) or ("", ""))[1] == PART]
        return [message for message in offers if (message["thread_ts"] in self.asked) == meanwhile]

    def taken(self) -> set[str]:
        """The threads of what was asked that have an answer or an offer."""
        return self.asked.keys() & {*self.answers(), *(offer["thread_ts"] for offer in self.offers())}

    async def found(self, count: int) -> float:
        """Wait until so many are answered or offered; how long that took."""
        began = time.monotonic()
        while time.monotonic() - began < WAIT and len(self.taken()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def answered(self) -> None:
        """Wait until every mention is answered, and a little longer, in which nothing more should come."""
        began = time.monotonic()
        while time.monotonic() - began < WAIT and not self.asked.keys() <= self.answers().keys():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(CALM / 2)


def turn_back(url: str, ts: float) -> None:
    """The bot has heard of everything up to this ts, and of nothing after it."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE notes SET value = :ts WHERE key LIKE 'heard-up-to:%'"), {"ts": f"{ts:.6f}"})
    engine.dispose()


async def play(options: argparse.Namespace) -> dict[str, object]:
    """The whole run."""
    folder, shift = Path(tempfile.mkdtemp(prefix="nightjar-gap-")), [0.0]
    town = Sandbox(channels=CHANNELS, retry_delays=(), now=lambda: time.time() - shift[0])
    with database(options.database, folder) as url:
        async with watched() as sources, served(looks_then_answers) as (_, claude), town as slack:
            told = given(slack.credentials(), folder, **{**sources, **claude, "database_url": url, "log_level": "INFO"})
            gap = Gap(slack, told, folder, shift)
            shift[0] = (GAP + 1) * MINUTE
            async with gap.bot():  # it was there before, and answered somebody
                await gap.answered_before()
            turn_back(url, time.time() - GAP * MINUTE)
            await gap.said_meanwhile()
            if options.kill is not None:
                async with gap.bot() as process:
                    await asyncio.sleep(options.kill)
                    process.kill()
            async with gap.bot():
                took = await gap.found(len(MENTIONS))
                await asyncio.sleep(CALM)
                offers, young = gap.offers(), gap.answers()
                picked_up = gap.taken()
                for message in offers:
                    await slack.press(message, ACTION)
                await gap.answered()
                done = sum(1 for _ in gap.own())
            async with gap.bot():
                await asyncio.sleep(CALM)
            last = gap.answers()
    return {
        "database": options.database, "mentions": len(gap.asked), "picked_up": len(picked_up), "picked_up_s": took,
        "answered_at_once": len(young) - 1, "offered": len(offers),
        "offered_too_young": sum(gap.asked.get(message["thread_ts"], 0) < OLD for message in offers),
        "answered_too_old": sum(gap.asked.get(thread, 0) >= OLD for thread in young),
        "offered_twice": len(offers) - len({message["thread_ts"] for message in offers}),
        "lost": sum(not last[thread] for thread in gap.asked), "for_no_mention": last[""] - 1,
        "doubled": sum(last[thread] > 1 for thread in gap.asked),
        "again_after_restart": sum(1 for _ in gap.own()) - done, "folder": str(folder),
    }  # fmt: skip


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--kill", type=float, default=None, metavar="SECONDS")
    options = parser.parse_args()
    sys.exit(report(asyncio.run(play(options)), MOST, LEAST, lines=not options.json))


if __name__ == "__main__":
    main()
