"""A steady mixed load for an hour or longer, and whether anything grows.

python -m tests.chaos.soak [--minutes 60] [--warm 20] [--plot FILE.png] [--json] [--seed S] [--database …]

One `serve` process. About every 2.5 s somebody asks, follows up in a thread, asks and thinks better of it, or
sends a command; 3 % of Slack's calls and of the model's turns fail. Every 10 s: RSS, descriptors,
threads, asyncio tasks (where /metrics tells them), connections, bytes stored, answers and their time. The slope of RSS
is the least-squares line over `--minutes` after a warm-up at five times the pace: caches are bounded by entries, and
those of SQLite by pages, so that they fill with answers and not with time.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from bot.demo.slack.records import Json, Refused
from bot.demo.slack.sandbox import Sandbox
from bot.slack.posting import mark_of
from tests.benchmarks.databases import KINDS, connections, database, engine_of, size
from tests.benchmarks.percentiles import at, report
from tests.benchmarks.served import cpu_of
from tests.fakes import messages_server as fake
from tests.scenarios.stage import environment, free_port, given, looks_then_answers, served, watched

MOST = {"rss_mb_per_hour": 1.0, "fds_grown": 5.0, "threads_grown": 5.0, "tasks_grown": 10.0, "failed_to_answer": 0.0}
EVERY, PAUSE, FASTER, CHANNELS, FAULTS = 10.0, 2.5, 5.0, 20, 0.03
METHODS = ("chat.postMessage", "chat.update", "conversations.replies", "chat.appendStream")
Sample = dict[str, float]


@dataclass
class Model:
    """Looks, then answers; at times it refuses or breaks off."""

    chance: random.Random

    def __call__(self, request: fake.Request) -> fake.Reply:
        """The script's port."""
        if self.chance.random() >= FAULTS:
            return looks_then_answers(request)
        cut = fake.Said(fake.Text("So"), ending="tcp_cut")
        return cut if self.chance.random() < 0.5 else fake.Refused(529, "overloaded_error")


@dataclass
class Crowd:
    """Who asks, and what became of it."""

    slack: Sandbox
    chance: random.Random
    asked: dict[str, float] = field(default_factory=dict)
    threads: list[Json] = field(default_factory=list)

    async def act(self) -> None:
        """One thing that somebody does."""
        doing = self.chance.choices((self.ask, self.follow, self.stop, self.command), (70, 15, 5, 10))[0]
        with suppress(Refused):  # such as a stop where nothing works any more
            await doing()

    async def ask(self) -> None:
        """A new question."""
        window = self.chance.randrange(10, 90)
        text = f"@nightjar why is cart failing in the last {window} minutes?"
        said = await self.slack.say(f"inc-{self.chance.randrange(CHANNELS)}", text)
        self.asked[said["ts"]] = time.time()
        self.threads = [*self.threads[-30:], said]

    async def follow(self) -> None:
        """A question in a thread that has an answer."""
        if self.threads:
            first = self.chance.choice(self.threads)
            await self.slack.say(first["channel"], "@nightjar and the mailer?", thread_ts=first["ts"])

    async def stop(self) -> None:
        """Ask, and think better of it."""
        said = await self.slack.say(f"inc-{self.chance.randrange(CHANNELS)}", "@nightjar why is mailer slow?")
        await asyncio.sleep(0.5)
        await self.slack.say(said["channel"], "@nightjar stop", thread_ts=said["ts"])

    async def command(self) -> None:
        """A slash command."""
        text = self.chance.choice(("help", "status"))
        await self.slack.slash("/nightjar", text, f"inc-{self.chance.randrange(CHANNELS)}")

    def taken(self) -> list[float]:
        """Seconds of each answer that came since the last look."""
        found = []
        for channel in self.slack.workspace.channels.values():
            for message in channel.messages.values():
                ts = message.thread_ts or ""
                if ts in self.asked and finished(message.to_json()):
                    found.append(
                        max(0.0, float((message.to_json().get("edited") or {}).get("ts", 0)) - self.asked.pop(ts))
                    )
        return found

    def forget(self, seconds: float) -> None:
        """Let the workspace's old messages go, so that the sandbox does not grow with them."""
        before = time.time() - seconds
        for channel in self.slack.workspace.channels.values():
            for ts in [ts for ts in channel.messages if float(ts) < before]:
                del channel.messages[ts]


def finished(message: Json) -> bool:
    """Whether it is an answer or a failure that stands."""
    mark = mark_of(message)
    return bool(mark and mark[1] == "answer" and '"stop"' not in str(message["blocks"]).replace("'", '"'))


def held(pid: int, url: str) -> Sample:
    """What the process holds now; blocks."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "rss_mb": int(fields["VmRSS"].split()[0]) / 1024, "threads": float(fields["Threads"]),
        "fds": float(len(list(Path(f"/proc/{pid}/fd").iterdir()))), "cpu_ms": cpu_of(pid),
        "connections": 0.0 if url.startswith("sqlite") else float(connections(url)),
        "bytes": float(sum(map(size, {url, engine_of(url)}))),
    }  # fmt: skip


async def tasks(port: int) -> float:
    """The asyncio tasks that /metrics tells of, or 0."""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            found = re.search(r"^nightjar_\w*tasks\S* ([\d.e+]+)$", await answer.text(), re.MULTILINE)
            return float(found[1]) if found else 0.0
    return 0.0


async def played(kind: str, minutes: float, warm: float, chance: random.Random) -> tuple[list[Sample], int]:
    """The samples, and how many questions never got an answer; `warm` minutes come first."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        town = Sandbox(
            channels=[f"inc-{number}" for number in range(CHANNELS)], retry_delays=(0, 1, 5),
            seed=chance.randrange(999), faults=dict.fromkeys(METHODS, FAULTS),
        )  # fmt: skip
        async with watched() as sources, served(Model(chance)) as (model, claude), town as slack:
            told = given(slack.credentials(), Path(name), **{**sources, **claude, "database_url": url})
            variables = environment({**told, "port": (port := free_port()), "log_level": "ERROR"}, Path(name))
            bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve", env=variables, stderr=asyncio.subprocess.DEVNULL
            )
            try:
                await slack.wait_connected(2, 60)
                crowd, began, due = Crowd(slack, chance), time.monotonic(), 0.0
                while (now := time.monotonic() - began) < (warm + minutes) * 60:
                    await crowd.act()
                    if now >= due:
                        due = now + EVERY
                        samples.append(
                            await asyncio.to_thread(held, bot.pid, url)
                            | {"at": now, "tasks": await tasks(port)}
                            | _times(crowd.taken())
                        )
                        crowd.forget(600)
                        if model is not None:
                            model.requests.clear()
                    await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE / (FASTER if now < warm * 60 else 1))
                await asyncio.sleep(30)
                crowd.taken()
            finally:
                bot.terminate()
                await bot.wait()
    return samples, len(crowd.asked)


def _times(seconds: Sequence[float]) -> Sample:
    if not seconds:
        return {"answers": 0.0}
    return {"answers": float(len(seconds)), "answer_p50_s": at(0.5, seconds), "answer_p95_s": at(0.95, seconds)}


def slope(samples: Sequence[Sample], name: str) -> float:
    """Growth an hour, by least squares."""
    hours = [sample["at"] / 3600 for sample in samples]
    return float(np.polyfit(hours, [sample[name] for sample in samples], 1)[0])


def judged(samples: Sequence[Sample], minutes: float) -> dict[str, float]:
    """The figures, after so many minutes of warm-up."""
    warm = [sample for sample in samples if sample["at"] >= minutes * 60]
    half = len(warm) // 2
    grown = {
        f"{name}_grown": float(np.median([s[name] for s in warm[half:]]) - np.median([s[name] for s in warm[:half]]))
        for name in ("fds", "threads", "tasks")
    }
    hours = (warm[-1]["at"] - warm[0]["at"]) / 3600
    return {
        "rss_mb_per_hour": slope(warm, "rss_mb"), "rss_mb": warm[-1]["rss_mb"], **grown,
        "fds": warm[-1]["fds"], "threads": warm[-1]["threads"], "connections": max(s["connections"] for s in warm),
        "answers": sum(s["answers"] for s in samples), "mb_stored_per_hour": slope(warm, "bytes") / 1e6,
        "cores": (warm[-1]["cpu_ms"] - warm[0]["cpu_ms"]) / 3.6e6 / hours,
        "answer_p50_s": at(0.5, [s["answer_p50_s"] for s in warm if "answer_p50_s" in s] or [0.0]),
        "answer_p95_s": at(0.95, [s["answer_p95_s"] for s in warm if "answer_p95_s" in s] or [0.0]),
    }  # fmt: skip


def drawn(samples: Sequence[Sample], figures: Mapping[str, Any], path: str) -> None:
    """RSS, descriptors with threads, and answer times over the run."""
    from matplotlib import pyplot as plt  # noqa: PLC0415  slow, and only for a plot

    figure, (memory, held, answers) = plt.subplots(3, 1, sharex=True, figsize=(9, 8), layout="constrained")
    minutes = [sample["at"] / 60 for sample in samples]
    memory.plot(minutes, [sample["rss_mb"] for sample in samples])
    memory.set(ylabel="RSS, MB", title=f"RSS grows {figures['rss_mb_per_hour']:.2f} MB an hour after the warm-up")
    for name in ("fds", "threads"):
        held.plot(minutes, [sample[name] for sample in samples], label=name)
    held.set_ylabel("held")
    held.legend()
    timed = [sample for sample in samples if "answer_p95_s" in sample]
    for name in ("answer_p50_s", "answer_p95_s"):
        answers.plot([sample["at"] / 60 for sample in timed], [sample[name] for sample in timed], label=name)
    answers.set(ylabel="answer, s", xlabel="minutes")
    answers.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--warm", type=float, default=20.0, help="minutes at five times the pace before that")
    parser.add_argument("--plot", default="", metavar="FILE.png")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    chance = random.Random(options.seed)
    samples, lost = asyncio.run(played(options.database, options.minutes, options.warm, chance))
    figures = judged(samples, options.warm)
    if options.plot:
        drawn(samples, figures, options.plot)
    told = {"seed": options.seed, "database": options.database, "minutes": options.minutes, "failed_to_answer": lost}
    sys.exit(report({**told, **figures}, MOST, {}, lines=not options.json))


if __name__ == "__main__":
    main()
