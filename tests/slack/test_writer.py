"""The one task that writes: what it shows first, how often, and how it ends."""

import asyncio

import pytest

from bot.domain.answers import Failure
from bot.domain.events import Draft, Event, Facts, Planned, Status, Task
from bot.domain.place import Place
from bot.slack import pace, reply
from bot.slack.board import MAX_PIECE, Board
from bot.slack.reply import SlackReplies
from tests.slack.house import House
from tests.slack.progress import MIRA, begun, drawn
from tests.slack.test_reply import ANSWER, KEY, below


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not noted"])
@pytest.mark.parametrize("event", [Draft("one\n"), Task("1", "alerts")], ids=["text", "task"])
async def test_after_a_crash_an_open_stream_is_taken_away(quick: House, event: Event, noted: bool) -> None:
    """Another process finishes the reply: the stream left open is closed and gone, noted or not."""
    place, posted, work = await begun(quick)
    work.show(event)
    await drawn(work)
    assert work._writer
    work._writer.cancel()
    if not noted:
        await quick.store.notes.put(f"stream:{KEY}", "", replace=True)
    other = SlackReplies(quick.client, quick.store.notes)
    await other.open(place, KEY, posted, MIRA).finish(ANSWER)
    assert len(below(quick, place)) == 1
    assert quick.slack.workspace.live_streams() == []


async def test_another_questions_stream_is_left_alone(quick: House) -> None:
    """A command answered beside, by a process that began neither, takes nothing away from the running investigation."""
    place, _, work = await begun(quick)
    beside = await quick.replies.begin(place, "cmd", "Looking", again=True)
    work.show(Task("1", "alerts"))
    await drawn(work)
    await quick.replies.open(place, "cmd", beside).finish(ANSWER)
    assert len(quick.slack.workspace.live_streams()) == 1
    await work.finish(ANSWER)
    assert len(below(quick, place)) == 2


async def test_whoever_stops_it_stops_its_writer(quick: House) -> None:
    """The stop flow opens the same reply: progress is gone, and the cancelled flow's late events change nothing."""
    place, posted, work = await begun(quick)
    work.show(Task("1", "alerts"))
    await drawn(work)
    await quick.replies.open(place, KEY, posted).fail(Failure("Stopped by <@U07SAMOKORO>.", "t", "U07SAMOKORO"))
    work.show(Task("1", "alerts", "complete"))
    await asyncio.sleep(0.1)
    assert [message["text"] for message in below(quick, place)] == ["Stopped by <@U07SAMOKORO>.\n(trace t)"]
    assert quick.replies._outlet.live == {}


async def test_one_that_shows_nothing_yet_is_stopped_too(quick: House) -> None:
    """Stopped right after the placeholder: what the cancelled flow shows until it is cut off changes nothing."""
    place, posted, work = await begun(quick)
    await quick.replies.open(place, KEY, posted).fail(Failure("Stopped by <@U07SAMOKORO>.", "t", "U07SAMOKORO"))
    work.show(Status("looking at what fires"))
    await asyncio.sleep(0.1)
    assert [message["text"] for message in below(quick, place)] == ["Stopped by <@U07SAMOKORO>.\n(trace t)"]


async def test_code_alone_speaks_first_in_the_placeholder(quick: House) -> None:
    """Facts and status stand in the placeholder, the last of each, with the button to stop."""
    place, _, work = await begun(quick)
    for number in range(20):
        work.show(Facts(f"{number} firing since 13:42"))
    work.show(Status("looking at what fires"))
    await drawn(work)
    (shown,) = below(quick, place)
    assert shown["text"] == "19 firing since 13:42"
    assert "looking at what fires" in str(shown["blocks"])
    assert len(quick.slack.calls("chat.update")) <= 2
    assert quick.slack.session(place.channel, place.thread)["status"] == "processing"


async def test_nothing_is_shown_once_the_answer_is_there(quick: House) -> None:
    """Events that come late change nothing, and the native session is over."""
    place, _, work = await begun(quick)
    work.show(Task("1", "alerts"))
    await work.finish(ANSWER)
    before = len(quick.slack.calls())
    work.show(Facts("late"))
    await asyncio.sleep(0.1)
    assert len(quick.slack.calls()) == before
    assert quick.slack.session(place.channel, place.thread)["status"] == "active"


async def test_a_workspace_without_sessions_is_asked_three_times(quick: House) -> None:
    """Where the app is no agent, the session's status is left alone after three refusals in a row."""
    for number in range(5):
        await quick.client.sessions.set("C0NONE", f"{number}.1", "processing")
    asked = quick.slack.calls("agents.sessions.setStatus")
    assert [call.status for call in asked] == ["channel_not_found"] * 3


async def test_the_session_is_at_work_before_anything_is_posted(quick: House) -> None:
    """A mention shows Slack's stop button at once, though no flow has run yet; with the answer it is gone."""
    asked = await quick.slack.say("inc-checkout", "@nightjar why?")
    await quick.said()
    assert quick.slack.session(asked["channel"], asked["ts"])["status"] == "processing"
    place = Place(quick.slack.team_id, asked["channel"], asked["ts"])
    posted = await quick.replies.begin(place, KEY, "Looking into it", again=False)
    await quick.replies.open(place, KEY, posted).finish(ANSWER)
    assert quick.slack.session(asked["channel"], asked["ts"])["status"] == "active"
    assert len(quick.slack.calls("agents.sessions.setStatus")) == 2


async def test_facts_come_soon_however_many_stream(quick: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams slow down with their number; what code alone can say does not wait for that."""
    monkeypatch.setattr(pace, "PER_STREAM", 30.0)
    place, _, work = await begun(quick)
    work.show(Task("1", "alerts"))
    await quick.slack.wait_for(quick.slack.workspace.live_streams)
    work.show(Facts("3 firing since 13:42"))
    await quick.slack.wait_for(lambda: below(quick, place)[0]["text"].startswith("3 firing"), timeout=1.0)


async def test_when_many_update_the_answers_have_room(quick: House) -> None:
    """Placeholders are updated so often a minute as leaves Slack's limit to the answers."""
    quick.replies._outlet.pace.updates.most = 1
    place, _, work = await begun(quick)
    for number in range(3):
        work.show(Facts(f"{number} firing"))
        await asyncio.sleep(0.1)
    assert len(quick.slack.calls("chat.update")) == 1
    await work.finish(ANSWER)
    assert below(quick, place)[0]["text"].startswith("payment")


def test_the_pace_slows_with_the_number_of_streams() -> None:
    """Slack counts appends for the workspace: the more streams, the longer each waits; starts are counted a minute."""
    time = [0.0]
    starts = pace.Minute(18, lambda: time[0])
    assert [pace.Pace(number).interval for number in (0, 1, 2, 10)] == [1.0, 1.0, 1.4, 7.0]
    assert [starts.take() for _ in range(19)] == [True] * 18 + [False]
    time[0] = 61.0
    assert starts.take()


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


async def test_old_replies_are_forgotten(quick: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun and never finished does not pile up."""
    monkeypatch.setattr(reply, "MOST_BEGUN", 2)
    outlet = quick.replies._outlet
    for number in range(4):
        outlet.remember(f"k{number}", "text")
        outlet.fresh.add(f"k{number}")
    assert (list(outlet.begun), outlet.fresh) == (["k2", "k3"], {"k2", "k3"})


async def test_a_writer_that_hangs_is_given_up(quick: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a write hangs, the answer does not wait for it; but its reply is finished only once the stream that it opens
    late was taken away, as this process may end before."""
    monkeypatch.setattr(reply, "CLOSING", 0.05)
    place, _, work = await begun(quick)
    await quick.slack.fail("chat.startStream", "stall", seconds=1.5)
    work.show(Task("1", "alerts"))
    await quick.slack.wait_for(lambda: quick.slack.calls("agents.sessions.setStatus"))
    await asyncio.sleep(0.1)
    finishing = asyncio.create_task(work.finish(ANSWER))
    await quick.slack.wait_for(lambda: below(quick, place)[0]["text"].startswith("payment"))
    assert quick.slack.calls("chat.startStream") == []
    await finishing
    assert quick.slack.calls("chat.delete")
    assert [message["text"][:7] for message in below(quick, place)] == ["payment"]
