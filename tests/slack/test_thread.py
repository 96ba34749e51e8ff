"""What is read from Slack on demand: the thread as it stands, names and zones, and notes posted once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.place import Place
from bot.slack import thread
from bot.slack.client import Outcome
from bot.slack.flatten import text_of
from bot.slack.thread import Kept
from tests.slack.house import House, open_house
from tests.slack.test_alert_posts import post
from tests.slack.test_reply import place_in

CHANNEL = "inc-checkout"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running bot."""
    async with open_house() as house:
        yield house


async def test_a_thread_is_read_with_its_bots(house: House) -> None:
    """Root and replies, oldest first; an alert's post as labelled data, our own messages marked."""
    alert = post("grafana")
    root = await house.slack.post_as_bot(CHANNEL, attachments=alert["attachments"])
    place = Place(house.slack.team_id, root["channel"], root["ts"])
    await house.slack.say(CHANNEL, "@nightjar why?", thread_ts=root["ts"])
    await house.replies.begin(place, "k", "Looking into it", again=False)
    said = await house.chat.thread(place)
    assert [(item.bot, item.author, item.own) for item in said] == [
        ("Alertmanager", "", False),
        ("", "U07MIRALIND", False),
        ("B07NIGHTJAR", "", True),
    ]
    assert said[0].text.startswith("alert SlowCheckout state=active")
    assert [found.labels["service"] for found in said[0].alerts] == ["checkout"]


async def test_a_long_thread_keeps_its_root_and_its_end(house: House) -> None:
    """Of 260 messages, over several pages, the root and the latest are read."""
    place = await place_in(house)
    for number in range(259):
        await house.slack.say(CHANNEL, f"m{number}", thread_ts=place.thread)
    said = await house.chat.thread(place, limit=10)
    assert [item.text for item in said] == ["why?", *(f"m{number}" for number in range(250, 259))]


async def test_a_thread_that_may_not_be_read_is_empty(house: House) -> None:
    """Without the scope, or outside the channel, there is no thread; no error."""
    channel = await house.slack.create_channel("lunch")
    assert await house.chat.thread(Place(house.slack.team_id, channel, "1.1")) == ()
    assert await house.chat.thread(Place(house.slack.team_id, channel)) == ()


async def test_the_channel_is_read_with_its_bots(house: House) -> None:
    """The newest of the top level, oldest first: alerts as labelled data, our own marked, no threads, no comings."""
    alert = await house.slack.post_as_bot(CHANNEL, attachments=post("grafana")["attachments"])
    await house.slack.say(CHANNEL, "in its thread", thread_ts=alert["ts"])
    place = Place(house.slack.team_id, alert["channel"])
    for number in range(3):
        await house.slack.say(CHANNEL, f"m{number}")
    await house.chat.note(place, "a note of ours", "k")
    said = await house.chat.recent(place, 4)
    assert [(item.text, item.own) for item in said] == [
        *((f"m{number}", False) for number in range(3)),
        ("a note of ours", True),
    ]
    first = (await house.chat.recent(place))[-5]
    assert (first.bot, first.author) == ("Alertmanager", "")
    assert [found.labels["service"] for found in first.alerts] == ["checkout"]


@pytest.mark.parametrize("fault", ["missing_scope", "ratelimited", "hangs"])
async def test_a_channel_that_is_not_told_is_empty(house: House, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the scope, beyond the limit, or when Slack hangs, nothing was said there; no error, no long wait."""
    place = await place_in(house)

    async def call(method: str, **_: object) -> Outcome:
        if fault == "hangs":
            await asyncio.Event().wait()
        return Outcome(error=fault)

    monkeypatch.setattr(house.client, "call", call)
    monkeypatch.setattr(thread, "RECENT_SECONDS", 0.05)
    assert await house.chat.recent(place) == ()


async def test_channels_and_people_are_asked_for_once(house: House) -> None:
    """Name, kind and time zone are kept for minutes; what Slack does not know is asked again."""
    channel = house.slack.workspace.channel(CHANNEL).id
    for _ in range(3):
        assert (await house.chat.channel(channel)).name == CHANNEL
        assert (await house.chat.person("U07MIRALIND")).zone == "Europe/Berlin"
        assert (await house.chat.person("U0NOBODY")).zone == "UTC"
    assert len(house.slack.calls("conversations.info")) == 1
    assert len(house.slack.calls("users.info")) == 4
    assert (await house.chat.channel(await house.slack.dm())).direct


async def test_a_note_is_posted_once_per_key(house: House) -> None:
    """A repeated step posts its note once, also when Slack's answer was lost."""
    place = await place_in(house)
    await house.slack.fail("chat.postMessage", "landed_dropped")
    for _ in range(3):
        await house.chat.note(place, "Queued: 1 ahead of this one.", "k1")
    assert house.texts(CHANNEL) == ["Queued: 1 ahead of this one."]


async def test_what_is_kept_grows_old_and_is_bounded() -> None:
    """A value is read again after its time, and the oldest makes room."""
    time, asked = [0.0], list[str]()
    kept: Kept[str] = Kept(10.0, most=2, now=lambda: time[0])

    async def read(key: str) -> str:
        asked.append(key)
        return key.upper()

    for at, key in ((0, "a"), (5, "a"), (11, "a"), (11, "b"), (11, "c"), (12, "b"), (12, "a")):
        time[0] = float(at)
        assert await kept.get(key, read, "") == key.upper()
    assert asked == ["a", "a", "b", "c", "a"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "&lt;b&gt; <https://x.example|x> <@U1> <!here> <#C1|o>"}, "<b> x (https://x.example) @U1 here #o"),
        ({"text": "same", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "same"}}]}, "same"),
        ({"attachments": [{"fallback": "only this"}]}, "only this"),
        ({"attachments": [{"fallback": "not this", "text": "but this", "footer": "Grafana"}]}, "but this\nGrafana"),
        ({"files": [{"title": "graph.png"}]}, "[file: graph.png]"),
        (
            {
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Head"}},
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "text", "text": "see "},
                                    {"type": "link", "url": "https://x.example", "text": "x"},
                                    {"type": "user", "user_id": "U1"},
                                ],
                            }
                        ],
                    },
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
                    {"type": "actions", "elements": [{"type": "button", "text": {"text": "Silence"}}]},
                    {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "1"}]]},
                ]
            },
            "Head\nsee x (https://x.example)@U1\nsmall\na | 1",
        ),
    ],
    ids=range(6),
)  # fmt: skip
def test_a_message_is_flattened_to_what_it_says(message: dict[str, object], text: str) -> None:
    """Text, blocks, attachments and files, once each and without buttons."""
    assert text_of(message) == text
