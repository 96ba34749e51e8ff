"""What came of all runs, by model: counts, money, time; what was throttled stands apart from what was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bot.evals.run import Outcome


@dataclass(frozen=True)
class Row:
    """One model's runs; `seconds` are the runs' together, `typical` is the median of those that were graded."""

    model: str
    passed: int
    failed: int
    throttled: int
    errors: int
    skipped: int
    cost_usd: float
    seconds: float
    typical: float
    numbers: int
    backed: int

    @property
    def score(self) -> str:
        """Passed of graded, as people read it; what was throttled, broke off or was skipped does not count."""
        graded = self.passed + self.failed
        return f"{self.passed}/{graded} ({100 * self.passed / graded:.0f} %)" if graded else "nothing graded"


def rows(outcome: Outcome, models: Sequence[str]) -> tuple[Row, ...]:
    """One a model, in the order given."""
    return tuple(_row(outcome, model) for model in models)


def _row(outcome: Outcome, model: str) -> Row:
    own = [one for one in outcome.results if one.model == model]
    graded = [one for one in own if one.state in ("passed", "failed")]
    answers = [one.answer for one in graded if one.answer is not None]

    def count(state: str) -> int:
        return sum(one.state == state for one in own)

    return Row(
        model=model,
        passed=count("passed"),
        failed=count("failed"),
        throttled=count("throttled"),
        errors=count("error"),
        skipped=sum(job.model == model for job in outcome.skipped),
        cost_usd=round(sum(one.cost_usd for one in own), 6),
        seconds=round(sum(one.seconds for one in own), 2),
        typical=round(median([one.seconds for one in graded]), 2) if graded else 0.0,
        numbers=sum(answer.numbers.total for answer in answers),
        backed=sum(answer.numbers.backed for answer in answers),
    )


def as_json(outcome: Outcome, models: Sequence[str]) -> dict[str, Any]:
    """For programs: `results` by model, `runs` one by one; money is US dollars."""
    keys = ("model", "passed", "failed", "throttled", "errors", "cost_usd", "seconds")
    cases = {one.case for one in outcome.results} | {job.case.id for job in outcome.skipped}
    return {
        "cases": len(cases),
        "results": [{key: getattr(row, key) for key in keys} for row in rows(outcome, models)],
        "skipped": len(outcome.skipped),
        "runs": [
            {"case": one.case, "model": one.model, "repeat": one.repeat, "state": one.state, "missed": list(one.missed)}
            for one in outcome.results
        ],
    }


def markdown(outcome: Outcome, models: Sequence[str]) -> str:
    """The table as Markdown."""
    head = "| model | right of graded | throttled | errors | not run | cost | median seconds | numbers backed |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    lines += [
        f"| {r.model} | {r.score} | {r.throttled} | {r.errors} | {r.skipped} | ${r.cost_usd:.4f} | {r.typical:g} "
        f"| {r.backed}/{r.numbers} |"
        for r in rows(outcome, models)
    ]
    return "\n".join(lines) + "\n"
