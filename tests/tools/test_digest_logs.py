"""The tool that reads very many lines for one question."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.domain.messages import Usage
from bot.domain.tools import Digested
from bot.tools import digest_logs
from bot.tools.digest_logs import TOOL
from tests.tools.logbook import Logs, logs_desk, usual

MANY = [
    *usual(),
    *((-600.0 + n, "pay", f"ERROR charge of {n} failed at bravo") for n in range(40)),
    *((-600.0 + n, "pay", f"WARN queue is {n} long, slow consumer") for n in range(40)),
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three kinds are very many here."""
    monkeypatch.setattr(digest_logs, "SMALL", 20)
    monkeypatch.setattr(digest_logs, "BUDGET", 1_070)


DONE = Digested("it is the cart [cart:1]", "llama", Usage(cost_usd=0.01))


@dataclass
class Fake:
    """Says which lines it got."""

    answer: Digested | None = DONE
    names: tuple[str, ...] = ("llama:x",)
    given: list[tuple[str, Sequence[str], int]] = field(default_factory=list)

    async def digest(self, question: str, lines: Sequence[str], budget: int) -> Digested | None:
        """The answer, whatever it was given."""
        self.given.append((question, lines, budget))
        return self.answer


async def test_few_kinds_are_shown_as_they_are() -> None:
    """No model is asked; what is new stands first, with its mark, count and time."""
    model = Fake()
    store = Logs([*usual(), *((-600.0 + n, "pay", f"ERROR charge of {n} failed") for n in range(40))])
    found = await TOOL.run(replace(logs_desk(store), digester=model), question="why do charges fail?")
    assert model.given == []
    assert found.facts["kinds"] == 2
    assert (
        found.facts["digest"].splitlines()[0].startswith("[pay:1] new, usual 0, 40 times ERROR 11:50:00–11:50:39 UTC")
    )
    assert "all kinds shown" in found.text


@pytest.mark.usefixtures("small")
async def test_many_kinds_go_to_the_model_for_it() -> None:
    """With the question, without secrets; its cost is the investigation's."""
    model = Fake()
    desk = replace(logs_desk(Logs(MANY)), digester=model, redact=lambda text: text.replace("bravo", "[masked]"))
    found = await TOOL.run(desk, question="what of bravo?")
    ((question, lines, budget),) = model.given
    assert question == "what of [masked]?"
    assert not any("bravo" in line for line in lines)
    assert budget < digest_logs.BUDGET
    assert found.facts["digest"] == "it is the cart [cart:1]"
    assert "condensed by llama" in found.text
    assert found.usage.cost_usd == 0.01


@pytest.mark.usefixtures("small")
async def test_without_one_the_most_telling_stand_there() -> None:
    """Within the budget, and the rest is counted; so when none could do it."""
    for model in (None, Fake(answer=None)):
        found = await TOOL.run(replace(logs_desk(Logs(MANY)), digester=model), question="why?")
        assert "the 2 most telling kinds shown, 1 left out" in found.text
        assert "[pay:1] new" in found.text
        assert "served order" not in found.text


async def test_the_last_minutes_only() -> None:
    """Against as much before them."""
    store = Logs(usual())
    found = await TOOL.run(logs_desk(store), question="why?", minutes=10, service="cart")
    assert [round(window.seconds) for _, window in store.asked] == [600, 600]
    assert found.facts["lines"] == 50
    assert digest_logs.READING.most > 100 << 20
