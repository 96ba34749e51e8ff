"""Which stretch of time and which environments a question is about, and what the day's money allows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.answers import Answer
from bot.domain.evidence import Found
from bot.domain.investigations import Record
from bot.domain.messages import Usage
from bot.domain.place import Channel, Said
from bot.domain.tools import Desk, Tool, tool
from bot.domain.window import Window
from bot.flows import context
from bot.flows.deps import Policy, Scope
from tests.agent.play import Scripted, said
from tests.flows.house import PlayedHouse, asked, house

NOTHING = said("Nothing is wrong.\n\nCAUSE null")
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> str:
    """A time as facts carry it."""
    return (NOW - timedelta(minutes=minutes)).isoformat()


def watching(seen: list[Desk], alerts: Sequence[dict[str, Any]] = (), changes: Sequence[dict[str, Any]] = ()) -> Any:
    """Tools that tell these facts; the one for movers notes the desk it was given."""

    async def tell_alerts(desk: Desk) -> Found:
        """What fires."""
        return Found("alerts", "prom", "q", facts={"alerts": list(alerts)})

    async def tell_changes(desk: Desk) -> Found:
        """What changed."""
        return Found("changes", "prom", "q", facts={"changes": list(changes)})

    async def movers(desk: Desk) -> Found:
        """What moved."""
        seen.append(desk)
        return Found("movers", "prom", "q", facts={"movers": []})

    made: tuple[Tool, ...] = (
        tool(role="alerts", need="any")(tell_alerts),
        tool(role="changes", need="any")(tell_changes),
        tool(role="movers", need="any")(movers),
    )
    return made


def alert(name: str, since: str, state: str = "active") -> dict[str, Any]:
    """An alert as the alerts tool tells it."""
    return {"name": name, "service": "cart", "state": state, "since": since}


async def windows(*questions: str, thread: str = "", **facts: Any) -> list[Window]:
    """The windows in which the questions of one thread were looked into, one for each."""
    seen: list[Desk] = []
    async with house({"m": Scripted([NOTHING])}, tools=watching(seen, **facts)) as here:
        if thread:
            here.chat.threads["100.0"] = (Said("100.0", "", thread, bot="Alertmanager"),)
        for number, question in enumerate(questions):
            await here.ask(question, ts=f"{101 + number}.0", thread="100.0")
    return [desk.window for desk in seen]


DEPLOYS = [
    {"at": ago(600), "kind": "deploy", "what": "cart v1 → v2", "service": "cart"},
    {"at": ago(40), "kind": "deploy", "what": "cart v2 → v3", "service": "cart"},
    {"at": ago(20), "kind": "annotation", "what": "lunch", "service": ""},
]


async def test_since_the_deploy_begins_at_the_last_one() -> None:
    """Code finds it; other changes do not count; the asker's words are kept."""
    (window,) = await windows("what broke since the deploy?", changes=DEPLOYS)
    assert (window.start.isoformat(), window.said) == (ago(40), "since the deploy")


ALERTS = [
    alert("HighErrorRate", ago(30)),
    alert("HighLatency", ago(50)),
    alert("DiskFull", ago(900), "resolved"),
    alert("QueueLong", ago(3), "pending"),
]


async def test_since_the_alert_begins_at_the_first_that_fires() -> None:
    """What is over or pending does not count while something fires."""
    (window,) = await windows("what changed since the alert?", alerts=ALERTS)
    assert window.start.isoformat() == ago(50)


async def test_the_threads_own_alert_is_the_one_that_is_meant() -> None:
    """Others may fire longer."""
    (window,) = await windows("what changed since the alert?", thread="[FIRING:1] HighErrorRate cart", alerts=ALERTS)
    assert window.start.isoformat() == ago(30)


async def test_an_alert_that_is_over_is_an_anchor_too() -> None:
    """The last one, when nothing fires any more."""
    over = [alert("HighLatency", ago(70), "resolved"), alert("DiskFull", ago(900), "resolved")]
    (window,) = await windows("what changed since the alert?", alerts=over)
    assert window.start.isoformat() == ago(70)


async def test_an_anchor_that_is_not_found_is_said() -> None:
    """The last hour is taken, and the words say why."""
    (window,) = await windows("what broke since the deploy?")
    assert window.seconds == 3_600
    assert window.said == "since the deploy (not found: last hour)"


async def test_an_anchor_of_a_moment_ago_leaves_five_minutes() -> None:
    """Less than that shows nothing."""
    moment = (datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    (window,) = await windows("what broke since the deploy?", changes=[{**DEPLOYS[0], "at": moment}])
    assert window.seconds == 300


async def test_a_follow_up_changes_only_what_it_names() -> None:
    """Without time words the window stays; with them it moves; a new question begins anew with an hour."""
    first, same, moved = await windows(
        "why was cart slow in the last 3 hours?", "and search?", "and the last 10 minutes?"
    )
    assert [round(window.seconds) for window in (first, same, moved)] == [10_800, 10_800, 600]
    assert [round(window.seconds) for window in await windows("why is cart slow?")] == [3_600]


async def envs(here: PlayedHouse, text: str, ts: str = "100.0", **more: Any) -> tuple[str, ...]:
    """The environments of the next answer."""
    await here.ask(text, ts=ts, thread="100.0", **more)
    return here.replies.finished[-1].envs


@pytest.mark.parametrize(
    ("text", "named"),
    [("why is it slow in staging?", "staging"), ("cart is slow in Prod.", "prod"), ("eu-1.prod-2 is slow", "")],
)
async def test_an_environment_is_named_by_a_whole_word(text: str, named: str) -> None:
    """In any case and before any punctuation, but not as a part of another name."""
    async with house({"m": Scripted([NOTHING])}, envs=("prod", "staging")) as here:
        assert await envs(here, text) == ((named,) if named else ("prod", "staging"))
        assert bool(here.replies.finished[0].choices) is not bool(named)


async def test_a_channels_environments_are_not_left() -> None:
    """An environment the channel is not tied to is not reached by naming it, and its services come along."""
    policy = Policy(models=("m",), scopes={"inc-checkout": Scope(envs=("prod",), services=("cart",))})
    seen: list[Desk] = []
    async with house({"m": Scripted([NOTHING])}, envs=("prod", "staging"), policy=policy, tools=watching(seen)) as here:
        assert await envs(here, "why is staging slow?") == ("prod",)
        assert (seen[0].services, seen[0].sources.envs) == (("cart",), ("prod",))


async def test_the_money_warning_comes_once_a_day_at_80_percent() -> None:
    """Below it nobody is told; yesterday's money does not count; without a channel nothing is said."""
    policy = Policy(usd_per_day=10.0, money_channel="C9")
    async with house({}, policy=policy) as here:
        for number, (cost, day, told) in enumerate([(9.0, 1, 0), (7.9, 0, 0), (0.2, 0, 1), (5.0, 0, 1)]):
            spent = Answer("x", usage=Usage(cost_usd=cost))
            begun = here.deps.clock.now() - timedelta(days=day)
            await here.deps.audit.put(Record(f"k{number}", asked("x"), "answered", begun, answer=spent))
            await context.warn_of_money(here.deps)
            assert len(here.chat.notes) == told
        assert here.chat.notes[0][0].channel == "C9"
        assert "80 % of today's $10" in here.chat.notes[0][1]
    async with house({}, policy=Policy(usd_per_day=0.0)) as here:
        await context.warn_of_money(here.deps)
        assert here.chat.notes == []


def test_a_channel_without_a_name_may_be_one_that_stays_in_house() -> None:
    """Slack did not tell it: what is set by name must not be lost by that."""
    policy = Policy(scopes={"inc-bank": Scope(in_house=True), "inc-web": Scope(envs=("prod",))})
    assert policy.scope(Channel("C1")) == Scope(in_house=True)
    assert policy.scope(Channel("C1", "general")) == Scope()
    assert policy.scope(Channel("D1", direct=True)) == Scope()
    assert Policy(scopes={"inc-web": Scope(envs=("prod",))}).scope(Channel("C1")) == Scope()


@pytest.mark.parametrize("text", ["is it over?", "will anything run full soon?", "what breaks next?", "and now?"])
async def test_what_is_asked_of_the_present_leaves_the_earlier_window(text: str) -> None:
    """Whatever stretch the thread looked at before; what happened next is asked of that stretch."""
    earlier, now = await windows("why was cart slow 2 hours ago?", text)
    assert earlier.end < NOW - timedelta(minutes=30)
    assert now.end >= NOW
    assert now.seconds == 3_600
    (_, then) = await windows("why was cart slow 2 hours ago?", "what happened next?")
    assert then.end < NOW - timedelta(minutes=30)
