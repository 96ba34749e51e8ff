"""The schedule: side by side within bounds, under one ceiling of money, and resumable."""

import asyncio
from pathlib import Path

import pytest

from bot.domain.errors import SetupError
from bot.evals.report import as_json, markdown
from bot.evals.result import Result
from bot.evals.run import Job, Notebook, plan, run
from tests.evals.made import answer, case, result

CASES = [case(f"c{number}") for number in range(6)]


class Worker:
    """Costs what it is told, and counts."""

    def __init__(self, usd: float = 0.0, states: tuple[str, ...] = ("passed",)) -> None:
        self.usd, self.states = usd, states
        self.jobs: list[Job] = []
        self.now = self.most = 0

    async def work(self, job: Job) -> Result:
        """One run."""
        self.jobs.append(job)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        return result(job, self.states[(len(self.jobs) - 1) % len(self.states)], cost_usd=self.usd, answer=answer())


async def test_everything_runs_within_bounds() -> None:
    """Each case by each model, as often as wanted, never more than so many at once; each end is heard."""
    worker, heard = Worker(), list[Result | None]()
    jobs = plan(CASES, ("a", "b"), 2)
    outcome = await run(jobs, worker.work, at_once=3, ended=heard.append)
    assert {one.key for one in outcome.results} == {job.key for job in jobs}
    assert (len(heard), worker.most, outcome.skipped) == (24, 3, ())


@pytest.mark.parametrize("at_once", [1, 4])
async def test_the_ceiling_holds_over_all(at_once: int) -> None:
    """What runs side by side holds its share; what is left undone is said, model by model evenly."""
    worker = Worker(usd=0.04)
    outcome = await run(plan(CASES, ("a", "b"), 1), worker.work, at_once=at_once, ceiling=0.25)
    assert 0.1 < sum(one.cost_usd for one in outcome.results) <= 0.25
    assert len(outcome.results) + len(outcome.skipped) == 12
    assert all(job.usd is not None and job.usd <= 0.25 for job in worker.jobs)
    assert as_json(outcome, ("a", "b"))["cases"] == 6


async def test_what_is_free_is_never_left_out() -> None:
    """The playbook and replays go on beyond any ceiling."""
    outcome = await run(plan(CASES, ("playbook", "a"), 1), Worker().work, at_once=2, ceiling=0.0)
    assert {one.model for one in outcome.results} == {"playbook"}
    assert {job.model for job in outcome.skipped} == {"a"}


async def test_the_same_command_goes_on(tmp_path: Path) -> None:
    """What is graded is not asked again, also after a torn line; what was throttled or broke off is."""
    path, jobs = tmp_path / "runs" / "results.jsonl", plan(CASES, ("a",), 1)
    first = Worker(states=("passed", "throttled", "error"))
    await run(jobs, first.work, at_once=1, notebook=Notebook(path))
    with path.open("a") as file:
        file.write('{"case": "c0", "mod')
    second = Worker()
    outcome = await run(jobs, second.work, at_once=1, notebook=Notebook(path))
    assert [job.case.id for job in second.jobs] == ["c1", "c2", "c4", "c5"]
    assert {one.state for one in outcome.results} == {"passed"}
    assert len(Notebook(path).lines) == 10


async def test_a_changed_case_is_asked_again(tmp_path: Path) -> None:
    """Its older result is of another case."""
    path = tmp_path / "results.jsonl"
    await run(plan([case("c")], ("a",), 1), Worker().work, at_once=1, notebook=Notebook(path))
    worker = Worker()
    await run(plan([case("c", question="else?")], ("a",), 1), worker.work, at_once=1, notebook=Notebook(path))
    assert len(worker.jobs) == 1


async def test_money_of_earlier_runs_counts(tmp_path: Path) -> None:
    """The ceiling is over all that the file holds."""
    path = tmp_path / "results.jsonl"
    await run(plan(CASES[:2], ("a",), 1), Worker(usd=0.1).work, at_once=1, notebook=Notebook(path))
    outcome = await run(plan(CASES, ("a",), 1), Worker(usd=0.1).work, at_once=1, ceiling=0.2, notebook=Notebook(path))
    assert len(outcome.skipped) == 4


def test_another_file_is_not_taken_for_results(tmp_path: Path) -> None:
    """Nor overwritten."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"no": "result"}\n{"no": "result"}\n')
    with pytest.raises(SetupError, match=r"x\.jsonl:1 is no result"):
        Notebook(path)
    assert path.read_text().count("\n") == 2


async def test_the_report_keeps_what_was_throttled_apart() -> None:
    """Throttled and broken runs are in no score; the shape is the one that programs read."""
    worker = Worker(usd=0.5, states=("passed", "failed", "throttled", "error", "passed", "passed"))
    outcome = await run(plan(CASES, ("a",), 1), worker.work, at_once=1)
    (row,) = as_json(outcome, ("a",))["results"]
    assert row == {
        "model": "a", "passed": 3, "failed": 1, "throttled": 1, "errors": 1, "cost_usd": 3.0, "seconds": 0.0
    }  # fmt: skip
    assert "| a | 3/4 (75 %) | 1 | 1 | 0 | $3.0000 |" in markdown(outcome, ("a",))
