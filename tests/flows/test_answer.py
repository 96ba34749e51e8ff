"""One question, from its acceptance to its answer."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.domain.events import Facts
from bot.domain.messages import Ask
from bot.domain.outcomes import Fault, Turn
from bot.domain.place import Channel, Said
from bot.domain.tools import Tool
from bot.engine.inline import cut
from bot.flows import answer, stop
from bot.flows.deps import Policy, Scope
from tests.agent.play import Scripted, said
from tests.flows.house import asked, house, until

GOOD = said(
    "payment fails: 35.3 % of its answers are errors [E2]\nSince 06:01 UTC; checkout suffers\nNext: its deploy\n\n"
    'Details [E1] [E2]\nCAUSE {"service": "payment", "signal": "error share", "since": "2026-11-24T06:01:00Z"}'
)


class Slow(Scripted):
    """Waits before it speaks."""

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """Speak after a while."""
        await asyncio.sleep(0.3)
        return await super().turn(ask, tools, show)


async def test_a_question_gets_one_checked_answer() -> None:
    """The answer carries cause, confidence by code, evidence and its numbers, and the audit and memory know it."""
    async with house({"m": Scripted([GOOD])}) as here:
        key = await here.ask("why is checkout slow?")
        (given,) = here.replies.finished
        assert given.cause is not None
        assert (given.cause.service, given.cause.confidence) == ("payment", "confirmed")
        assert [item.id for item in given.evidence] == ["E1", "E2"]
        assert given.numbers.total == given.numbers.backed > 0
        assert "CAUSE" not in given.head + given.body
        record = await here.deps.audit.get(key)
        assert record is not None
        assert record.state == "answered"


async def test_what_code_knows_is_shown_before_the_model_speaks() -> None:
    """Firing alerts and the biggest mover stand in the placeholder, in the asker's zone, with their evidence ids."""
    async with house({"m": Scripted([GOOD])}) as here:
        await here.ask("why?")
        *parts, facts = [event for event in here.replies.shown if isinstance(event, Facts)]
        assert len(parts) == 2
        assert all(part.text in facts.text for part in parts)
        assert "1 firing since 07:01 CET: HighErrorRate payment [E1]" in facts.text
        assert "Biggest mover: payment error share since 07:01 CET [E2]" in facts.text


async def test_the_same_message_twice_is_one_answer() -> None:
    """Slack may deliver an event as often as it likes."""
    async with house({"m": Scripted([GOOD])}) as here:
        assert await answer.request(here.engine, asked("why?"))
        assert not await answer.request(here.engine, asked("why?"))
        await here.engine.drained()
        assert len(here.replies.finished) == len(here.replies.posts) == 1


async def test_a_crash_behind_any_step_gives_the_same_answer_once() -> None:
    """A run cut behind each of its steps goes on, asks no model again that had answered, and posts once."""
    async with house({"m": Scripted([GOOD])}) as first:
        key = await first.ask("why?", accepted=1.0)
        journal = first.engine.journals[key]
        whole = first.replies.finished[0]
        for steps in range(len(journal)):
            model = Scripted([GOOD])
            async with house({"m": model}, journals={key: cut(journal, steps)}, like=first) as again:
                await again.deps.conversations.forget(asked("why?").place, "100.0")  # it had not been remembered yet
                await again.ask("why?", accepted=1.0)
                given = again.replies.finished[-1]
                assert replace(given, seconds=0, written=0, window=None) == replace(
                    whole, seconds=0, written=0, window=None
                )
                assert len(again.replies.posts) == 1
                assert len(model.asked) == (0 if steps > len(journal) - 2 else 1)


async def test_a_follow_up_continues_the_thread() -> None:
    """The second question of a thread sees the first, its evidence ids go on, and it looks again."""
    async with house({"m": Scripted([GOOD, said("It is over.\n\n[E3]\nCAUSE null")])}) as here:
        await here.ask("why?", "100.0")
        await here.ask("and now?", "101.0", "100.0")
        assert [item.id for item in here.replies.finished[1].evidence] == ["E3", "E4"]
        model = here.deps.models.get("m")
        assert isinstance(model, Scripted)
        assert "35.3 % of its answers" in model.asked[1].messages[1].text


async def test_two_incidents_in_one_channel_do_not_mix() -> None:
    """Evidence ids belong to a thread; another thread's head is told as data without its ids."""
    async with house({"m": Scripted([GOOD])}) as here:
        await here.ask("why is checkout slow?", "100.0")
        await here.ask("why is search slow?", "200.0")
        assert [item.id for item in here.replies.finished[1].evidence] == ["E1", "E2"]
        model = here.deps.models.get("m")
        assert isinstance(model, Scripted)
        text = model.asked[1].messages[0].text
        assert "earlier_in_this_incident" in text
        assert "errors [E2]" not in text


async def test_an_unbacked_number_is_marked() -> None:
    """A number that no evidence holds is counted and marked in the answer."""
    async with house({"m": Scripted([said("payment fails 77.7 % of requests [E1]\n\nsee [E9]\nCAUSE null")])}) as here:
        await here.ask("why?")
        (given,) = here.replies.finished
        assert given.numbers.unbacked == ("77.7 %",) or "77.7" in "".join(given.numbers.unbacked)
        assert "unverified" in given.head
        assert any("E9" in gap for gap in given.missing)


async def test_several_environments_need_a_choice() -> None:
    """A question that fits two environments gets buttons, nothing is queried, and a choice answers it."""
    async with house({"m": Scripted([GOOD])}, envs=("prod", "staging")) as here:
        key = await here.ask("why?", "100.0")
        assert here.replies.finished[0].choices == ("prod", "staging")
        assert await here.deps.evidence.all(key) == ()
        await here.ask("why?", "100.0", env="staging")
        assert "prom-staging" in here.replies.finished[1].evidence[0].source
        assert "prom-prod" not in here.replies.finished[1].evidence[0].source


@pytest.mark.parametrize("text", ["why is staging slow?", "what about Staging"])
async def test_a_named_environment_needs_no_choice(text: str) -> None:
    """The environment in the question's own words is taken."""
    async with house({"m": Scripted([GOOD])}, envs=("prod", "staging")) as here:
        await here.ask(text)
        assert here.replies.finished[0].envs == ("staging",)


async def test_a_channel_tied_to_an_environment_needs_no_choice() -> None:
    """The channel's settings decide."""
    policy = Policy(models=("m",), scopes={"inc-checkout": Scope(envs=("prod",))})
    async with house({"m": Scripted([GOOD])}, envs=("prod", "staging"), policy=policy) as here:
        await here.ask("why?")
        assert here.replies.finished[0].envs == ("prod",)


async def test_a_spent_day_is_answered_by_the_playbook() -> None:
    """Beyond the day's money no model is asked, and at 80 % the configured channel is told once."""
    policy = Policy(models=("m", "playbook"), usd_per_day=0.01, money_channel="C9")
    rich, plain = Scripted([GOOD]), Scripted([said("facts only\n\nCAUSE null")])
    async with house({"m": rich, "playbook": plain}, policy=policy) as here:
        await here.ask("why?", "100.0")
        await here.ask("why?", "200.0")
        assert (len(rich.asked), len(plain.asked)) == (1, 1)
        assert [place.channel for place, _ in here.chat.notes] == ["C9"]


async def test_a_follow_up_is_answered_only_where_asked_for() -> None:
    """A message without a mention gets nothing outside incident channels and direct messages."""
    async with house({"m": Scripted([GOOD])}) as here:
        here.chat.channels = {"C1": Channel("C1", "general")}
        await here.ask("why?", "101.0", "100.0", way="follow_up")
        assert here.replies.posts == []


async def test_an_alert_in_the_thread_is_the_subject() -> None:
    """What another bot posted at the root is given as data."""
    async with house({"m": Scripted([GOOD])}) as here:
        here.chat.threads["100.0"] = (Said("100.0", "", "[FIRING:1] HighLatency search", bot="Alertmanager"),)
        await here.ask("what is this?", "101.0", "100.0")
        model = here.deps.models.get("m")
        assert isinstance(model, Scripted)
        assert '"alert_or_message_asked_about": "[FIRING:1] HighLatency search"' in model.asked[0].messages[0].text


async def test_an_error_reaches_the_thread_in_one_sentence() -> None:
    """A flow that breaks says so, with a trace, and the audit knows."""

    class Broken(Scripted):
        async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
            raise RuntimeError("boom")

    async with house({"m": Broken([GOOD])}) as here:
        key = await here.ask("why?")
        (failure,) = here.replies.failed
        assert failure.text.count(".") <= 2
        assert failure.trace
        record = await here.deps.audit.get(key)
        assert record is not None
        assert record.state == "failed"


async def test_stop_ends_a_running_investigation() -> None:
    """The post says who stopped it; a stop of something that is over does nothing."""
    async with house({"m": Slow([GOOD])}) as here:
        question = asked("why?")
        await answer.request(here.engine, question)
        await until(lambda: here.replies.posts)
        assert await stop.request(here.engine, question.place.lane, "", "U2")
        await here.engine.drained()
        assert "<@U2>" in here.replies.failed[0].text
        assert here.replies.finished == []
        assert not await stop.request(here.engine, question.place.lane, "", "U2")
