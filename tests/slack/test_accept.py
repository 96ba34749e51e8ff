"""What is heard, what is let be, and what happens when the one write fails."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.demo.slack.sandbox import Sandbox
from bot.flows.deps import Policy
from bot.slack import accept
from bot.slack.client import open_client
from tests.slack.house import House, build, open_house, settings_of
from tests.slack.test_gate import signed

CHANNEL = "inc-checkout"


async def dispatch(house: House, event: dict[str, Any], retry: int = 0) -> int:
    """One delivery by Socket Mode, with the retry header Bolt sets even on a first one."""
    body = {"type": "event_callback", "team_id": house.slack.team_id, "event": event}
    headers: dict[str, str | Sequence[str]] = {"x-slack-retry-num": str(retry)}
    request = AsyncBoltRequest(body=body, headers=headers, mode="socket_mode")
    return (await house.app.bolt.async_dispatch(request)).status


JUST_NOW = int(time.time())


def message(text: str = "", **more: Any) -> dict[str, Any]:
    """A human's message in a channel."""
    return {"type": "message", "channel": "C1", "user": "U1", "ts": f"{JUST_NOW}.000100", "text": text} | more


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_a_failed_write_is_not_acked_and_comes_again(transport: str) -> None:
    """While the database is away nothing is acked; Slack delivers again and the question is not lost."""
    async with open_house(http=transport == "http") as house:
        house.engine.down = 3
        await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        assert len(house.engine.questions()) == 1
        assert [exchange.status for exchange in house.slack.events()].count("ok") == 2
        assert len(house.slack.events()) == 5


async def test_twenty_redeliveries_in_any_order_are_one_question() -> None:
    """The same message, as either event, first or again, side by side or late: one question."""
    async with open_house() as house:
        bot = f"<@{house.slack.bot_user_id}> why?"
        kinds = itertools.cycle(["app_mention", "message"])
        deliveries = [dispatch(house, message(bot, type=next(kinds)), retry=number % 4) for number in range(20)]
        statuses = await asyncio.gather(*deliveries[:10])
        statuses += [await delivery for delivery in reversed(deliveries[10:])]
        assert statuses == [200] * 20
        assert len(house.engine.questions()) == 1


async def test_a_lost_ack_asks_nothing_twice() -> None:
    """Slack delivers again when an ack is lost; the question is accepted once."""
    async with open_house() as house:
        await house.slack.drop_acks(4)
        await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        assert len(house.slack.events()) == 6
        assert len(house.engine.questions()) == 1


async def test_fifty_messages_between_humans_stay_unanswered() -> None:
    """Two humans talking in a thread the bot took part in are left alone: no post, no question."""
    async with open_house() as house:
        asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        note = f"solo:{house.slack.team_id}:{asked['channel']}:{asked['ts']}"
        await house.store.notes.put(note, asked["user"])
        for number in range(50):
            await house.slack.say(
                CHANNEL, f"look at {number}?", user=("sam", "mira")[number % 2], thread_ts=asked["ts"]
            )
        await house.said()
        assert len(house.engine.questions()) == 1
        assert house.texts(CHANNEL) == []


async def test_one_human_alone_may_go_on_without_a_mention() -> None:
    """A follow-up in a thread where one human talks with the bot is a question; after a second human it is not."""
    async with open_house() as house:
        asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        note = f"solo:{house.slack.team_id}:{asked['channel']}:{asked['ts']}"
        await house.store.notes.put(note, asked["user"])
        for user, text in (("mira", "and yesterday?"), ("sam", "same here"), ("mira", "and today?")):
            await house.slack.say(CHANNEL, text, user=user, thread_ts=asked["ts"])
            await house.said()
        assert [(q.text, q.way) for q in house.engine.questions()[1:]] == [("and yesterday?", "follow_up")]
        assert await house.store.notes.get(note) == "many"


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "message": {"ts": "1.0", "bot_id": "B1"}, "previous_message": {}},
        {"user": None},
        {"user": "USLACKBOT"},
        {"hidden": True},
        {"channel": ""},
        {"type": "reaction_added"},
    ],
    ids=str,
)
async def test_bots_joins_and_own_updates_are_let_be(more: dict[str, Any]) -> None:
    """What no human wrote is acked and changes nothing, also when it mentions the bot."""
    async with open_house() as house:
        text = f"<@{house.slack.bot_user_id}> why?"
        assert await dispatch(house, message(text, **more)) == 200
        assert house.engine.runs == {}


async def test_nothing_is_called_before_the_ack() -> None:
    """Accepting calls nothing in Slack, however slow Slack is."""
    async with open_house() as house:
        before = len(house.slack.calls())
        await dispatch(house, message(f"<@{house.slack.bot_user_id}> why?"))
        await dispatch(house, message(f"<@{house.slack.bot_user_id}> help", ts=f"{JUST_NOW}.000200"))
        assert len(house.slack.calls()) == before


async def test_a_message_to_a_thread_at_work_is_acknowledged() -> None:
    """An instruction to a running investigation is noted in the thread, at once and once."""
    async with open_house() as house:
        asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        await house.slack.say(CHANNEL, "@nightjar look at the payment service too", thread_ts=asked["ts"])
        await house.said()
        assert [text.partition(":")[0] for text in house.texts(CHANNEL)] == ["Noted"]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("alerts", "alerts"),
        ("ALERTS", "alerts"),
        ("metrics up{job='x'}", "metrics"),
        ("status", "status"),
        ("status of the checkout deploy", None),
        ("alerts are firing again, why is that?", None),
        ("help me to find out why", None),
        ("nevermind", "stop"),
        ("stop the deploy of cart", None),
        ("why is checkout slow?", None),
    ],
)
async def test_a_sentence_is_no_command(text: str, command: str | None) -> None:
    """A command is taken by its name; a sentence that begins like one is a question."""
    async with open_house() as house:
        found, _ = house.app.hearing.recognise(text)
        assert (found.name if found else None) == command


async def test_channels_are_not_entered_when_the_policy_says_so() -> None:
    """With joining off, a new incident channel is let be."""
    async with open_house(Policy(join=False)) as house:
        await house.slack.create_channel("inc-cart")
        await house.said()
        assert house.slack.calls("conversations.join") == []


async def test_channels_made_while_away_are_entered_at_the_start() -> None:
    """At the start, public channels of the pattern that the bot is not in are joined and greeted."""
    async with open_house(channels=("general",)) as house:
        house.slack.workspace.create_channel("incident-7", "U07MIRALIND", ["U07MIRALIND"])
        await house.said()
        house.engine.runs.clear()
        house.slack.workspace.channel("incident-7").members.remove(house.slack.bot_user_id)
        await house.app.sweep()
        assert len(house.engine.of("hello")) == 1


async def test_work_that_hangs_does_not_hold_the_end() -> None:
    """At the end, work after an ack that does not come to an end is given up."""
    async with open_house() as house:
        house.app.context.after(asyncio.Event().wait)
        await house.app.context.afterwards.drain(0.05)
        assert house.app.context.afterwards._tasks == set()


async def test_over_http_nothing_is_accepted_while_the_token_does_not_work() -> None:
    """A request before we know who we are is answered 503, so that Slack delivers it again."""
    async with Sandbox() as slack:
        client = open_client(replace(settings_of(slack), bot_token="xoxb-wrong"))
        house = build(slack, client)
        headers = signed(b"{}", secret=slack.signing_secret)
        assert (await house.app.handle_http(b"{}", headers))[0] == 503
        await client.close()


async def test_a_sweep_goes_through_every_page() -> None:
    """In a workspace of 300 channels the incident on the second page is entered; with joining off none is."""
    channels = [*(f"c{number}" for number in range(300)), "inc-late"]
    async with open_house(channels=channels) as house:
        await house.said()
        for channel in house.slack.workspace.channels.values():
            channel.members.remove(house.slack.bot_user_id)
        await house.app.sweep()
        assert [call.sent["channel"] for call in house.slack.calls("conversations.join")] == [
            house.slack.workspace.channel("inc-late").id
        ]
    async with open_house(Policy(join=False)) as house:
        await house.app.sweep()
        assert house.slack.calls("conversations.list") == []


async def test_a_slow_write_is_not_acked_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that hangs costs the ack, within its limit; the next delivery is accepted, and once."""
    monkeypatch.setattr(accept, "ACK_SECONDS", 0.05)
    async with open_house() as house:
        event = message(f"<@{house.slack.bot_user_id}> why?")
        with monkeypatch.context() as slow:
            slow.setattr(house.engine, "start", lambda *_, **__: asyncio.sleep(60))
            assert await asyncio.wait_for(dispatch(house, event), 5) >= 500
        assert await dispatch(house, event, retry=1) == 200
        assert len(house.engine.questions()) == 1
