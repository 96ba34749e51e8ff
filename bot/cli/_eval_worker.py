"""Runs of cases in processes of their own: a job a line in, a result a line out."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from types import TracebackType
from typing import Self

from bot.cli._eval_house import work
from bot.domain import plain
from bot.domain.outcomes import decode, encode
from bot.evals.result import Result
from bot.evals.run import Job, broken

_LINE = 1 << 28  # bytes of a result: a transcript may be long
_GRACE = 60.0  # seconds beyond the job's own limit, for its world to be built


class Crew:
    """Worker processes, started as they are needed; they end together."""

    def __init__(self) -> None:
        self._idle: list[Process] = []
        self._all: list[Process] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._all:
            _end(process)
        await asyncio.gather(*(process.wait() for process in self._all))

    async def work(self, job: Job) -> Result:
        """One run; a worker that dies or hangs makes it an error, and is replaced."""
        process = self._idle.pop() if self._idle else await self._start()
        try:
            async with asyncio.timeout(job.seconds + _GRACE):
                line = await _ask(process, job)
        except TimeoutError:
            _end(process)
            return _lost(job, f"no answer within {job.seconds + _GRACE:g} s")
        if not line:
            return _lost(job, f"the worker ended with code {await process.wait()}")
        self._idle.append(process)
        result: Result = decode(Result, json.loads(line))
        return result

    async def _start(self) -> Process:
        command = (sys.executable, "-m", "bot.cli._eval_worker")  # in a session of its own: Ctrl-C is the parent's
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=_LINE, start_new_session=True
        )
        self._all.append(process)
        return process


def _lost(job: Job, why: str) -> Result:
    """Nobody knows what it cost, so all that it might have is counted."""
    return replace(broken(job, why), cost_usd=job.usd or 0.0)


def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()


async def _ask(process: Process, job: Job) -> bytes:
    """The line that answers; empty when the process is gone."""
    if process.stdin is None or process.stdout is None:
        return b""
    try:
        process.stdin.write(plain.dumps(encode(Job, job)).encode() + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline()
    except (BrokenPipeError, ConnectionResetError):
        return b""


def done(line: str) -> Result:
    """The work of one line."""
    job: Job = decode(Job, json.loads(line))
    try:
        return asyncio.run(work(job))
    except Exception as error:  # noqa: BLE001  # the worker: whatever goes wrong is this run's result
        return broken(job, f"{type(error).__name__}: {error}")


def main() -> None:
    """Until there are no more lines; what others print goes to standard error."""
    logging.disable(logging.CRITICAL)  # a fault is part of the result
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):  # nobody is left to tell
        for line in sys.stdin:
            print(plain.dumps(encode(Result, done(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
