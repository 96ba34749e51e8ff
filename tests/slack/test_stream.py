"""Progress beside the answer: streamed, rolled over, edited, or left out; never in the answer's way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.answers import Failure
from bot.domain.events import Draft, Event, Facts, Planned, Status, Task
from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.slack import pace, reply, stream
from bot.slack.board import MAX_PIECE, Board
from bot.slack.reply import SlackReplies, SlackReply
from tests.slack.house import House, open_house
from tests.slack.test_reply import ANSWER, KEY, below, place_in

MIRA = "U07MIRALIND"


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A running bot whose writers do not wait as long as on real Slack."""
    monkeypatch.setattr(pace, "LEAST_INTERVAL", 0.02)
    monkeypatch.setattr(pace, "PER_STREAM", 0.0)
    monkeypatch.setattr(reply, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(stream, "EDIT_SECONDS", 0.05)
    async with open_house() as house:
        yield house


async def begun(house: House, recipient: str = MIRA) -> tuple[Place, Posted, SlackReply]:
    """A reply under way in a thread."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    return place, posted, house.replies.open(place, KEY, posted, recipient)


async def drawn(work: SlackReply) -> None:
    """Wait until everything shown has been written."""
    async with asyncio.timeout(5):
        while work._wake.is_set() or not work._board.is_drawn:  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)


def streamed(house: House) -> str:
    """All text that was streamed and taken, in order."""
    taken = [
        call
        for call in house.slack.calls()
        if call.name in ("chat.startStream", "chat.appendStream") and call.answer.get("ok")
    ]
    chunks = [chunk for call in taken for chunk in call.sent.get("chunks", [])]
    return "".join(chunk.get("text", "") for chunk in chunks)


async def test_progress_streams_and_is_gone_with_the_answer(house: House) -> None:
    """Plan, tasks and complete lines stream into one message; with the answer there is one message again."""
    place, _, work = await begun(house)
    for event in (Planned("Look at checkout"), Task("1", "alerts"), Draft("first line\nhalf a ")):
        work.show(event)
    await drawn(work)
    (_, shown) = below(house, place)
    plan = next(block for block in shown["blocks"] if block["type"] == "plan")
    assert (plan["title"], [task["status"] for task in plan["tasks"]]) == ("Look at checkout", ["in_progress"])
    assert streamed(house) == "first line\n"
    await work.finish(ANSWER)
    assert [message["text"][:7] for message in below(house, place)] == ["payment"]


async def test_the_last_write_of_a_task_wins(house: House) -> None:
    """Many updates between two writes go out as one, and a finished task says what it found once."""
    _, _, work = await begun(house)
    for number in range(30):
        work.show(Task("1", "alerts", "in_progress", f"{number}"))
    work.show(Task("1", "alerts", "complete", "3 firing"))
    await drawn(work)
    (start,) = house.slack.calls("chat.startStream")
    assert start.sent["chunks"] == [
        {
            "type": "task_update",
            "id": f"{stream.tag_of(KEY)}1",
            "title": "alerts",
            "status": "complete",
            "output": "3 firing",
        }
    ]
    assert house.slack.calls("chat.appendStream") == []


async def test_many_events_at_once_open_one_stream(house: House) -> None:
    """One writer: whatever comes side by side, one stream, every line once and in order."""
    _, _, work = await begun(house)
    lines = [f"line {number}\n" for number in range(200)]
    for number, text in enumerate(lines):
        work.show(Draft(text))
        if number % 20 == 0:
            await asyncio.sleep(0.01)
    await drawn(work)
    assert len(house.slack.calls("chat.startStream")) == 1
    assert streamed(house) == "".join(lines)


async def test_a_long_draft_rolls_over_before_the_size_limit(house: House) -> None:
    """Thirty kilobytes go over several messages, nothing lost and nothing refused as too long."""
    _, _, work = await begun(house)
    lines = [f"{number:04d} {'é' * 45}\n" for number in range(300)]
    for number, text in enumerate(lines):
        work.show(Draft(text))
        if number % 15 == 0:
            await asyncio.sleep(0.02)
    await drawn(work)
    assert streamed(house) == "".join(lines)
    assert len(house.slack.calls("chat.startStream")) >= 3
    assert "msg_too_long" not in [call.answer.get("error") for call in house.slack.calls()]


async def test_an_old_stream_rolls_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is closed and followed by another before Slack ends it; open tasks stand in the new one too."""
    monkeypatch.setattr(stream, "MAX_AGE", 0.0)
    place, _, work = await begun(house)
    work.show(Task("1", "alerts"))
    await drawn(work)
    work.show(Draft("a line\n"))
    await drawn(work)
    second = house.slack.calls("chat.startStream")[1].sent["chunks"]
    assert [chunk["type"] for chunk in second] == ["task_update", "markdown_text"]
    assert len(house.slack.workspace.live_streams()) == 1
    await work.finish(ANSWER)
    assert len(below(house, place)) == 1


async def test_a_killed_stream_is_followed_by_another(house: House) -> None:
    """When Slack ends a stream, its message says that it goes on below, and nothing of the text is lost."""
    place, _, work = await begun(house)
    work.show(Draft("one\n"))
    await drawn(work)
    await house.slack.kill_streams()
    work.show(Draft("two\n"))
    await drawn(work)
    assert streamed(house) == "one\ntwo\n"
    assert [message["text"] for message in below(house, place)][1:] == ["Continued below.", "two\n"]
    await work.finish(ANSWER)
    assert len(below(house, place)) == 1


async def test_without_a_recipient_one_message_is_edited(house: House) -> None:
    """An alert's bot cannot be streamed to: progress is a message, edited at most every few seconds."""
    place, _, work = await begun(house, recipient="B07ALERTBOT")
    work.show(Planned("Look at checkout"))
    work.show(Task("1", "alerts", "complete"))
    await drawn(work)
    work.show(Draft("a line\n"))
    await drawn(work)
    (_, shown) = below(house, place)
    assert shown["text"] == "Look at checkout\n● alerts\na line"
    await work.finish(ANSWER)
    assert len(below(house, place)) == 1


async def test_too_many_streams_a_minute_are_edited(house: House) -> None:
    """Beyond eighteen starts a minute, where Slack allows twenty, progress is edited instead."""
    for _ in range(pace.MOST_STARTS):
        house.replies._outlet.pace.may_start()
    _, _, work = await begun(house)
    work.show(Task("1", "alerts"))
    await drawn(work)
    assert house.slack.calls("chat.startStream") == []
    assert len(house.slack.calls("chat.postMessage")) == 2


async def test_when_nothing_can_be_shown_the_answer_still_comes(house: House) -> None:
    """No stream and no post: progress is left out, the answer is not."""
    place, _, work = await begun(house, recipient="")
    await house.slack.fail("chat.postMessage", "server_error", times=2)
    work.show(Task("1", "alerts"))
    await house.slack.wait_for(lambda: len(house.slack.calls("chat.postMessage")) == 3)
    work.show(Task("2", "movers"))
    await drawn(work)
    assert len(house.slack.calls("chat.postMessage")) == 3
    await work.finish(ANSWER)
    assert [message["text"][:7] for message in below(house, place)] == ["payment"]


@pytest.mark.parametrize("kind", ["landed_error", "landed_dropped", "dropped", "server_error", "rate_limited"])
async def test_a_start_that_may_have_worked_leaves_one_stream(house: House, kind: str) -> None:
    """After an ambiguous start the stream is found and gone on with, or started once more; none is left over."""
    place, _, work = await begun(house)
    await house.slack.fail("chat.startStream", kind)
    work.show(Draft("one\n"))
    await drawn(work)
    work.show(Draft("two\n"))
    await house.slack.wait_for(lambda: "two" in str(below(house, place)))
    assert len(house.slack.workspace.live_streams()) == 1
    assert "one\ntwo\n" in str([message["text"] for message in below(house, place)]).replace("\\n", "\n")
    await work.finish(ANSWER)
    assert len(below(house, place)) == 1


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not noted"])
@pytest.mark.parametrize("event", [Draft("one\n"), Task("1", "alerts")], ids=["text", "task"])
async def test_after_a_crash_an_open_stream_is_taken_away(house: House, event: Event, noted: bool) -> None:
    """Another process finishes the reply: the stream left open is closed and gone, noted or not."""
    place, posted, work = await begun(house)
    work.show(event)
    await drawn(work)
    assert work._writer
    work._writer.cancel()
    if not noted:
        house.notes.kept.clear()
    other = SlackReplies(house.client, house.notes)
    await other.open(place, KEY, posted, MIRA).finish(ANSWER)
    assert len(below(house, place)) == 1
    assert house.slack.workspace.live_streams() == []


async def test_another_questions_stream_is_left_alone(house: House) -> None:
    """A command answered beside, by a process that began neither, takes nothing away from the running investigation."""
    place, _, work = await begun(house)
    beside = await house.replies.begin(place, "cmd", "Looking", again=True)
    work.show(Task("1", "alerts"))
    await drawn(work)
    await house.replies.open(place, "cmd", beside).finish(ANSWER)
    assert len(house.slack.workspace.live_streams()) == 1
    await work.finish(ANSWER)
    assert len(below(house, place)) == 2


async def test_whoever_stops_it_stops_its_writer(house: House) -> None:
    """The stop flow opens the same reply: progress is gone, and the cancelled flow's late events change nothing."""
    place, posted, work = await begun(house)
    work.show(Task("1", "alerts"))
    await drawn(work)
    await house.replies.open(place, KEY, posted).fail(Failure("Stopped by <@U07SAMOKORO>.", "t", "U07SAMOKORO"))
    work.show(Task("1", "alerts", "complete"))
    await asyncio.sleep(0.1)
    assert [message["text"] for message in below(house, place)] == ["Stopped by <@U07SAMOKORO>.\n(trace t)"]
    assert house.replies._outlet.live == {}


async def test_what_cannot_be_deleted_becomes_one_line(house: House) -> None:
    """When Slack does not delete the progress, it is closed and says where the answer is."""
    place, _, work = await begun(house)
    work.show(Draft("one\n"))
    await drawn(work)
    await house.slack.fail("chat.delete", "rate_limited", times=1, seconds=60)
    await work.finish(ANSWER)
    assert [message["text"] for message in below(house, place)][1:] == [stream.FOLDED]
    assert house.slack.workspace.live_streams() == []


async def test_code_alone_speaks_first_in_the_placeholder(house: House) -> None:
    """Facts and status stand in the placeholder, the last of each, with the button to stop."""
    place, _, work = await begun(house)
    for number in range(20):
        work.show(Facts(f"{number} firing since 13:42"))
    work.show(Status("looking at what fires"))
    await drawn(work)
    (shown,) = below(house, place)
    assert shown["text"] == "19 firing since 13:42"
    assert "looking at what fires" in str(shown["blocks"])
    assert len(house.slack.calls("chat.update")) <= 2
    assert house.slack.session(place.channel, place.thread)["status"] == "processing"


async def test_nothing_is_shown_once_the_answer_is_there(house: House) -> None:
    """Events that come late change nothing, and the native session is over."""
    place, _, work = await begun(house)
    work.show(Task("1", "alerts"))
    await work.finish(ANSWER)
    before = len(house.slack.calls())
    work.show(Facts("late"))
    await asyncio.sleep(0.1)
    assert len(house.slack.calls()) == before
    assert house.slack.session(place.channel, place.thread)["status"] == "active"


async def test_a_workspace_without_sessions_is_asked_once(house: House) -> None:
    """Where the app is no agent, the session's status is left alone from then on, and nothing else changes."""
    house.slack.workspace.surfaces.sessions.clear()
    work = []
    for number in range(2):
        place = await place_in(house)
        posted = await house.replies.begin(place, f"{KEY}{number}", "Looking", again=False)
        work.append(house.replies.open(replace(place, thread="1.1"), f"{KEY}{number}", posted, MIRA))
        work[-1].show(Status("at work"))
        await drawn(work[-1])
    asked: list[Any] = house.slack.calls("agents.sessions.setStatus")
    assert [call.status for call in asked] == ["thread_not_found"]


def test_the_pace_slows_with_the_number_of_streams() -> None:
    """Slack counts appends for the workspace: the more streams, the longer each waits; starts are counted a minute."""
    time = [0.0]
    paced = pace.Pace(now=lambda: time[0])
    assert [replace(paced, active=number).interval for number in (0, 1, 2, 10)] == [1.0, 1.0, 1.4, 7.0]
    assert [paced.may_start() for _ in range(pace.MOST_STARTS + 1)] == [True] * pace.MOST_STARTS + [False]
    time[0] = 61.0
    assert paced.may_start()


def test_a_board_gives_out_whole_lines_of_a_long_text() -> None:
    """What does not fit one write is cut between lines; what was not taken is given out again."""
    board = Board(str)
    board.take(Draft("".join(f"{number} {'x' * 90}\n" for number in range(60))))
    board.take(Planned("p"))
    first = board.chunks()
    board.undrawn()
    assert board.chunks() == first
    board.drawn()
    text = first[1]["text"]
    assert (len(text) <= MAX_PIECE, text[-1]) == (True, "\n")
    assert board.chunks()[0]["text"].startswith(f"{text.count(chr(10))} ")


async def test_old_replies_are_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun and never finished does not pile up."""
    monkeypatch.setattr(reply, "MOST_BEGUN", 2)
    outlet = house.replies._outlet
    for number in range(4):
        outlet.remember(f"k{number}", "text", fresh=True)
    assert (list(outlet.begun), outlet.fresh) == (["k2", "k3"], {"k2", "k3"})


async def test_a_writer_that_hangs_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a write hangs, the answer does not wait for it; the stream it opens late is taken away."""
    monkeypatch.setattr(reply, "CLOSING", 0.05)
    place, _, work = await begun(house)
    await house.slack.fail("chat.startStream", "stall", seconds=0.3)
    work.show(Task("1", "alerts"))
    await house.slack.wait_for(lambda: house.slack.calls("agents.sessions.setStatus"))
    await asyncio.sleep(0.1)
    await work.finish(ANSWER)
    assert house.slack.calls("chat.startStream") == []
    await house.slack.wait_for(lambda: house.slack.calls("chat.delete"))
    assert [message["text"][:7] for message in below(house, place)] == ["payment"]
