"""Cases, answers and results as the tests of evals need them."""

from typing import Any

from bot.domain.answers import Answer, Cause, Numbers
from bot.evals.case import Case, World
from bot.evals.result import Result
from bot.evals.run import Job


def case(id: str = "a-case", **more: Any) -> Case:
    """A bad deploy of payments, ten minutes old, unless told otherwise."""
    given = {
        "question": "what broke?",
        "world": World(fault="bad_deploy", seed=13, minutes=10),
        "root_cause": "payments",
    }
    return Case(id=id, **{**given, **more})


def answer(head: str = "payments is unhealthy: errors 33 %.", service: str = "payments", **more: Any) -> Answer:
    """An answer that names a service as the cause; none with an empty name."""
    cause = Cause(service, "errors", "2026-06-10T13:20:30Z") if service else None
    return Answer(head, cause=cause, **{"model": "claude-opus-5-5", "numbers": Numbers(1, 1), **more})


def result(job: Job, state: Any = "passed", **more: Any) -> Result:
    """What came of a job."""
    return Result(job.case.id, job.model, job.repeat, job.case.mark, state, **more)
