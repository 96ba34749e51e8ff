"""Two models, one evidence: the same request, no tools, drawn order, and nothing that tells who wrote what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.agent import frozen
from bot.domain.answers import Answer
from bot.domain.events import Draft
from bot.domain.evidence import Found
from bot.domain.messages import Ask, Message, ModelFacts, Usage
from bot.domain.outcomes import Fault, Turn
from bot.domain.place import Place
from bot.domain.ports import Model
from bot.domain.tools import Desk, Tool, tool
from bot.engine.inline import cut
from bot.flows import compare
from bot.flows.deps import Policy, Scope
from bot.llm.playbook import Playbook
from tests.flows.house import PlayedHouse, alerts, asked, house, movers

GOOD = (
    "payment fails since 06:01.\nCheckout is affected.\nNext: look at payment.\n\n"
    "35.3 % of its answers fail [E1].\nCAUSE null"
)
WILD = "The mailer fails.\nNext: restart it.\n\n77 % of its mails are lost [E9].\nCAUSE null"


@dataclass
class Said:
    """A model that always says the same."""

    text: str
    family: str = "claude"
    hosted: bool = True
    fault: Fault | None = None
    asked: list[Ask] = field(default_factory=list)
    tools: list[int] = field(default_factory=list)

    @property
    def facts(self) -> ModelFacts:
        """By family."""
        return ModelFacts(self.family, self.family, hosted=self.hosted)

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """The text, or the fault."""
        self.asked.append(ask)
        self.tools.append(len(tools))
        used = Usage(1_000, 50, cost_usd=0.01)
        return self.fault or Turn(Message("assistant", self.text), "end", used, seconds=2.5)


class Small(Said):
    """The same with a small window."""

    @property
    def facts(self) -> ModelFacts:
        """Four thousand tokens."""
        return ModelFacts(self.family, self.family, context_tokens=4_000)


@tool(role="changes", need="any", max_chars=50_000)
async def chatter(desk: Desk) -> Found:
    """Very much of little use."""
    return Found("noise " * 8_000, "prom", "q", facts={"changes": []})


def models(**more: Any) -> dict[str, Any]:
    """A hosted one, one's own, and the rules."""
    return {"claude:c": Said(GOOD), "llama:l": Said(WILD, "llama", hosted=False), "playbook": Playbook()} | more


def route(*names: str, **more: Any) -> Policy:
    """A policy with these models in order."""
    return Policy(models=names, **more)


async def compared(here: PlayedHouse, text: str = "why?", ts: str = "100.0", **more: Any) -> tuple[str, Answer]:
    """Compare and wait; the key and what was answered."""
    question = replace(asked(text, ts), accepted=1.0, **more)
    await compare.request(here.engine, question)
    await here.engine.drained()
    assert here.replies.failed == []
    return compare.key_of(question), here.replies.finished[-1]


async def test_both_get_the_same_evidence_and_no_tool() -> None:
    """Letter for letter, with everything that code gathered; nothing is looked up a second time."""
    cast = models()
    async with house(cast, policy=route("claude:c", "llama:l", "playbook")) as here:
        key, answer = await compared(here)
        (one,), (other,) = cast["claude:c"].asked, cast["llama:l"].asked
        assert one == other
        assert cast["claude:c"].tools == cast["llama:l"].tools == [0]
        evidence = await here.store.evidence.all(key)
        assert len(evidence) >= 2
        assert all(f"Evidence {item.id}" in one.messages[-1].text for item in evidence)
        assert [item.id for item in answer.evidence] == [item.id for item in evidence]


async def test_a_small_window_cuts_for_both() -> None:
    """What the smaller model cannot hold, the other does not get either."""
    cast = models(**{"llama:l": Small(WILD, "llama")})
    async with house(cast, policy=route("claude:c", "llama:l"), tools=(alerts, movers, chatter)) as here:
        await compared(here)
        (one,), (other,) = cast["claude:c"].asked, cast["llama:l"].asked
        assert one.messages == other.messages
        assert 100 < one.messages[0].text.count("noise") < 4_000 / len("noise ")


async def test_each_is_checked_alone() -> None:
    """Figures, tokens, money and seconds are each model's own; the bill is both."""
    async with house(models(), policy=route("claude:c", "llama:l", "playbook")) as here:
        _, answer = await compared(here)
        sides = {side.model: side for side in answer.sides}
        good, wild = sides["claude:c"], sides["llama:l"]
        assert (good.numbers.total, good.numbers.backed) == (2, 2)
        assert (wild.numbers.total, wild.numbers.backed) == (1, 0)
        assert "77 % (unverified)" in wild.body
        assert (good.seconds, good.usage.cost_usd) == (2.5, 0.01)
        assert answer.usage.cost_usd == pytest.approx(0.02)
        assert await here.store.audit.spent(here.deps.clock.now().replace(hour=0, minute=0)) == pytest.approx(0.02)


async def test_the_order_is_drawn_by_the_key() -> None:
    """Half of the keys swap, each always alike, and the answer stands as drawn."""
    async with house(models(), policy=route("claude:c", "llama:l")) as here:
        seen = set()
        for number in range(6):
            key, answer = await compared(here, ts=f"{number}.5")
            first = "llama:l" if compare.swapped(key) else "claude:c"
            assert answer.sides[0].model == first
            seen.add(first)
        assert len(seen) == 2
    assert 400 < sum(compare.swapped(f"cmp:T:C:{number}") for number in range(1_000)) < 600


async def test_nothing_that_is_shown_tells_who_wrote_it() -> None:
    """Neither the words around the answers nor progress; the playbook's draft is shown to nobody."""
    async with house(models(), policy=route("claude:c", "playbook")) as here:
        _, answer = await compared(here)
        sides = tuple(replace(side, model="") for side in answer.sides)
        around = repr(replace(answer, sides=sides, hidden=()))
        assert not any(name in around.lower() for name in ("claude", "playbook", "no model"))
        assert not any(isinstance(event, Draft) for event in here.replies.shown)


async def test_an_answer_that_names_its_writer_is_kept_and_told_without() -> None:
    """Head, body and what the thread keeps are nameless; the sides are as they were written, with what to hide."""
    told = f"As Claude, I see claude-opus-5-5 blame payment.\n\n{GOOD}"
    cast = models(**{"claude:claude-opus-5-5": Said(told), "llama:l": Said(WILD, "llama")})
    async with house(cast, policy=route("claude:claude-opus-5-5", "llama:l")) as here:
        key, answer = await compared(here)
        assert "As this model, I see this model blame payment." in answer.head
        kept = await here.store.audit.get(key)
        assert kept is not None
        assert kept.answer is not None
        around = repr(replace(kept.answer, sides=(), hidden=()))
        assert "laude" not in around
        assert any("As Claude, I see claude-opus-5-5" in side.head for side in answer.sides)
        assert "claude-opus-5-5" in answer.hidden
        _, answer = await compared(here, "why is claude-opus-5-5 slow?", "101.0")
        assert "As this model, I see claude-opus-5-5 (unverified) blame payment." in answer.head


@pytest.mark.parametrize(
    ("names", "policy", "pair"),
    [
        (("claude:c", "llama:l", "playbook"), {}, ("claude:c", "llama:l")),
        (("claude:c", "claude:d", "llama:l", "playbook"), {}, ("claude:c", "llama:l")),
        (("claude:c", "playbook"), {}, ("claude:c", "playbook")),
        (("claude:c", "playbook"), {"compare": ("claude:c", "claude:d")}, ("claude:c", "claude:d")),
        (("playbook",), {}, ("playbook",)),
        (
            ("claude:c", "llama:l", "playbook"),
            {"scopes": {"inc-checkout": Scope(in_house=True)}},
            ("llama:l", "playbook"),
        ),
        (("claude:c",), {"compare": ("claude:c", "llama:l"), "scopes": {"C1": Scope(in_house=True)}}, ("llama:l",)),
        (
            ("claude:c",),
            {"compare": ("claude:c", "llama:l"), "scopes": {"C1": Scope(models=("claude:d", "playbook"))}},
            ("claude:d", "playbook"),
        ),
    ],
)
async def test_which_two(names: tuple[str, ...], policy: dict[str, Any], pair: tuple[str, ...]) -> None:
    """As set; else the first two families of the route; a channel's own models and rules win."""
    cast = models(**{"claude:d": Said(GOOD)})
    async with house(cast, policy=route(*names, **policy)) as here:
        assert compare.pair(here.deps, await here.chat.channel("C1")) == pair


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (route("playbook"), "there is only playbook.\nName two in the settings"),
        (
            route("claude:c", compare=("claude:c", "claude:c"), scopes={"C1": Scope(in_house=True)}),
            "may leave the house",
        ),
        (route("claude:c", "llama:l", usd_per_day=0.0), "Today's $0 for models is spent"),
    ],
)
async def test_what_is_lacking_is_said(policy: Policy, said: str) -> None:
    """One clear sentence, no evidence gathered, no model asked, nothing to vote on."""
    cast = models()
    async with house(cast, policy=policy) as here:
        key, answer = await compared(here)
        assert said in answer.head
        assert answer.sides == ()
        assert await here.store.evidence.all(key) == ()
        assert cast["claude:c"].asked == cast["llama:l"].asked == []


async def test_one_that_fails_is_named_at_once() -> None:
    """There is nothing to vote on; the other's answer stands."""
    broken = Said("", "llama", fault=Fault("auth", "401"))
    async with house(models(**{"llama:l": broken}), policy=route("claude:c", "llama:l")) as here:
        _, answer = await compared(here)
        (bad,) = [side for side in answer.sides if side.fault]
        assert (bad.model, bad.fault, answer.revealed) == ("llama:l", "refused our key", True)
        assert any("payment fails" in side.head for side in answer.sides)


async def test_a_choice_of_environments_comes_first() -> None:
    """Two environments: buttons, and no model asked; picked, the key is another."""
    cast = models()
    async with house(cast, policy=route("claude:c", "llama:l"), envs=("eu", "us")) as here:
        key, answer = await compared(here)
        assert answer.choices == ("eu", "us")
        assert cast["claude:c"].asked == []
        again, answer = await compared(here, env="us")
        assert (again, answer.envs, len(answer.sides)) == (f"{key}:env=us", ("us",), 2)


async def test_a_crash_behind_every_step_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run cut behind each step goes on: one post, each side asked once at the most, the same two answers."""
    monkeypatch.setattr(frozen, "AGAIN", 0.0)
    policy = route("claude:c", "llama:l")
    async with house(models(), policy=policy) as first:
        key, whole = await compared(first)
        journal = first.engine.journals[key]
        for steps in range(len(journal)):
            cast = models()
            async with house(cast, policy=policy, journals={key: cut(journal, steps)}, like=first) as again:
                await again.deps.conversations.forget(Place("T1", "C1"), "100.0")
                _, answer = await compared(again)
            assert answer.sides == whole.sides
            assert len(again.replies.posts) == 1
            kept = sum(step.name.startswith("sides") for step in cut(journal, steps).values())
            assert len(cast["claude:c"].asked) + len(cast["llama:l"].asked) == 2 - kept


async def test_a_follow_up_knows_both_answers() -> None:
    """The thread's transcript holds both, and the evidence's numbering goes on."""
    cast: dict[str, Model] = models()
    async with house(cast, policy=route("claude:c", "llama:l")) as here:
        _, answer = await compared(here)
        await here.ask("and now?", "101.0", "100.0")
        one = cast["claude:c"]
        assert isinstance(one, Said)
        told = "\n".join(message.text for message in one.asked[-1].messages)
        assert "The mailer fails" in told
        assert "payment fails" in told
        before = {item.id for item in answer.evidence}
        assert before.isdisjoint(item.id for item in here.replies.finished[-1].evidence)


async def test_it_can_be_stopped_by_its_key() -> None:
    """It has a lane of its own, and its audit row says that it runs."""
    async with house(models(), policy=route("claude:c", "llama:l")) as here:
        key, _ = await compared(here)
        record = await here.store.audit.get(key)
        assert record is not None
        assert (record.state, record.question.command) == ("answered", "compare")
