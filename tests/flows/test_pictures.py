"""Pictures in the flow: read once, whatever crashes; paid for; and no byte of them in what is recorded."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.domain.errors import SourceDown
from bot.domain.events import Facts, Task
from bot.domain.investigations import PostedFile
from bot.domain.messages import Ask, Message, ModelFacts, Usage
from bot.domain.outcomes import Fault, Turn, encode
from bot.domain.tools import Tool
from bot.engine.inline import cut
from bot.flows.deps import Policy, Scope
from bot.flows.pictures import MOST, Look
from tests.agent.play import Scripted, said
from tests.flows.house import PlayedHouse, house
from tests.scenarios.seen import picture

HEAD = "Cause not known.\nSince now.\nNext: look.\n\nSee [E3].\nCAUSE null"
READ = json.dumps({"panels": [], "stands_out": "a cat"})


@dataclass
class Seeing:
    """A model that sees: what it says of pictures, and how often it was asked."""

    says: str = READ
    hosted: bool = True
    pictures: list[bytes] = field(default_factory=list)

    @property
    def facts(self) -> ModelFacts:
        """It sees."""
        return ModelFacts("seeing", "played", context_tokens=20_000, sees=True, hosted=self.hosted)

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """Of a picture what it is to say, of anything else an answer."""
        images = [image for message in ask.messages for image in message.images]
        self.pictures += [base64.b64decode(image.data) for image in images]
        text = self.says if images else HEAD
        return Turn(Message("assistant", text), "end", Usage(100, 10, cost_usd=0.02))


@dataclass
class Shelf:
    """Files by id."""

    held: dict[str, bytes]
    read_ids: list[str] = field(default_factory=list)

    async def read(self, file: PostedFile, most: int) -> bytes:
        """The bytes; SourceDown for one that is not there."""
        self.read_ids.append(file.id)
        if file.id not in self.held:
            raise SourceDown("Slack did not send it")
        return self.held[file.id][: most + 1]


def files(*names: str, media_type: str = "image/png") -> tuple[PostedFile, ...]:
    """References, each with its name as id."""
    return tuple(PostedFile(name, name, media_type) for name in names)


async def missing(told: PlayedHouse) -> tuple[str, ...]:
    """What the last answer says was not looked at."""
    return told.replies.finished[-1].missing


async def test_it_is_read_once_whatever_crashes() -> None:
    """Behind each step a crash: nothing is fetched or asked again once it is recorded, and no byte of it is."""
    model, shelf = Seeing(), Shelf({"a.png": picture()})
    async with house({"claude": model}, files=shelf) as first:
        key = await first.ask("why?", files=files("a.png"))
        journal = first.engine.journals[key]
    recorded = json.dumps([encode(Any, step.outcome) for step in journal.values()])
    assert base64.b64encode(model.pictures[0]).decode()[:60] not in recorded
    assert "read off a picture by claude" in recorded
    names = [step.name for step in journal.values()]
    at = next(place for place, name in enumerate(names) if "picture" in name and name.endswith(".2"))
    for steps in range(at + 1, len(names) + 1):
        async with house({"claude": model}, files=shelf, journals={key: cut(journal, steps)}, like=first) as again:
            await again.ask("why?", files=files("a.png"))
    assert (shelf.read_ids, len(model.pictures)) == (["a.png"], 1)


async def test_what_it_cost_is_counted() -> None:
    """Reading off is part of the answer's usage."""
    async with house({"claude": Seeing()}, files=Shelf({"a.png": picture()})) as told:
        await told.ask("why?", files=files("a.png"))
    assert told.replies.finished[-1].usage.cost_usd == pytest.approx(0.04)


async def test_when_the_days_money_is_spent_nobody_is_asked() -> None:
    """The line says why."""
    model = Seeing()
    policy = Policy(models=("claude",), usd_per_day=0.0)
    async with house({"claude": model, "playbook": Scripted([said(HEAD)])}, policy=policy, files=Shelf({})) as told:
        await told.ask("why?", files=files("a.png"))
    assert "a picture was posted; today's money for models is spent" in await missing(told)
    assert model.pictures == []


async def test_in_house_asks_only_its_own() -> None:
    """The hosted one, listed first, never gets the picture."""
    hosted, own = Seeing(), Seeing(hosted=False)
    policy = Policy(models=("claude", "llama"), scopes={"inc-checkout": Scope(in_house=True)})
    async with house({"claude": hosted, "llama": own}, policy=policy, files=Shelf({"a": picture()})) as told:
        await told.ask("why?", files=files("a"))
    assert (len(hosted.pictures), len(own.pictures)) == (0, 1)


async def test_each_file_that_is_not_looked_at_is_named() -> None:
    """A secret in a name is masked; the others are read all the same."""
    given = (*files("gone hunter22.png", "a.png"), *files("b.csv", media_type="text/csv"))
    async with house({"claude": Seeing()}, files=Shelf({"a.png": picture()})) as told:
        key = await told.ask("why?", files=given)
        evidence = await told.store.evidence.all(key)
    assert [item.query for item in evidence if item.tool == "picture"] == ["a.png"]
    tasks = {(e.title, e.state): e.detail for e in told.replies.shown if isinstance(e, Task)}
    assert tasks == {
        ("read gone [masked].png", "in_progress"): "",
        ("read a.png", "in_progress"): "",
        ("read gone [masked].png", "error"): "the picture gone [masked].png: Slack did not send it",
        ("read a.png", "complete"): "E4: read off, not measured",
    }
    assert not any("picture" in e.text for e in told.replies.shown if isinstance(e, Facts))
    assert set(await missing(told)) >= {
        "the picture gone [masked].png: Slack did not send it",
        "b.csv: it is no picture",
    }


def test_only_the_first_few() -> None:
    """More files than that are said, not looked at; without a model nothing is."""
    look = Look(files(*"abcdef"), ("claude",))
    assert len(look.calls) == MOST
    assert look.missing == (f"the files after the first {MOST}",)
    assert Look(files("a"), (), "nobody can see").calls == ()
    assert Look(files("a"), (), "nobody can see").missing == ("a picture was posted; nobody can see",)
    assert (Look((), ("claude",)).calls, Look((), ()).missing) == ((), ())
