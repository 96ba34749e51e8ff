"""What was written while nobody listened is taken afterwards, once; what is old is offered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.domain.errors import ReplyError
from bot.domain.investigations import Question, Record
from bot.domain.place import Place
from bot.slack import app, catchup, offer, socket
from bot.slack.client import open_client
from bot.slack.posting import Content, mark_of, post_once
from bot.store.memory import open_memory
from bot.store.repositories import Store
from tests.slack.house import Engine, House, _serve, build, settings_of

ROOM = "inc-checkout"
WHY = "@nightjar why is checkout slow?"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become hundredths."""
    for module, name, value in (
        (catchup, "SAVE_SECONDS", 0.05),
        (catchup, "LEFT_OUT_SECONDS", 0.2),
        (catchup, "MISSED_SECONDS", 0.05),
        (catchup, "FIRST_WAIT", 0.05),
        (offer, "GRACE", 0.1),
        (socket, "FIRST_WAIT", 0.05),
        (socket, "LONGEST_WAIT", 0.2),
        (app, "FIRST_WAIT", 0.05),
        (app, "START_SECONDS", 0.5),
    ):
        monkeypatch.setattr(module, name, value)


@dataclass
class Time:
    """The sandbox's time, so many seconds from the real one."""

    off: float = 0.0

    def now(self) -> float:
        return time.time() + self.off


@dataclass
class World:
    """A Slack, and what a bot keeps from one start to the next."""

    slack: Sandbox
    time: Time
    transport: Any
    store: Store = field(default_factory=open_memory)
    engine: Engine = field(default_factory=Engine)

    @asynccontextmanager
    async def bot(self, store: Store | None = None) -> AsyncIterator[House]:
        """The bot from its start to its end; it has looked for what it missed when the block begins."""
        client = open_client(settings_of(self.slack, transport=self.transport))
        house = build(self.slack, client, store=store or self.store, engine=self.engine)
        await self.slack.tell(True)
        runs = asyncio.create_task(_serve(house) if self.transport == "http" else house.app.run_socket())
        try:
            await settled(house)
            yield house
        finally:
            await house.said()
            await house.app.close()
            await house.replies.close()
            await asyncio.gather(runs, return_exceptions=True)
            await self.slack.tell(False)
            await client.close()

    async def say(self, text: str = WHY, channel: str = ROOM, ago: float = 0.0, **more: Any) -> Json:
        """Somebody wrote, so many seconds ago."""
        self.time.off = -ago
        said = await self.slack.say(channel, text, **more)
        self.time.off = 0.0
        return said

    def asked(self) -> list[str]:
        """The ts of all questions that were accepted."""
        return [question.ts for question in self.engine.questions()]

    def offers(self, channel: str = ROOM) -> list[Json]:
        """Offers that stand in a channel."""
        messages = [
            m.to_json() | {"channel": m.channel} for m in self.slack.workspace.channel(channel).messages.values()
        ]
        return [message for message in messages if (mark_of(message) or ("", ""))[1] == offer.PART]


async def settled(house: House) -> None:
    """Until nothing is due and the mark is written."""
    gaps = house.app.gaps
    async with asyncio.timeout(10):
        while gaps._due or not gaps._newest or gaps._saved != gaps._newest:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    await house.said()


@pytest.fixture(params=["socket", "http"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A Slack in which the bot was on before, and heard something."""
    told = Time()
    async with Sandbox(now=told.now, retry_delays=(0.0, 0.05, 0.05), ack_timeout=1.0) as slack:
        found = World(slack, told, request.param)
        told.off = -3600.0
        async with found.bot():
            await slack.say(ROOM, "nothing for the bot")
        await found.store.notes.put(f"heard-up-to:{slack.team_id}", f"{told.now():.6f}", replace=True)
        told.off = 0.0
        yield found


async def ten(world: World) -> tuple[list[str], Json]:
    """Ten messages for the bot while it is off: what must be accepted, and the one that is too old."""
    root = await world.say("checkout looks slow", ago=1800)
    old = await world.say(ago=1200)
    first = await world.say(ago=600)
    inside = await world.say(thread_ts=root["ts"], ago=500)
    direct = await world.say("what about cart?", channel="@nightjar", ago=400)
    edited = await world.say(ago=300)
    await world.slack.edit(ROOM, edited["ts"], "@nightjar why is cart slow?")
    gone = await world.say(ago=200)
    await world.slack.delete(ROOM, gone["ts"])
    more = [await world.say(user="sam", ago=number) for number in (90, 60, 30, 10)]
    return [said["ts"] for said in (first, inside, direct, edited, *more)], old


async def test_all_that_was_asked_meanwhile_is_taken_once(world: World) -> None:
    """Roots, replies, a direct message and an edited one are accepted, in two starts once."""
    wanted, old = await ten(world)
    for _ in range(2):
        async with world.bot():
            assert sorted(world.asked()) == sorted(wanted)
            assert [message["thread_ts"] for message in world.offers()] == [old["ts"]]
    texts = [question.text for question in world.engine.questions()]
    assert texts.count("why is cart slow?") == 1


async def test_an_old_question_is_answered_when_somebody_presses(world: World) -> None:
    """With its own words, place and ts, accepted now; pressed twice it is one question."""
    old = await world.say(ago=1200, user="sam")
    async with world.bot() as house:
        (offered,) = world.offers()
        await asyncio.gather(*(world.slack.press(offered, "answer_now", user=user) for user in ("mira", "sam")))
        await house.said()
        (question,) = world.engine.questions()
        assert (question.ts, question.asker, question.text) == (old["ts"], old["user"], "why is checkout slow?")
        assert question.place.thread == old["ts"]
        assert abs(question.accepted - time.time()) < 30
        assert "answer_now" not in str(world.offers()[0])


async def test_a_question_too_long_for_a_button_is_read_again(world: World) -> None:
    """Its words come from Slack after the press; when they are gone, the one who pressed is told."""
    words = "why is it slow? " * 200
    kept = await world.say(f"@nightjar {words}", ago=1300)
    lost = await world.say(f"@nightjar {words}", ago=1200, thread_ts=kept["ts"])
    async with world.bot() as house:
        first, second = world.offers()
        await world.slack.delete(ROOM, lost["ts"])
        await world.slack.press(first, "answer_now")
        await world.slack.press(second, "answer_now")
        await house.said()
        assert [(q.ts, q.text) for q in world.engine.questions()] == [(kept["ts"], words.strip())]
        assert any("no longer read" in message["text"] for message in world.slack.ephemeral())


async def test_an_offered_question_keeps_its_picture(world: World) -> None:
    """A button holds no files: message and files are read again after the press."""
    await world.say(ago=1300, files=[{"name": "a.png", "content": ""}])
    async with world.bot() as house:
        await world.slack.press(world.offers()[0], "answer_now")
        await house.said()
        (question,) = world.engine.questions()
        assert (question.text, [file.name for file in question.files]) == (WHY.removeprefix("@nightjar "), ["a.png"])


async def test_what_was_answered_is_not_offered(world: World) -> None:
    """By the audit, or, when the databases are older than the thread, by the answer that stands there."""
    team, client = world.slack.team_id, open_client(settings_of(world.slack))
    for said, audited in ((await world.say(ago=1300), True), (await world.say(ago=1200), False)):
        place = Place(team, said["channel"], said["ts"])
        question, key = Question(place, "why?", said["user"], said["ts"]), f"ans:{team}:{place.channel}:{said['ts']}"
        if audited:
            await world.store.audit.put(Record(key, question, "answered", datetime.now(UTC)))
        else:
            await post_once(client, place, key, "answer", Content("it is the deploy"), look=False)
    await client.close()
    async with world.bot():
        assert world.offers() == []


async def test_a_gap_between_two_connections(world: World) -> None:
    """What is asked while no connection is open is taken after the next one."""
    if world.transport == "http":
        pytest.skip("there are no connections")
    async with world.bot() as house:
        await world.slack.go_away()
        assert await until(lambda: house.app.trouble().startswith("no connection to Slack since"))
        said = await world.say()
        await asyncio.sleep(0.5)
        await world.slack.come_back()
        assert await until(lambda: world.asked() == [said["ts"]])
        assert house.app.trouble() == ""


async def test_events_that_slack_left_out(world: World) -> None:
    """After `app_rate_limited` the channels are read, at once and when that minute is over."""
    async with world.bot() as house:
        await world.slack.tell(False)
        first = await world.say()
        await world.slack.rate_limit_events()
        assert await until(lambda: world.asked() == [first["ts"]])
        second = await world.say()
        assert await until(lambda: world.asked() == [first["ts"], second["ts"]])
        await world.slack.tell(True)
        await settled(house)


async def test_a_start_while_slack_is_away(world: World) -> None:
    """The bot waits, says so, and takes what was asked once Slack is back."""
    said = await world.say()
    client = open_client(settings_of(world.slack, transport=world.transport))
    house = build(world.slack, client, store=world.store, engine=world.engine)
    await world.slack.go_away()
    await house.app.prime()
    assert house.app.trouble().startswith("no connection to Slack since")
    runs = asyncio.create_task(house.app.run_socket()) if world.transport == "socket" else None
    await world.slack.come_back()
    assert await until(lambda: world.asked() == [said["ts"]])
    assert house.app.trouble() == ""
    await house.app.close()
    await client.close()
    if runs:
        await runs


async def test_the_first_start_of_all_catches_up_with_nothing() -> None:
    """Without a mark, what was said before was not said to this bot."""
    async with Sandbox() as slack:
        world = World(slack, Time(), "socket")
        await slack.tell(False)
        await slack.say(ROOM, WHY)
        async with world.bot():
            assert world.asked() == []


async def test_a_failed_write_is_made_good_without_slack(world: World) -> None:
    """A database that is away longer than Slack tries loses nothing, and the mark does not pass the question."""
    async with world.bot():
        world.engine.down = 9
        said = await world.say()
        assert await until(lambda: world.asked() == [said["ts"]])


async def test_an_event_that_comes_a_day_late(world: World) -> None:
    """It is offered once, however often Slack tells of it, and answered when pressed."""
    async with world.bot() as house:
        said = await world.say(ago=86_000)
        message = world.slack.workspace.channel(ROOM).messages[said["ts"]]
        for _ in range(3):
            world.slack.workspace.post(message)
        await house.said()
        assert world.asked() == []
        assert len(world.offers()) == 1


async def test_an_offer_that_another_process_began_is_made_good(world: World) -> None:
    """A process that died before it posted leaves a note; the next one posts after a while, and no third time."""
    old = await world.say(ago=1200)
    key = f"ans:{world.slack.team_id}:{old['channel']}:{old['ts']}"
    await world.store.notes.put(f"offer:{key}", "")
    for _ in range(2):
        async with world.bot():
            assert len(world.offers()) == 1


async def until(holds: Any, seconds: float = 10.0) -> bool:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # whatever it looks at tells nobody
            await asyncio.sleep(0.02)
    return True


async def test_a_refused_app_token_is_said(world: World) -> None:
    """It is tried again at intervals, and the trouble names Slack's word."""
    client = open_client(replace(settings_of(world.slack, transport="socket"), app_token="xapp-wrong"))
    house = build(world.slack, client, store=world.store, engine=world.engine)
    runs = asyncio.create_task(house.app.run_socket())
    assert await until(lambda: house.app.trouble().startswith("Slack refuses the token: invalid_auth since"))
    await house.app.close()
    await client.close()
    await runs


async def test_a_refused_bot_token_stops_the_start(world: World) -> None:
    """Waiting would not help."""
    client = open_client(replace(settings_of(world.slack), bot_token="xoxb-wrong"))
    house = build(world.slack, client, store=world.store, engine=world.engine)
    with pytest.raises(ReplyError, match="invalid_auth"):
        await house.app.prime()
    await client.close()
