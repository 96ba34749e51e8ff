"""The placeholder that becomes the answer: once, whatever goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.answers import Answer, Cause, Citation, Failure, Numbers
from bot.domain.errors import ReplyError
from bot.domain.events import Draft, Facts, Planned, Task
from bot.domain.evidence import Chart
from bot.domain.place import Place
from bot.domain.series import Series
from bot.domain.window import Window
from bot.slack import pace, posting
from bot.slack.client import open_client
from bot.slack.reply import SlackReplies
from tests.slack.house import House, open_house, settings_of

CHANNEL = "inc-checkout"
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
KEY = "ans:T:C:1"


def line(points: int = 60, **labels: str) -> Series:
    """A series of one point a minute."""
    times = tuple(NOW.timestamp() - 60 * back for back in reversed(range(points)))
    return Series(labels, times, tuple(float(number % 7) for number in range(points)))


ANSWER = Answer(
    head="payment is slow since 13:42 (likely).\nNext: look at its database pool [E1].",
    body="## Why\n- p99 of **payment** rose from 80 ms to 2.4 s\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    cause=Cause("payment", "latency", "2026-11-23T13:42:00Z", "likely"),
    evidence=(Citation("E1", "prom-eu", "prod", "rate(x[5m])", "p99 2.4 s"),),
    numbers=Numbers(4, 3, ("17",)),
    missing=("loki: time-out",),
    model="claude-opus-5-5",
    tool_calls=7,
    seconds=12.3,
    window=Window(NOW - timedelta(hours=1), NOW),
    zone="Europe/Berlin",
    envs=("prod",),
    trace="T-C-1",
)
UNSHARED = Chart("p99", tuple(Series({"service": str(n)}, (n, n + 0.5), (1.0, 2.0)) for n in (0.0, 600.0)))
CHARTED = replace(ANSWER, charts=(Chart("p99", (line(service="payment"), line(service="cart")), "seconds"),))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running bot."""
    async with open_house() as house:
        yield house


async def place_in(house: House) -> Place:
    """A thread of the incident channel, opened by a human."""
    asked = await house.slack.say(CHANNEL, "why?")
    return Place(house.slack.team_id, asked["channel"], asked["ts"])


def below(house: House, place: Place) -> list[dict[str, Any]]:
    """What stands in the thread below its root."""
    return house.slack.thread(place.channel, place.thread)[1:]


async def test_the_placeholder_becomes_the_answer(house: House) -> None:
    """One message per question: the same message first says that work began, then holds the answer."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    (first,) = below(house, place)
    await house.replies.open(place, KEY, posted).finish(CHARTED)
    (last,) = below(house, place)
    assert first["ts"] == last["ts"] == posted.ts
    assert last["text"].startswith("payment is slow since 13:42")
    kinds = [block["type"] for block in last["blocks"]]
    assert kinds == ["markdown", "context", "context", "data_visualization", "context", "actions", "context_actions"]
    assert last["metadata"]["event_payload"] == {"key": KEY, "part": "answer", "state": "final"}


@pytest.mark.parametrize("kind", ["landed_error", "landed_dropped", "server_error", "dropped", "rate_limited"])
@pytest.mark.parametrize("thread", [True, False], ids=["thread", "top"])
async def test_an_ambiguous_post_is_looked_up_before_it_is_sent_again(house: House, kind: str, thread: bool) -> None:
    """Whether Slack took the message before it failed or not: one message in the end."""
    place = await place_in(house)
    place = place if thread else replace(place, thread="")
    await house.slack.fail("chat.postMessage", kind, times=2, seconds=0)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    assert [text for text in house.texts(CHANNEL) if text == "Looking into it"] == ["Looking into it"]
    assert posted.ts in house.slack.workspace.channel(CHANNEL).messages


async def test_beginning_again_finds_the_placeholder(house: House) -> None:
    """After a crash the placeholder is found by its key and not posted again."""
    place = await place_in(house)
    first = await house.replies.begin(place, KEY, "Looking into it", again=False)
    again = await SlackReplies(house.client, house.store.notes).begin(place, KEY, "Looking into it", again=True)
    other = await house.replies.begin(place, KEY + "2", "Looking into it", again=True)
    assert first == again != other
    assert len(below(house, place)) == 2


async def test_many_faults_by_chance_leave_one_message_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty placeholders and answers with a third of all posts failing in any way: none lost, none twice."""
    monkeypatch.setattr(pace, "EVERY", 0.02)
    monkeypatch.setattr(posting, "FIRST_WAIT", 0.02)
    async with open_house(faults={"chat.postMessage": 0.3, "chat.update": 0.3}, seed=7) as house:
        place = await place_in(house)

        async def one(number: int) -> None:
            key = f"{KEY}{number}"
            posted = await house.replies.begin(place, key, f"q{number}", again=False)
            await house.replies.open(place, key, posted).finish(replace(ANSWER, head=f"a{number}"))

        await asyncio.gather(*(one(number) for number in range(30)))
        assert sorted(message["text"] for message in below(house, place)) == sorted(f"a{n}" for n in range(30))


async def test_a_refused_post_says_why(house: House) -> None:
    """What Slack refuses for good is an error for the flow, not a loop."""
    with pytest.raises(ReplyError, match="channel_not_found"):
        await house.replies.begin(Place("T", "C0NONE", ""), KEY, "Looking into it", again=False)


async def test_a_deleted_placeholder_is_posted_anew(house: House) -> None:
    """When somebody deleted the placeholder, the answer still comes."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    await house.slack.delete(place.channel, posted.ts)
    await house.replies.open(place, KEY, posted).finish(ANSWER)
    (only,) = below(house, place)
    assert only["text"].startswith("payment is slow")


async def test_a_chart_slack_does_not_know_becomes_text(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """On `invalid_blocks` the answer is sent again without the chart block."""
    monkeypatch.delitem(__import__("bot.demo.slack.blocks", fromlist=["RULES"]).RULES, "data_visualization")
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    await house.replies.open(place, KEY, posted).finish(CHARTED)
    (only,) = below(house, place)
    shown = [block["text"]["text"] for block in only["blocks"] if block["type"] == "section"]
    assert any("▇" in text and "cart" in text for text in shown)


async def test_without_any_block_the_head_still_comes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Slack takes no block at all, the head is sent as text."""
    rules = __import__("bot.demo.slack.blocks", fromlist=["RULES"]).RULES
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    monkeypatch.delitem(rules, "context")
    await house.replies.open(place, KEY, posted).finish(ANSWER)
    (only,) = below(house, place)
    assert only["text"].startswith("payment is slow")


async def test_a_dense_chart_is_a_picture_with_alt_text_once(house: House) -> None:
    """Series without a shared moment do not fit Slack's chart: a PNG in the thread, also when finishing is repeated."""
    drawn = SlackReplies(
        house.client, house.store.notes, draw=lambda chart, zone: (b"\x89PNG", f"alt of {chart.title}")
    )
    chart = UNSHARED
    place = await place_in(house)
    posted = await drawn.begin(place, KEY, "Looking into it", again=False)
    for _ in range(2):
        await drawn.open(place, KEY, posted).finish(replace(ANSWER, charts=(chart,)))
    files = [message["files"][0] for message in below(house, place) if message.get("files")]
    assert [(file["alt_txt"], file["title"]) for file in files] == [("alt of p99", "p99")]
    assert "▁" not in str(below(house, place))


async def test_where_a_picture_is_refused_a_line_of_text_stands_for_it(house: House) -> None:
    """No picture, no lost chart: one sparkline below the answer, once."""
    drawn = SlackReplies(house.client, house.store.notes, draw=lambda chart, zone: (b"\x89PNG", "alt"))
    place = await place_in(house)
    posted = await drawn.begin(place, KEY, "Looking into it", again=False)
    await house.slack.fail("files.getUploadURLExternal", "server_error", times=50)
    for _ in range(2):
        await drawn.open(place, KEY, posted).finish(replace(ANSWER, charts=(UNSHARED,)))
    answer, line_of_text = below(house, place)
    assert "▁" not in str(answer["blocks"])
    assert "▁" in line_of_text["blocks"][0]["text"]["text"]


async def test_a_failure_is_one_sentence_with_its_trace(house: House) -> None:
    """No answer: the thread is told so plainly, and who stopped it."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    await house.replies.open(place, KEY, posted).fail(
        Failure("Stopped by <@U07SAMOKORO>. Seen <!here>", "T-1", "U07SAMOKORO")
    )
    (only,) = below(house, place)
    assert "Stopped by <@U07SAMOKORO>." in only["blocks"][0]["text"]["text"]
    assert "<!here>" not in only["text"]
    assert "T-1" in only["text"]


async def test_model_text_pings_nobody(house: House) -> None:
    """Mentions, channel pings and foreign links of a model's text are harmless wherever they stand."""
    evil = "<!channel> <@U07SAMOKORO> [x](https://evil.example/a) @here"
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, evil, again=False)
    reply = house.replies.open(place, KEY, posted, "U07MIRALIND")
    for event in (Facts(evil), Planned(evil), Task("1", evil, "complete", evil), Draft(f"{evil}\n")):
        reply.show(event)
    await asyncio.sleep(0.6)
    await reply.finish(replace(ANSWER, head=evil, missing=(evil,)))
    sent = str([call.sent for call in house.slack.calls() if call.name.startswith("chat.")])
    assert "chat.startStream" in [call.name for call in house.slack.calls()]
    assert not any(sign in sent for sign in ("<!", "<@U07SAM", "evil.example", "@here", "@channel"))


async def test_no_link_unfolds_and_no_session_leaks(house: House) -> None:
    """Unfurling is off in every post, and the client closes its one session."""
    place = await place_in(house)
    await house.replies.begin(place, KEY, "Looking into it", again=False)
    await house.chat.note(place, "Queued", "n1")
    sent = [call.sent for call in house.slack.calls("chat.postMessage")]
    assert [(s["unfurl_links"], s["unfurl_media"]) for s in sent] == [(False, False)] * 2
    other = open_client(settings_of(house.slack))
    await other.me()
    await other.close()
    assert other.web.session is not None
    assert other.web.session.closed
