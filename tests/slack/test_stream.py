"""Progress beside the answer: streamed, rolled over, edited, or left out; never in the answer's way."""

import asyncio

import pytest

from bot.domain.events import Draft, Planned, Task
from bot.slack import stream
from tests.slack.house import House
from tests.slack.progress import begun, drawn, streamed
from tests.slack.test_reply import ANSWER, KEY, below


async def test_progress_streams_and_is_gone_with_the_answer(quick: House) -> None:
    """Plan, tasks and complete lines stream into one message; with the answer there is one message again."""
    place, _, work = await begun(quick)
    for event in (Planned("Look at checkout"), Task("1", "alerts"), Draft("first line\nhalf a ")):
        work.show(event)
    await drawn(work)
    (_, shown) = below(quick, place)
    plan = next(block for block in shown["blocks"] if block["type"] == "plan")
    assert (plan["title"], [task["status"] for task in plan["tasks"]]) == ("Look at checkout", ["in_progress"])
    assert streamed(quick) == "first line\n"
    await work.finish(ANSWER)
    assert [message["text"][:7] for message in below(quick, place)] == ["payment"]


async def test_the_last_write_of_a_task_wins(quick: House) -> None:
    """Many updates between two writes go out as one, and a finished task says what it found once."""
    _, _, work = await begun(quick)
    for number in range(30):
        work.show(Task("1", "alerts", "in_progress", f"{number}"))
    work.show(Task("1", "alerts", "complete", "3 firing"))
    await drawn(work)
    (start,) = quick.slack.calls("chat.startStream")
    assert start.sent["chunks"] == [
        {
            "type": "task_update",
            "id": f"{stream.tag_of(KEY)}1",
            "title": "alerts",
            "status": "complete",
            "output": "3 firing",
        }
    ]
    assert quick.slack.calls("chat.appendStream") == []


async def test_many_events_at_once_open_one_stream(quick: House) -> None:
    """One writer: whatever comes side by side, one stream, every line once and in order."""
    _, _, work = await begun(quick)
    lines = [f"line {number}\n" for number in range(200)]
    for number, text in enumerate(lines):
        work.show(Draft(text))
        if number % 20 == 0:
            await asyncio.sleep(0.01)
    await drawn(work)
    assert len(quick.slack.calls("chat.startStream")) == 1
    assert streamed(quick) == "".join(lines)


async def test_a_long_draft_rolls_over_before_the_size_limit(quick: House) -> None:
    """Thirty kilobytes go over several messages, nothing lost and nothing refused as too long."""
    _, _, work = await begun(quick)
    lines = [f"{number:04d} {'é' * 45}\n" for number in range(300)]
    for number, text in enumerate(lines):
        work.show(Draft(text))
        if number % 15 == 0:
            await asyncio.sleep(0.02)
    await drawn(work)
    assert streamed(quick) == "".join(lines)
    assert len(quick.slack.calls("chat.startStream")) >= 3
    assert "msg_too_long" not in [call.answer.get("error") for call in quick.slack.calls()]


async def test_an_old_stream_rolls_over(quick: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream is closed and followed by another before Slack ends it; open tasks stand in the new one too."""
    monkeypatch.setattr(stream, "MAX_AGE", 0.0)
    place, _, work = await begun(quick)
    work.show(Task("1", "alerts"))
    await drawn(work)
    work.show(Draft("a line\n"))
    await drawn(work)
    second = quick.slack.calls("chat.startStream")[1].sent["chunks"]
    assert [chunk["type"] for chunk in second] == ["task_update", "markdown_text"]
    assert len(quick.slack.workspace.live_streams()) == 1
    await work.finish(ANSWER)
    assert len(below(quick, place)) == 1


async def test_a_killed_stream_is_followed_by_another(quick: House) -> None:
    """When Slack ends a stream, its message says that it goes on below, and nothing of the text is lost."""
    place, _, work = await begun(quick)
    work.show(Draft("one\n"))
    await drawn(work)
    await quick.slack.kill_streams()
    work.show(Draft("two\n"))
    await drawn(work)
    assert streamed(quick) == "one\ntwo\n"
    assert [message["text"] for message in below(quick, place)][1:] == ["Continued below.", "two\n"]
    await work.finish(ANSWER)
    assert len(below(quick, place)) == 1


async def test_without_a_recipient_one_message_is_edited(quick: House) -> None:
    """An alert's bot cannot be streamed to: progress is a message, edited at most every few seconds."""
    place, _, work = await begun(quick, recipient="B07ALERTBOT")
    work.show(Planned("Look at checkout"))
    work.show(Task("1", "alerts", "complete"))
    await drawn(work)
    work.show(Draft("a line\n"))
    await drawn(work)
    (_, shown) = below(quick, place)
    assert shown["text"] == "Look at checkout\n● alerts\na line"
    await work.finish(ANSWER)
    assert len(below(quick, place)) == 1


async def test_too_many_streams_a_minute_are_edited(quick: House) -> None:
    """Beyond eighteen starts a minute, where Slack allows twenty, progress is edited instead."""
    quick.replies._outlet.pace.starts.most = 0
    _, _, work = await begun(quick)
    work.show(Task("1", "alerts"))
    await drawn(work)
    assert quick.slack.calls("chat.startStream") == []
    assert len(quick.slack.calls("chat.postMessage")) == 2


async def test_when_nothing_can_be_shown_the_answer_still_comes(quick: House) -> None:
    """No stream and no post: progress is left out, the answer is not."""
    place, _, work = await begun(quick, recipient="")
    await quick.slack.fail("chat.postMessage", "server_error", times=2)
    work.show(Task("1", "alerts"))
    await quick.slack.wait_for(lambda: len(quick.slack.calls("chat.postMessage")) == 3)
    work.show(Task("2", "movers"))
    await drawn(work)
    assert len(quick.slack.calls("chat.postMessage")) == 3
    await work.finish(ANSWER)
    assert [message["text"][:7] for message in below(quick, place)] == ["payment"]


@pytest.mark.parametrize("kind", ["landed_error", "landed_dropped", "dropped", "server_error", "rate_limited"])
async def test_a_start_that_may_have_worked_leaves_one_stream(quick: House, kind: str) -> None:
    """After an ambiguous start the stream is found and gone on with, or started once more; none is left over."""
    place, _, work = await begun(quick)
    await quick.slack.fail("chat.startStream", kind)
    work.show(Draft("one\n"))
    await drawn(work)
    work.show(Draft("two\n"))
    await quick.slack.wait_for(lambda: "two" in str(below(quick, place)))
    assert len(quick.slack.workspace.live_streams()) == 1
    assert "one\ntwo\n" in str([message["text"] for message in below(quick, place)]).replace("\\n", "\n")
    await work.finish(ANSWER)
    assert len(below(quick, place)) == 1


async def test_what_cannot_be_deleted_becomes_one_line(quick: House) -> None:
    """When Slack does not delete the progress, it is closed and says where the answer is."""
    place, _, work = await begun(quick)
    work.show(Draft("one\n"))
    await drawn(work)
    await quick.slack.fail("chat.delete", "rate_limited", times=1, seconds=60)
    await work.finish(ANSWER)
    assert [message["text"] for message in below(quick, place)][1:] == [stream.FOLDED]
    assert quick.slack.workspace.live_streams() == []
