"""The draft of a post-mortem: code's head and timeline, a model's text, every figure looked up, disputes shown."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from bot.domain.answers import Answer
from bot.domain.evidence import Found
from bot.domain.messages import ModelFacts
from bot.domain.outcomes import Fault
from bot.domain.place import Place
from bot.domain.ports import Model
from bot.domain.tools import Desk, tool
from bot.flows import dispute, postmortem
from bot.flows.deps import Policy, Scope
from bot.flows.dispute import Disputed
from bot.llm.playbook import Playbook
from tests.flows.house import CHANNEL, TEAM, PlayedHouse, asked, house, movers
from tests.flows.test_compare import Said

TEXT = "## Summary\n35.3 % of payment's answers failed [E1], 77 % of its mails went [E9].\n\n## Follow-ups\n- Alert."
PLACE = Place(TEAM, CHANNEL, "100.0")


async def drafted(play: PlayedHouse, ts: str = "300.0", thread: str = "100.0") -> Answer:
    """Ask for it in the thread, and wait."""
    await postmortem.request(play.engine, asked("", ts, thread))
    await play.engine.drained()
    return play.replies.finished[-1]


def models(**more: Any) -> dict[str, Model]:
    """A model that writes the draft, and the playbook."""
    return {"claude:writer": Said(TEXT, **more), "playbook": Playbook()}


def by_rules() -> Policy:
    """Questions are answered by the playbook, the draft is written by the model."""
    return Policy(models=("playbook",), route={"post-mortem": ("claude:writer",)})


async def test_a_model_writes_and_code_frames_it() -> None:
    """Head, timeline and figures are code's; what is not in the evidence is marked, an unknown id is told."""
    written = models()
    async with house(written, policy=by_rules()) as play:
        await play.ask("why does payment fail?")
        draft = await drafted(play)
        first, second, third = draft.head.splitlines()
        assert first.startswith("Draft of a post-mortem: payment, error share")
        assert first.endswith("(confirmed).")
        assert second == "Since 07:01 CET; no answer saw it end."
        assert third == "From 1 question. Next: read it, correct it, and decide on the follow-ups."
        assert "77 % (unverified)" in draft.body
        assert "35.3 % of" in draft.body
        assert re.search(r"\n\n## Timeline \(CET\)\n- .*07:01 payment: error share \[E2\]\n", draft.body)
        assert "Asked: “why does payment fail?”" in draft.body
        assert "cited but unknown: E9" in draft.missing
        assert (draft.open, draft.model, draft.charts) == (True, "claude:writer", ())
        assert "## Disputed" not in draft.body
        (told,) = written["claude:writer"].asked  # type: ignore[attr-defined]
        assert "blameless post-mortem" in told.system
        assert "HighErrorRate payment fires" in told.messages[0].text


async def test_a_disputed_answer_is_called_disputed() -> None:
    """In head, timeline and a list of its own, and the model is told."""
    written = models()
    async with house(written, policy=by_rules()) as play:
        key = await play.ask("why does payment fail?")
        await dispute.request(play.engine, Disputed(key, "U2", "it was the mailer"), "1")
        await play.engine.drained()
        draft = await drafted(play)
        assert draft.head.splitlines()[0].endswith("(disputed).")
        assert "From 1 question, 1 disputed." in draft.head
        assert "(disputed)" in draft.body
        assert "## Disputed\n- “payment" in draft.body
        assert draft.body.endswith("”: it was the mailer")
        (told,) = written["claude:writer"].asked  # type: ignore[attr-defined]
        assert "it was the mailer" in told.messages[0].text


async def test_an_answer_nobody_disputes_is_preferred() -> None:
    """Of two with a cause the one that stands."""
    async with house(models(), policy=by_rules()) as play:
        key = await play.ask("why does payment fail?")
        await play.ask("and now?", "200.0", "100.0")
        await dispute.request(play.engine, Disputed(key, "U2", "no"), "1")
        await play.engine.drained()
        draft = await drafted(play)
        assert draft.head.splitlines()[0].endswith("(confirmed).")
        assert "From 2 questions, 1 disputed." in draft.head


@pytest.mark.parametrize("how", ["none", "fault", "broke", "in-house"])
async def test_without_a_model_the_last_answer_stands_in_its_place(how: str) -> None:
    """No model, one that fails, no money, or none that may read this: the facts are there all the same."""
    fault = Fault("overloaded", "529", retry_after=60) if how == "fault" else None
    policy = by_rules()
    if how == "none":
        policy = Policy(models=("playbook",))
    if how == "broke":
        policy = Policy(models=("playbook",), route=policy.route, usd_per_day=0.0)
    if how == "in-house":
        policy = Policy(models=("playbook",), route=policy.route, scopes={CHANNEL: Scope(in_house=True)})
    async with house(written := models(fault=fault), policy=policy) as play:
        await play.ask("why does payment fail?")
        draft = await drafted(play)
        assert draft.model == "playbook"
        assert draft.body.startswith("## Summary\npayment is unhealthy")
        assert "(unverified)" not in draft.body
        assert "## Timeline" in draft.body
        assert bool(draft.handed) == (how in ("fault", "broke"))
        assert len(written["claude:writer"].asked) == (1 if how == "fault" else 0)  # type: ignore[attr-defined]


async def test_where_nothing_was_answered_it_says_so() -> None:
    """Nor does any model get asked; other threads and commands do not count."""
    async with house(written := models(), policy=by_rules()) as play:
        await play.ask("why does payment fail?")
        draft = await drafted(play, "400.0", "350.0")
        assert draft.head == postmortem.NOTHING
        first = await drafted(play)
        again = await drafted(play, "500.0")
        assert first.head == again.head
        assert len(written["claude:writer"].asked) == 2  # type: ignore[attr-defined]


async def test_the_same_message_asks_once() -> None:
    """A redelivery is known."""
    async with house(models(), policy=by_rules()) as play:
        assert await postmortem.request(play.engine, asked("", "300.0", "100.0"))
        assert not await postmortem.request(play.engine, asked("", "300.0", "100.0"))
        await play.engine.drained()


async def test_evidence_is_cut_until_the_model_can_hold_it() -> None:
    """The smaller its window the shorter each piece; nothing is left out whole."""

    @tool(role="alerts", need="any")
    async def alerts(desk: Desk) -> Found:
        """Much."""
        return Found("much " * 1_000, "prom", "")

    @dataclass
    class Small(Said):
        @property
        def facts(self) -> ModelFacts:
            return ModelFacts("claude", "small", context_tokens=2_000)

    seen = []
    for writer in (Said(TEXT), Small(TEXT)):
        played: dict[str, Model] = {"claude:writer": writer, "playbook": Playbook()}
        async with house(played, policy=by_rules(), tools=(alerts, movers)) as play:
            await play.ask("why does payment fail?")
            await drafted(play)
            seen.append(writer.asked[0].messages[0].text)
    assert [text.count("much") for text in seen] == [800, 400]
    assert all("Evidence E2 (movers):" in text for text in seen)
