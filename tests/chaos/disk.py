"""The disk of the SQLite files is full in mid-answer, and then is not: what was acked is there, without a restart.

python -m tests.chaos.disk [--json] [--size 16m] [--full 20] [--only both|store|engine …]

The files are on a small tmpfs, which takes the right to mount one; without it the run is skipped and says so. Somebody
asks twice a second. A file takes what room is left for `--full` seconds, then it is taken away. Three times: both files
lie there, only the store's (answers, evidence, notes), or only the engine's. Afterwards every question must be answered
by an answer, not by a failure, and all evidence that it names be there. A real full disk fails what a process writes,
syncs and maps, as the kernel does; errors that `fiu-run` injects into calls would meet its log and sockets as well.
"""

import argparse
import asyncio
import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.traffic import Exchange
from bot.slack.posting import is_final, mark_of
from tests.benchmarks.percentiles import report
from tests.chaos.postgres_outage import WORKER, readiness
from tests.chaos.worker import Order
from tests.fakes.messages_server import Request, Said
from tests.scenarios.stage import environment, free_port, given, looks_then_answers, served, watched

MOST = {
    "acked_missing": 0.0, "unanswered": 0.0, "doubled": 0.0, "red_s": 10.0, "green_s": 20.0, "drained_s": 60.0,
    "restarts": 0.0, "bad_files": 0.0, "said_to_be_ready": 0.0, "failed": 0.0, "without_record": 0.0,
    "evidence_missing": 0.0,
}  # fmt: skip
CHANNELS, EVERY, WELL, WAIT = 20, 0.5, 5.0, 120.0  # seconds
FULL = re.compile(r'"disk":\{"why":"0 MB free')
STORE, ENGINE = "nightjar.sqlite", "nightjar-engine.sqlite"
ON_DISK = {"both": (STORE, ENGINE), "store": (STORE,), "engine": (ENGINE,)}


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A tmpfs of so many bytes; PermissionError where mounting is not allowed."""
    with tempfile.TemporaryDirectory(prefix="nightjar-disk-") as name:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", name]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PermissionError("mounting a tmpfs is not allowed here") from error
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=False, capture_output=True)


def fill(file: Path) -> int:
    """Take all room that is left; how many bytes that was."""
    with file.open("ab", buffering=0) as ballast:
        for piece in (65_536, 4_096, 512):
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * piece) == piece:
                    pass
    return file.stat().st_size


def is_whole(file: Path) -> bool:
    """Whether SQLite finds nothing wrong with it."""
    with closing(sqlite3.connect(file)) as opened:
        return bool(opened.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def rows(file: Path, statement: str) -> list[tuple[str, ...]]:
    """What SQLite finds."""
    with closing(sqlite3.connect(file)) as opened:
        return opened.execute(statement).fetchall()


def kept(store: Path, engine: Path) -> dict[str, int]:
    """What is wrong with what the files hold: runs that failed, answers nobody recorded, evidence that is not there."""
    records = [json.loads(record) for (record,) in rows(store, "SELECT record FROM investigations")]
    there = set(rows(store, "SELECT flow, id FROM evidence"))
    answers = {record["flow"]: record["answer"] for record in records if record["state"] == "answered"}
    named = {(flow, cited["id"]) for flow, answer in answers.items() for cited in answer["evidence"]}
    done = {key for (key,) in rows(engine, "SELECT workflow_uuid FROM workflow_status WHERE status = 'SUCCESS'")}
    wrong = rows(engine, "SELECT workflow_uuid FROM workflow_status WHERE status <> 'SUCCESS'")
    return {
        "failed": len(wrong), "without_record": len({key for key in done if key.startswith("ans:")} - answers.keys()),
        "evidence_named": len(named), "evidence_missing": len(named - there),
    }  # fmt: skip


@dataclass
class Heard:
    """What the bot took, and what it answered."""

    slack: Sandbox
    acked: set[str] = field(default_factory=set)
    refused: int = 0

    def hear(self, exchange: Exchange) -> None:
        """Keep which messages it acked."""
        event = exchange.sent.get("event") or {}
        if exchange.kind == "events_api" and event.get("ts"):
            if exchange.status == "ok":
                self.acked.add(str(event["ts"]))
            else:
                self.refused += 1

    def answers(self) -> list[str]:
        """The thread of each answer that is final."""
        own = [
            message.to_json()
            for channel in self.slack.workspace.channels.values()
            for message in channel.messages.values()
            if message.user == self.slack.bot_user_id
        ]
        return [said["thread_ts"] for said in own if (mark_of(said) or ("", ""))[1] == "answer" and is_final(said)]


def slow(request: Request) -> Said:
    """A model that takes a second a turn."""
    return Said(*looks_then_answers(request).blocks, first_byte=1.0)


async def until_said(port: int, full: bool) -> tuple[float, str]:
    """Seconds until `/readyz` says that the disk is full (or no longer does), and its words."""
    began, said = time.monotonic(), ""
    while time.monotonic() - began < WAIT / 2:
        said = await readiness(port)
        if bool(FULL.search(said)) == full:
            break
        await asyncio.sleep(0.5)
    return time.monotonic() - began, said


async def asking(slack: Sandbox, asked: list[str], end: asyncio.Event) -> None:
    """A question twice a second."""
    while not end.is_set():
        said = await slack.say(f"inc-{len(asked) % CHANNELS}", "@nightjar why is cart failing?")
        asked.append(said["ts"])
        await asyncio.sleep(EVERY)


async def play(options: argparse.Namespace, disk: Path, what: str) -> dict[str, object]:
    """The whole run, with these files on the disk."""
    asked, end, port = list[str](), asyncio.Event(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="nightjar-full-"))
    town = Sandbox(channels=[f"inc-{number}" for number in range(CHANNELS)], retry_delays=(0, 5, 20, 60))
    async with watched() as sources, served(slow) as (_, claude), town as slack:
        heard = Heard(slack)
        slack.traffic.listeners.append(heard.hear)
        store, engine = ((disk if name in ON_DISK[what] else folder) / name for name in (STORE, ENGINE))
        urls = {"database_url": f"sqlite:///{store}", "engine_url": f"sqlite:///{engine}"}
        told = given(slack.credentials(), disk, **{**sources, **claude, **urls, "port": port, "log_level": "WARNING"})
        order = Order("full", "serve", str(folder), environment(told, folder)).to_json()
        bot = await asyncio.create_subprocess_exec(*WORKER, order)
        try:
            await slack.wait_connected(2, 60)
            talking = asyncio.create_task(asking(slack, asked, end))
            await asyncio.sleep(WELL)
            taken, refused = fill(disk / "ballast"), heard.refused
            began = time.monotonic()
            red, said = await until_said(port, full=True)
            while (left := options.full - (time.monotonic() - began)) > 0:
                fill(disk / "ballast")
                await asyncio.sleep(min(0.2, left))
            refused = heard.refused - refused
            (disk / "ballast").unlink()
            freed = time.monotonic()
            green, _ = await until_said(port, full=False)
            await asyncio.sleep(WELL)
            end.set()
            await talking
            with contextlib.suppress(TimeoutError):
                await slack.wait_for(lambda: set(asked) <= set(heard.answers()), WAIT)
            drained, restarts = time.monotonic() - freed, int(bot.returncode is not None)
        finally:
            if bot.returncode is None:
                bot.terminate()
            await bot.wait()
        answers = heard.answers()
    return {
        "on_the_disk": what, "asked": len(asked), "acked": len(heard.acked & set(asked)), "refused_while_full": refused,
        "taken_bytes": taken,
        "acked_missing": len((heard.acked & set(asked)) - set(answers)),
        "unanswered": len(set(asked) - set(answers)), "doubled": len(answers) - len(set(answers)), "red_s": red,
        "green_s": green, "drained_s": drained, "restarts": restarts,
        "bad_files": sum(not is_whole(file) for file in (store, engine)), **kept(store, engine), "readyz": said,
        "said_to_be_ready": int(not said.startswith("503")), "folder": str(folder),
    }  # fmt: skip


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--size", default="16m", help="of the disk")
    parser.add_argument("--full", type=float, default=20.0, help="seconds without room")
    parser.add_argument("--only", nargs="+", default=list(ON_DISK), choices=list(ON_DISK), help="what lies on it")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # or the disk would stay mounted
    missed = 0
    for what in options.only:
        try:
            with small_disk(options.size) as disk:
                found = asyncio.run(play(options, disk, what))
        except PermissionError as error:
            sys.stdout.write(json.dumps({"skipped": str(error)}) + "\n")
            sys.exit(0)
        missed |= report(found, MOST, {}, lines=not options.json)
    sys.exit(missed)


if __name__ == "__main__":
    main()
