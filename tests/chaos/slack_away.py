"""Slack is away in the middle of answers: each comes once it is back, once, marked as late; what is asked then, too.

python -m tests.chaos.slack_away [--json] [--minutes 30] [--questions 6]

Some ask, and while the bot works Slack refuses and cuts every connection. While it is away some more is written there
that nobody tells the bot of. `back_s` is from its return to the last of the first answers, `new_s` the answer to a
question asked after it, `busy_percent` what the bot used of a core while there was nothing to do but wait.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.slack.mention import OLD_SECONDS
from bot.slack.offer import PART
from bot.slack.posting import is_final, mark_of
from bot.slack.render import LATE_SECONDS
from tests.benchmarks.percentiles import report
from tests.chaos.postgres_outage import readiness
from tests.chaos.worker import Order
from tests.scenarios.stage import environment, free_port, given, looks_then_answers, served, text_of, watched

MOST = {
    "lost": 0.0, "doubled": 0.0, "unmarked": 0.0, "wrongly_late": 0.0, "offered_too_young": 0.0, "not_in_readyz": 0.0,
    "back_s": 60.0, "new_s": 30.0, "busy_percent": 5.0,
}  # fmt: skip
ASK, CHANNEL, MEANWHILE = "@nightjar why is cart failing? ({})", "inc-a", 3
WAIT, CALM = 180.0, 5.0  # seconds


@dataclass
class Away:
    """The workspace, and what was asked in it: before Slack went away, meanwhile, and after."""

    slack: Sandbox
    before: list[str] = field(default_factory=list)
    meanwhile: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    async def ask(self, among: list[str], count: int) -> None:
        """So many questions, each a thread of its own."""
        for _ in range(count):
            number = len(self.before) + len(self.meanwhile) + len(self.after)
            among.append((await self.slack.say(CHANNEL, ASK.format(number)))["ts"])

    @property
    def asked(self) -> list[str]:
        """The threads of all of them."""
        return [*self.before, *self.meanwhile, *self.after]

    def own(self, part: str) -> list[Json]:
        """Every message of the bot of a part."""
        messages = [message.to_json() for message in self.slack.workspace.channel(CHANNEL).messages.values()]
        return [message for message in messages if (mark_of(message) or ("", ""))[1] == part]

    def answers(self) -> list[Json]:
        """Every finished answer that stands there."""
        return [message for message in self.own("answer") if is_final(message)]

    def offered(self) -> set[str]:
        """The threads in which an answer is offered by a button, as what was asked there is old."""
        return {message["thread_ts"] for message in self.own(PART)}

    async def answered(self, threads: list[str]) -> float:
        """Wait until all of them are; how long that took."""
        began = time.monotonic()
        while time.monotonic() - began < WAIT:
            if {message["thread_ts"] for message in self.answers()} | self.offered() >= set(threads):
                break
            await asyncio.sleep(0.1)
        return time.monotonic() - began


def cpu(pid: int) -> float:
    """Seconds of a core that the process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def play(options: argparse.Namespace) -> dict[str, object]:
    """The whole run."""
    with tempfile.TemporaryDirectory(prefix="nightjar-away-") as path:
        folder = Path(path)
        async with (
            watched() as sources,
            served(looks_then_answers) as (_, claude),
            Sandbox(channels=[CHANNEL]) as slack,
        ):
            away, port = Away(slack), free_port()
            told = given(slack.credentials(), folder, **{**sources, **claude, "port": port})
            order = Order("away", "serve", path, environment(told, folder)).to_json()
            bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.chaos.worker", order)
            try:
                await slack.wait_connected(2, 60)
                return await _played(away, bot.pid, port, options)
            finally:
                if bot.returncode is None:
                    bot.terminate()
                await bot.wait()


async def _played(away: Away, pid: int, port: int, options: argparse.Namespace) -> dict[str, object]:
    await away.ask(away.before, options.questions)
    await asyncio.sleep(0.3)  # placeholders stand, or are on their way
    done = {message["thread_ts"] for message in away.answers()}
    await away.slack.go_away()
    seconds = options.minutes * 60
    await asyncio.sleep(seconds / 2)
    used, said = cpu(pid), await readiness(port)
    await away.ask(away.meanwhile, MEANWHILE)
    await asyncio.sleep(seconds / 2)
    busy = 100 * (cpu(pid) - used) / (seconds / 2)
    await away.slack.come_back()
    back = await away.answered(away.before)
    await away.slack.wait_connected(2, 120)
    await away.ask(away.after, 1)
    new = await away.answered(away.after)
    await away.answered(away.meanwhile)
    await asyncio.sleep(CALM)
    now = time.time()
    answers = away.answers()
    late = {message["thread_ts"] for message in answers if "Late: asked at" in text_of(message)}
    due = set(away.before) - done if seconds > LATE_SECONDS else set()
    counts = Counter(message["thread_ts"] for message in answers)
    offered = away.offered()
    return {
        "minutes": options.minutes, "asked": len(away.asked), "answered_before": len(done),
        "lost": len(set(away.asked) - counts.keys() - offered), "offered": len(offered),
        "offered_too_young": sum(now - float(ts) < OLD_SECONDS for ts in offered),
        "doubled": sum(count > 1 for count in counts.values()), "unmarked": len(due - late),
        "wrongly_late": len(late & {*away.after, *done}), "back_s": back, "new_s": new, "busy_percent": busy,
        "not_in_readyz": int("slack" not in said), "readyz": said,
    }  # fmt: skip


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--questions", type=int, default=6)
    options = parser.parse_args()
    sys.exit(report(asyncio.run(play(options)), MOST, {}, lines=not options.json))


if __name__ == "__main__":
    main()
