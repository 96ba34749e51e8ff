"""Which picture an answer shows."""

from datetime import UTC, datetime

import pytest

from bot.agent.loop import Worked
from bot.domain.evidence import Chart, Evidence
from bot.domain.messages import Usage
from bot.domain.place import Channel, Person
from bot.domain.sources import Sources
from bot.domain.window import Window
from bot.flows import verdict
from bot.flows.context import Context
from bot.flows.scope import Scoped

WINDOW = Window(datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC))
CAUSE = 'CAUSE {"service": "payments", "signal": "latency", "since": ""}'


def seen(id_: str, *, drawn: bool = True) -> Evidence:
    """A piece of evidence with or without a picture of its own name."""
    chart = Chart(id_, ()) if drawn else None
    return Evidence(id_, "ans:1", "chart", "prom", "shop", "up", WINDOW, "what was seen", "text", chart=chart)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("payments is slow [E3], see also [E2].\n\nMore.\n\n" + CAUSE, ["E3"]),
        ("payments is slow [E1].\n\nMore.\n\n" + CAUSE, ["E2"]),
        ("Nothing is wrong [E1].\n\nMore.\n\nCAUSE null", []),
        ("Nothing is wrong [E1].\n\n**New in the logs** [E3].\n\nCAUSE null", []),
        ("payments is slow [E1].\n\n**Moved** [E3].\n\n" + CAUSE, ["E3"]),
        ("Memory runs full at noon [E3].\n\nMore.\n\nCAUSE null", ["E3"]),
    ],
    ids=[
        "cited first",
        "of a cause, the first there is",
        "nothing blamed, nothing cited",
        "nothing blamed, cited behind Details",
        "of a cause, cited behind Details",
        "cited without a cause",
    ],
)
def test_a_picture_is_shown_that_somebody_speaks_of(text: str, shown: list[str]) -> None:
    """Where nothing is blamed, a picture that the head does not cite is noise."""
    evidence = [seen("E1", drawn=False), seen("E2"), seen("E3")]
    known = Context("ans:1", Channel("C1", "incidents"), Person("U1"))
    worked = Worked(text, (), "claude:x", Usage(), 1)
    answer = verdict.build(worked, evidence, (), known=known, scoped=Scoped(WINDOW, Sources()), redact=lambda one: one)
    assert [chart.title for chart in answer.charts] == shown
