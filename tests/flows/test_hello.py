"""The greeting, and what is said of keeping."""

from bot.domain.place import Channel, Place
from bot.flows import hello
from bot.flows.deps import Policy, Scope
from tests.flows.house import CHANNEL, TEAM, house


async def said(policy: Policy, *, times: int = 1, channel: str = "inc-checkout") -> list[str]:
    """The notes in a channel that was joined so many times."""
    async with house({}, policy=policy, envs=("prod", "staging")) as here:
        here.chat.channels = {CHANNEL: Channel(CHANNEL, channel)}
        for _ in range(times):
            await hello.request(here.engine, TEAM, CHANNEL)
            await here.engine.drained()
        assert {place.channel for place, _ in here.chat.notes} <= {CHANNEL}
        return [text for _, text in here.chat.notes]


async def test_it_says_what_it_sees_and_how_to_ask() -> None:
    """Every source with its kind and environment, and both ways to ask."""
    (text,) = await said(Policy())
    assert "prom-prod (prometheus, prod)" in text
    assert "prom-staging (prometheus, staging)" in text
    assert "@nightjar" in text
    assert "/oncall help" in text
    assert "only when asked" in text


async def test_it_is_said_once() -> None:
    """However often the channel is joined or Slack says so."""
    assert len(await said(Policy(), times=3)) == 1


async def test_elsewhere_it_is_silent() -> None:
    """Only channels that are an incident, by pattern or by list, are greeted."""
    assert await said(Policy(), channel="general") == []
    assert len(await said(Policy(listed=("general",)), channel="general")) == 1


async def test_a_channels_own_environments_are_named_and_what_is_kept() -> None:
    """A channel tied to an environment hears of its sources only; keeping its history is said where it is done."""
    policy = Policy(scopes={"inc-checkout": Scope(envs=("staging",), keep_days=30)})
    (text,) = await said(policy)
    assert "prom-staging" in text
    assert "prom-prod" not in text
    assert "for 30 days" in text


async def test_without_a_source_it_says_so() -> None:
    """Nobody waits for answers that cannot come."""
    async with house({}, envs=()) as here:
        await hello.request(here.engine, TEAM, CHANNEL)
        await here.engine.drained()
        assert "no source yet; `nightjar doctor`" in here.chat.notes[0][1]


async def test_keeping_is_said_once_for_so_many_days() -> None:
    """The greeting counts as having said it; another number of days is said again."""
    async with house({}, policy=Policy(scopes={CHANNEL: Scope(keep_days=7)})) as here:
        await hello.request(here.engine, TEAM, CHANNEL)
        await here.engine.drained()
        for days in (7, 7, 9, 9):
            await hello.say_keeping(here.deps, Place(TEAM, CHANNEL), days)
        assert ["for 7 days" in text for _, text in here.chat.notes] == [True, False]
        assert "for 9 days" in here.chat.notes[-1][1]
