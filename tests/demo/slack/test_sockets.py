"""Socket Mode with real Bolt: what is delivered, to whom, and again when it was not taken."""

from functools import partial
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import PEOPLE
from tests.demo.slack.conftest import bolt_of, client_of, socket_mode

ROOM = "inc-checkout"


def listening(slack: Sandbox, heard: list[dict[str, Any]]) -> AsyncApp:
    """A Bolt app that notes every event's whole body."""
    app = bolt_of(slack)

    async def note(body: dict[str, Any]) -> None:
        heard.append(body)

    for name in ("app_mention", "message", "reaction_added", "member_joined_channel", "app_home_opened"):
        app.event(name)(note)
    app.event("agent_session_stopped")(note)
    app.event("channel_created")(note)
    return app


def kinds(heard: list[dict[str, Any]]) -> list[str]:
    """The events' types, in order of arrival."""
    return [body["event"]["type"] for body in heard]


async def test_a_mention_comes_twice_with_one_ts(slack: Sandbox) -> None:
    """As `message` and as `app_mention`; a plain message comes once."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        asked = await slack.say(ROOM, "@nightjar why is checkout slow?")
        await slack.say(ROOM, "nothing for the bot")
        await slack.wait_for(lambda: len(heard) >= 3)
        await slack.settle()
    assert sorted(kinds(heard)) == ["app_mention", "message", "message"]
    mention = next(body for body in heard if body["event"]["type"] == "app_mention")
    assert (mention["event"]["ts"], mention["event"]["user"]) == (asked["ts"], PEOPLE[0].id)
    assert mention["event"]["text"] == f"<@{slack.bot_user_id}> why is checkout slow?"
    assert len({body["event_id"] for body in heard}) == 3


async def test_a_direct_message_is_a_message_im(slack: Sandbox) -> None:
    """No `app_mention` there, even when the bot is named."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        await slack.say("@nightjar", "@nightjar hello")
        await slack.wait_for(lambda: heard)
        await slack.settle()
    assert [(body["event"]["type"], body["event"]["channel_type"]) for body in heard] == [("message", "im")]


async def test_edits_and_deletions_tell_what_was_there(slack: Sandbox) -> None:
    """`message_changed` carries both versions, `message_deleted` the ts that is gone."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        said = await slack.say(ROOM, "tpyo")
        await slack.edit(ROOM, said["ts"], "typo")
        await slack.delete(ROOM, said["ts"])
        await slack.wait_for(lambda: len(heard) == 3)
    changed, deleted = heard[1]["event"], heard[2]["event"]
    assert (changed["subtype"], changed["previous_message"]["text"], changed["message"]["text"]) == (
        "message_changed",
        "tpyo",
        "typo",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", said["ts"])


async def test_what_else_happens_is_told(slack: Sandbox) -> None:
    """Reactions, new channels, joining, the Home tab and the stop button."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        said = await slack.say(ROOM, "look")
        await slack.react(ROOM, said["ts"], "eyes")
        made = await slack.create_channel("inc-payments")
        await slack.invite_bot(made)
        await slack.open_home("sam")
        await slack.stop(ROOM, said["ts"], user="sam")
        await slack.wait_for(lambda: len(heard) == 6)
    wanted = {"message", "reaction_added", "channel_created", "member_joined_channel", "app_home_opened"}
    joined = next(body["event"] for body in heard if body["event"]["type"] == "member_joined_channel")
    assert set(kinds(heard)) == wanted | {"agent_session_stopped"}
    assert (joined["user"], joined["channel"]) == (slack.bot_user_id, made)


async def test_nothing_is_told_of_channels_without_the_bot(slack: Sandbox) -> None:
    """What is said there stays there."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        private = await slack.create_channel("lunch")
        await slack.say(private, "@nightjar pizza?")
        await slack.settle()
    assert kinds(heard) == ["channel_created"]


async def test_an_open_stream_is_named_when_stopped(slack: Sandbox) -> None:
    """`agent_session_stopped` lists the thread's streams and leaves the session as it was."""
    asked = await slack.say(ROOM, "@nightjar why?")
    where = {"channel": asked["channel"], "thread_ts": asked["ts"]}
    started = await client_of(slack).chat_startStream(
        **where, recipient_team_id=slack.team_id, recipient_user_id=asked["user"]
    )
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        await slack.stop(ROOM, asked["ts"])
        await slack.wait_for(lambda: "agent_session_stopped" in kinds(heard))
    stopped = next(body["event"] for body in heard if body["event"]["type"] == "agent_session_stopped")
    assert stopped["streaming_message_ts"] == [started["ts"]]


async def test_a_lost_ack_brings_the_event_again(slack: Sandbox) -> None:
    """The same event id, with its number and reason; after three more tries Slack gives up."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        await slack.drop_acks(2)
        await slack.say(ROOM, "twice")
        await slack.settle()
        await slack.drop_acks(9)
        await slack.say(ROOM, "never")
        await slack.settle()
    tries = [(exchange.status, exchange.attempt) for exchange in slack.events("message")]
    assert tries[:3] == [("timeout", 0), ("timeout", 1), ("ok", 2)]
    assert tries[3:] == [("timeout", number) for number in range(4)]
    assert len({body["event_id"] for body in heard}) == 2


async def test_each_envelope_goes_to_one_of_two_sockets(slack: Sandbox) -> None:
    """Two connections share the events; neither gets all, nothing comes twice."""
    heard: list[dict[str, Any]] = []
    shared: list[list[str]] = [[], []]
    app = listening(slack, heard)
    async with socket_mode(slack, app) as first, socket_mode(slack, app) as second:
        for handler, mine in zip((first, second), shared, strict=True):
            handler.client.on_message_listeners.append(partial(_keep, mine))
        for number in range(6):
            await slack.say(ROOM, f"m{number}")
        await slack.wait_for(lambda: len(heard) == 6)
    assert [len(mine) for mine in shared] == [3, 3]


async def _keep(mine: list[str], frame: aiohttp.WSMessage) -> None:
    if "events_api" in str(frame.data):
        mine.append(str(frame.data))


async def test_a_disconnected_app_comes_again() -> None:
    """The SDK opens a new connection by itself, and what was said meanwhile arrives by a later try."""
    heard: list[dict[str, Any]] = []
    async with Sandbox(retry_delays=(0.1, 0.3, 1.0)) as slack, socket_mode(slack, listening(slack, heard)):
        await slack.disconnect()
        await slack.say(ROOM, "meanwhile")
        await slack.wait_connected()
        await slack.wait_for(lambda: heard)
    first, *_, last = slack.events("message")
    assert (first.status, last.status, heard[0]["event"]["text"]) == ("no_connection", "ok", "meanwhile")
    assert len(slack.calls("apps.connections.open")) == 2


async def test_a_ticket_opens_one_connection(slack: Sandbox) -> None:
    """The URL of `apps.connections.open` is good once."""
    opened = await client_of(slack).apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            hello = await socket.receive_json()
        async with session.get(opened["url"]) as again:
            assert again.status == 403
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)


async def test_the_eleventh_socket_is_sent_away(slack: Sandbox) -> None:
    """Ten connections at the most."""
    client = client_of(slack)
    urls = [(await client.apps_connections_open(app_token=slack.app_token))["url"] for _ in range(11)]
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(url) for url in urls]
        greetings = [await socket.receive_json() for socket in sockets]
        for socket in sockets:
            await socket.close()
    assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
    assert greetings[-1]["reason"] == "too_many_websockets"


async def test_the_whole_service_goes_away_and_comes_back(slack: Sandbox) -> None:
    """Connections are refused and sockets cut; what happened meanwhile is never delivered."""
    heard: list[dict[str, Any]] = []
    async with socket_mode(slack, listening(slack, heard)):
        await slack.go_away(seconds=0.3)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(slack.url)
        await slack.say(ROOM, "@nightjar why?")
        await slack.settle()
        async with aiohttp.ClientSession() as session, session.get(slack.url) as page:
            assert page.status == 200
    assert heard == []
