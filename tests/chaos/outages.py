"""Each fault of the model and of a metrics source, through the whole house as it is run, with the times it has there.

python -m tests.chaos.outages [--json] [--only NAME …] [--hold 45] [--beside 5]

A house for each case; somebody asks every three seconds, each time in another channel: at first all is well, then the
fault holds for `--hold` seconds, then it is over. `first` is the first question's answer in the fault, `slowest` any
that met the fault, `left_alone` one that found the breaker open. `back` is from the end of the fault to the first
answer as ever. Each answer in a fault must say so, hold no figure without evidence, and `/readyz` must name the part.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import Happening
from bot.slack.posting import is_final, mark_of
from tests.benchmarks.percentiles import report
from tests.chaos.cases import CASES, OF_MODEL, Case, Model
from tests.chaos.front import Front
from tests.chaos.postgres_outage import readiness
from tests.fakes.messages_server import MessagesServer
from tests.scenarios.stage import environment, free_port, given, text_of, watched

MOST = {
    "first_s": 30.0, "slowest_s": 30.0, "left_alone_s": 5.0, "back_s": 60.0, "unanswered": 0.0, "unmarked": 0.0,
    "unbacked": 0.0, "not_in_readyz": 0.0, "not_normal_before": 0.0,
}  # fmt: skip
QUESTION, EVERY, CHANNELS, MODEL = "@nightjar why is cart failing?", 3.0, 60, "claude"
GIVEN_UP, BACK, LAST = 120.0, 90.0, 60.0  # seconds
LEFT_ALONE = ("is left alone after failing", "is left alone for")


@dataclass
class Seen:
    """A question: when it was asked, when its answer was final and what that showed; times in UTC seconds."""

    asked: float
    answered: float = 0.0
    text: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it took; without end where there is no answer."""
        return self.answered - self.asked if self.answered else GIVEN_UP

    @property
    def answer(self) -> Mapping[str, Any]:
        """What the audit keeps of it."""
        found: Mapping[str, Any] = self.record.get("answer") or {}
        return found

    @property
    def unbacked(self) -> Sequence[str]:
        """Its figures that stand in no evidence."""
        found: Sequence[str] = (self.answer.get("numbers") or {}).get("unbacked", ())
        return found

    @property
    def told(self) -> str:
        """What the answer shows, and what was not looked at."""
        return f"{self.text} {self.answer.get('missing')}"

    def says(self, *words: str) -> bool:
        """Whether one of these stands in it."""
        return any(word in self.told for word in words)


@dataclass
class House:
    """A running bot with what surrounds it."""

    case: Case
    slack: Sandbox
    front: Front
    model: Model
    port: int
    folder: Path
    seen: dict[str, Seen] = field(default_factory=dict)

    def see(self, happening: Happening) -> None:
        """Keep an answer once it is what it stays."""
        if happening.message is None:
            return
        shown = happening.message.to_json()
        question = self.seen.get(happening.message.thread_ts or "")
        if question and not question.answered and (mark_of(shown) or ("", ""))[1] == "answer" and is_final(shown):
            question.answered, question.text = time.time(), f"{shown.get('text')}\n{text_of(shown)}"

    async def meet(self, fault: str) -> None:
        """The fault begins; empty, it ends."""
        if self.case.part == "model":
            self.model.fault = OF_MODEL.get(fault)
        await self.front.meet(fault if self.case.part != "model" or fault not in OF_MODEL else "")

    async def ask(self) -> Seen:
        """One question."""
        at = time.time()
        said = await self.slack.say(f"inc-{len(self.seen) % CHANNELS}", QUESTION)
        self.seen[said["ts"]] = question = Seen(at)
        return question

    async def asking(self, seconds: float) -> list[Seen]:
        """A question every three seconds for so long."""
        end, asked = time.time() + seconds, list[Seen]()
        while time.time() < end:
            asked.append(await self.ask())
            await asyncio.sleep(EVERY)
        return asked

    def read(self) -> None:
        """Put what the audit kept beside what was shown."""
        with closing(sqlite3.connect(f"file:{self.folder / 'nightjar.sqlite'}?mode=ro", uri=True, timeout=10)) as file:
            for (kept,) in file.execute("SELECT record FROM investigations").fetchall():
                record = json.loads(kept)
                if question := self.seen.get(record["question"]["ts"]):
                    question.record = record

    def is_normal(self, question: Seen) -> bool:
        """Whether it was answered as ever; `read` before."""
        by_model = str(question.answer.get("model", "")).startswith(MODEL) or self.case.part != "model"
        return bool(question.answered) and by_model and not question.says("No metrics from")

    def is_marked(self, question: Seen) -> bool:
        """Whether it says what it went without: a model anywhere in sight, a source in the first line."""
        if self.is_normal(question) and not question.says("took over", "prometheus ("):  # the fault was over in time
            return True
        if self.case.part == "model":
            return "no model" in question.text and "took over" in question.text
        return question.text.startswith("No metrics from prometheus")


@asynccontextmanager
async def house(case: Case) -> AsyncIterator[House]:
    """A bot of a case's own, as a process."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightjar-outage-")))
        sources = await stack.enter_async_context(watched())
        channels = [f"inc-{number}" for number in range(CHANNELS)]
        slack = await stack.enter_async_context(Sandbox(channels=channels))
        model = Model()
        server = await stack.enter_async_context(MessagesServer(model, strict=False))
        behind = server.url if case.part == "model" else sources["prometheus_url"]
        front = await stack.enter_async_context(Front(behind))
        made = House(case, slack, front, model, free_port(), folder)
        slack.workspace.listeners.append(made.see)
        told: dict[str, Any] = {**sources, "port": made.port}
        if case.part == "model":
            told |= {"nightjar_models": MODEL, "anthropic_base_url": front.url, "anthropic_api_key": "outage-case"}
        else:
            told |= {"prometheus_url": front.url} | ({} if case.alerts else {"alertmanager_url": ""})
        variables = environment(given(slack.credentials(), folder, **told), folder)
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "serve", env=variables)
        try:
            await slack.wait_connected(2, 120)
            yield made
        finally:
            if bot.returncode is None:
                bot.kill()
            await bot.wait()


async def played(case: Case, hold: float) -> dict[str, Any]:
    """One case from beginning to end; its row of the table."""
    async with house(case) as bot:
        before = await bot.asking(3 * EVERY)
        await _answered(before)
        await bot.meet(case.fault)
        requests = bot.model.requests
        asking = asyncio.create_task(bot.asking(hold))
        await asyncio.sleep(hold - EVERY)
        said = await readiness(bot.port)
        inside = await asking
        requests = bot.model.requests - requests
        await bot.meet("")
        over = time.time()
        after = await _until_normal(bot, over)
        await _answered([*inside, *after])
        bot.read()
    normal = [question for question in after if bot.is_normal(question)]
    back = min(question.answered for question in normal) - over if normal else GIVEN_UP
    named = '"prometheus"' if case.part != "model" else f'"{MODEL}'
    return {
        "case": case.name, **_figures(bot, inside, before), "back_s": back, "model_requests": requests,
        "not_in_readyz": int(named not in said), "readyz": said,
    }  # fmt: skip


def _figures(bot: House, inside: Sequence[Seen], before: Sequence[Seen]) -> dict[str, Any]:
    alone = list(_left_alone(inside))
    met = [question for question in inside if question not in alone]
    return {
        "normal_s": max(question.seconds for question in before), "first_s": inside[0].seconds,
        "slowest_s": max(question.seconds for question in inside), "asked": len(inside), "met_it": len(met),
        "left_alone_s": max((question.seconds for question in alone), default=0.0), "left_alone": len(alone),
        "unanswered": sum(not question.answered for question in inside),
        "unmarked": len(bare := [question for question in inside if not bot.is_marked(question)]),
        "bare": [question.told for question in bare[:2]],
        "unbacked": sum(len(question.unbacked) for question in inside),
        "which": sorted({figure for question in inside for figure in question.unbacked}),
        "not_normal_before": sum(not bot.is_normal(question) for question in before),
        "shown": inside[0].text.partition('\n["')[0],
    }  # fmt: skip


def _left_alone(inside: Sequence[Seen]) -> Iterator[Seen]:
    """Those that were asked after an answer which had found the breaker open, and found it so as well."""
    since = min((one.answered for one in inside if one.answered and one.says(*LEFT_ALONE)), default=float("inf"))
    return (one for one in inside if one.asked > since and one.says(*LEFT_ALONE))


async def _answered(questions: Sequence[Seen]) -> None:
    end = time.time() + LAST
    while time.time() < end and not all(question.answered for question in questions):  # noqa: ASYNC110  seen by a listener
        await asyncio.sleep(0.1)


async def _until_normal(bot: House, since: float) -> list[Seen]:
    """Ask on until an answer is as ever, and twice more."""
    asked: list[Seen] = []
    while time.time() - since < BACK:
        asked += await bot.asking(EVERY / 2)
        bot.read()
        if any(map(bot.is_normal, asked)):
            break
    return asked


async def play(cases: Sequence[Case], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Several side by side."""
    turn = asyncio.Semaphore(options.beside)

    async def one(case: Case) -> dict[str, Any]:
        async with turn:
            row = await played(case, options.hold)
            told = [f"{name} {row[name]:.1f}" for name in ("first_s", "slowest_s", "left_alone_s", "back_s")]
            sys.stderr.write(f"{case.name}: {' '.join(told)}\n")
            return row

    return list(await asyncio.gather(*map(one, cases)))


def main() -> None:
    """Run, print, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], choices=[case.name for case in CASES], metavar="NAME")
    parser.add_argument("--hold", type=float, default=45.0, help="seconds of each fault")
    parser.add_argument("--beside", type=int, default=5, help="houses at once")
    options = parser.parse_args()
    cases = [case for case in CASES if not options.only or case.name in options.only]
    rows = asyncio.run(play(cases, options))
    missed = 0
    for row in rows:
        missed |= report(row, MOST, {}, lines=not options.json)
    sys.exit(missed)


if __name__ == "__main__":
    main()
