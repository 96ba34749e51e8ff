"""Reading channels: order, pages, bounds, metadata, threads."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import PEOPLE

ROOM = "inc-checkout"


async def test_history_comes_newest_first_and_in_pages(slack: Sandbox, client: AsyncWebClient) -> None:
    """The cursor leads through every top-level message once."""
    said = [(await slack.say(ROOM, f"m{number}"))["ts"] for number in range(5)]
    channel = slack.workspace.channel(ROOM).id
    seen: list[str] = []
    async for page in await client.conversations_history(channel=channel, limit=2):
        assert len(page["messages"]) <= 2
        seen += [message["ts"] for message in page["messages"]]
    assert seen == said[::-1]


async def test_bounds_are_open_unless_inclusive(slack: Sandbox, client: AsyncWebClient) -> None:
    """`oldest` and `latest` leave their own message out, and `inclusive` takes it in."""
    first, middle, last = [(await slack.say(ROOM, f"m{number}")) for number in range(3)]
    bounds = {"channel": first["channel"], "oldest": first["ts"], "latest": last["ts"]}
    inside = await client.conversations_history(**bounds)
    whole = await client.conversations_history(**bounds, inclusive=True)
    assert [message["ts"] for message in inside["messages"]] == [middle["ts"]]
    assert len(whole["messages"]) == 3


async def test_replies_are_root_first_and_not_in_the_history(slack: Sandbox, client: AsyncWebClient) -> None:
    """A thread reads downwards; its replies do not stand in the channel."""
    root = await slack.say(ROOM, "root")
    reply = await client.chat_postMessage(channel=root["channel"], text="reply", thread_ts=root["ts"])
    below = await client.chat_postMessage(channel=root["channel"], text="below", thread_ts=reply["ts"])
    thread = await client.conversations_replies(channel=root["channel"], ts=root["ts"])
    history = await client.conversations_history(channel=root["channel"])
    assert [message["text"] for message in thread["messages"]] == ["root", "reply", "below"]
    assert below["message"]["thread_ts"] == root["ts"]
    assert [(m["text"], m["reply_count"]) for m in history["messages"]] == [("root", 2)]


async def test_metadata_is_kept_and_shown_when_asked_for(slack: Sandbox, client: AsyncWebClient) -> None:
    """`include_all_metadata` decides; nothing of the payload is lost."""
    metadata = {"event_type": "nightjar_answer", "event_payload": {"key": "ans:T:C:1", "part": 1}}
    posted = await client.chat_postMessage(channel="#general", text="x", metadata=metadata)
    without = await client.conversations_history(channel=posted["channel"])
    with_it = await client.conversations_history(channel=posted["channel"], include_all_metadata=True)
    assert "metadata" not in without["messages"][0]
    assert with_it["messages"][0]["metadata"] == metadata


async def test_an_edit_without_blocks_keeps_them(slack: Sandbox, client: AsyncWebClient) -> None:
    """What is not given in an edit stays; an empty array takes it away."""
    posted = await client.chat_postMessage(channel="#general", text="x", blocks=[{"type": "divider"}])
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    kept = await client.chat_update(**where, text="y")
    gone = await client.chat_update(**where, text="z", blocks=[])
    assert [block["type"] for block in kept["message"]["blocks"]] == ["divider"]
    assert "blocks" not in gone["message"]


async def test_a_person_has_a_zone_with_its_offset(client: AsyncWebClient) -> None:
    """`users.info` tells the offset that holds now, daylight saving included."""
    user = (await client.users_info(user=PEOPLE[0].id))["user"]
    assert (user["tz"], user["tz_offset"], user["is_bot"]) == ("Europe/Berlin", 7200, False)


async def test_the_bot_joins_a_new_channel_by_itself(slack: Sandbox, client: AsyncWebClient) -> None:
    """A channel made by a person starts without the bot; joining twice only warns."""
    channel = await slack.create_channel("inc-payments")
    before = (await client.conversations_info(channel=channel))["channel"]["is_member"]
    await client.conversations_join(channel=channel)
    again = await client.conversations_join(channel=channel)
    assert (before, again["channel"]["is_member"], again["warning"]) == (False, True, "already_in_channel")
