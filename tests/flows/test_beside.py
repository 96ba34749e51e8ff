"""Commands: one look, one answer, in a lane of their own."""

from dataclasses import replace
from typing import Annotated, Any

from bot.domain.answers import Answer
from bot.domain.errors import SourceDown
from bot.domain.evidence import Found
from bot.domain.place import Place
from bot.domain.tools import Desk, tool
from bot.flows import answer, beside
from bot.flows.deps import Policy, Scope
from tests.agent.play import Scripted
from tests.flows.house import CHANNEL, TEAM, PlayedHouse, alerts, asked, house, until
from tests.flows.test_answer import GOOD, Slow


@tool(role="signals", need="any")
async def signals(desk: Desk, service: Annotated[str, "a service"] = "") -> Found:
    """A service's golden signals."""
    envs = " and ".join(instance.env for instance in desk.sources.instances)
    return Found(f"{service or 'every service'} in {envs}: 35.3 % errors\nlatency 2.1 s", "prom", "q")


@tool(role="alerts", need="any")
async def broken(desk: Desk) -> Found:
    """A source that does not answer."""
    raise SourceDown("prom-prod did not answer within 5 s\nIs it up?")


async def command(here: PlayedHouse, name: str, text: str = "", **more: Any) -> Answer:
    """Give a command, wait, and take its answer."""
    question = replace(asked(text, ts=f"{300 + len(here.replies.finished)}.0"), way="command", command=name, **more)
    assert await beside.request(here.engine, question)
    await here.engine.drained()
    return here.replies.finished[-1]


async def test_alerts_are_listed_with_their_evidence() -> None:
    """The first line is the head, the source stands in the evidence, no model is used, and the zone is the asker's."""
    async with house({}, tools=(alerts,)) as here:
        given = await command(here, "alerts")
        assert given.head.startswith("HighErrorRate payment fires")
        assert ([item.id for item in given.evidence], given.model) == (["E1"], "no model")
        assert (given.zone, given.envs) == ("Europe/Berlin", ("prod",))
        assert here.replies.posts == ["Looking: alerts "]


async def test_metrics_of_a_service() -> None:
    """The service is handed to the tool, the rest of what it said is the body."""
    async with house({}, tools=(signals,)) as here:
        given = await command(here, "metrics", "payment")
        assert given.head == "payment in prod: 35.3 % errors"
        assert given.body.endswith("latency 2.1 s")
        assert (await command(here, "metrics")).head.startswith("every service")


async def test_a_source_that_is_down_is_said() -> None:
    """Not known, and why; nothing is cited."""
    async with house({}, tools=(broken,)) as here:
        given = await command(here, "alerts")
        assert given.head.startswith("Not known: ")
        assert "prom-prod did not answer within 5 s" in given.head + given.body
        assert given.evidence == ()


async def test_without_a_source_for_it() -> None:
    """The remedy is named, instead of an empty list that looks like good news."""
    async with house({}, tools=(signals,)) as here:
        assert "No source serves alerts here" in (await command(here, "alerts")).head
    async with house({}, tools=(alerts,), envs=()) as here:
        assert "`nightjar doctor`" in (await command(here, "alerts")).head


async def test_several_environments_need_a_choice() -> None:
    """No query crosses environments unasked; a choice or a channel's own environment settles it."""
    async with house({}, tools=(signals,), envs=("prod", "staging")) as here:
        assert (await command(here, "metrics", "payment")).choices == ("prod", "staging")
        picked = await command(here, "metrics", "payment", env="staging")
        assert (picked.head, picked.envs) == ("payment in staging: 35.3 % errors", ("staging",))
    policy = Policy(scopes={"inc-checkout": Scope(envs=("prod",))})
    async with house({}, tools=(signals,), envs=("prod", "staging"), policy=policy) as here:
        assert (await command(here, "metrics", "payment")).head.startswith("payment in prod:")


async def test_status_says_what_runs_and_what_was_answered() -> None:
    """While an investigation runs it does not wait for it; afterwards its head is listed."""
    async with house({"m": Slow([GOOD])}) as here:
        question = asked("why is checkout slow?")
        await answer.request(here.engine, question)
        await until(lambda: here.replies.posts)
        status = replace(asked("", ts="301.0", thread="100.0"), way="command", command="status")
        await beside.request(here.engine, status)
        await until(lambda: here.replies.finished)
        assert here.replies.finished[0].head == "1 under way here."
        assert "“why is checkout slow?”: running" in here.replies.finished[0].body
        await here.engine.drained()
        again = await command(here, "status")
        assert again.head == "Nothing is running here."
        assert "payment fails: 35.3 %" in again.body


async def test_the_same_command_twice_is_one_answer() -> None:
    """Slack may deliver a command again; it is known by its place and time."""
    async with house({}, tools=(alerts,)) as here:
        question = replace(asked("", ts="1.0"), command="alerts")
        assert await beside.request(here.engine, question)
        assert not await beside.request(here.engine, question)
        await here.engine.drained()
        assert len(here.replies.finished) == 1


async def test_a_command_is_in_the_audit_and_opens_its_own_thread() -> None:
    """Its buttons find the question, and outside a thread its placeholder becomes the root."""
    async with house({"m": Scripted([GOOD])}, tools=(alerts,)) as here:
        question = replace(asked("", ts="1.0"), place=Place(TEAM, CHANNEL), command="alerts")
        await beside.request(here.engine, question)
        await here.engine.drained()
        record = await here.deps.audit.get(f"cmd:{TEAM}:{CHANNEL}:1.0")
        assert record is not None
        assert (record.state, record.question.command, record.posted is not None) == ("answered", "alerts", True)
