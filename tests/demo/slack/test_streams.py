"""Streams: what is drawn, what is too much, and when they die."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import PEOPLE
from tests.demo.slack.conftest import Clock, code_of

MIRA = PEOPLE[0].id


@pytest.fixture
async def at(slack: Sandbox, client: AsyncWebClient) -> dict[str, Any]:
    """Where an open stream is."""
    return await open_stream(slack, client)


async def open_stream(slack: Sandbox, client: AsyncWebClient, **more: Any) -> dict[str, Any]:
    """A stream under a person's question."""
    asked = await slack.say("inc-checkout", "@nightjar why?")
    where = {"channel": asked["channel"], "thread_ts": asked["ts"]}
    started = await client.chat_startStream(**where, recipient_team_id=slack.team_id, recipient_user_id=MIRA, **more)
    return {"channel": asked["channel"], "ts": started["ts"]}


def shown(slack: Sandbox, at: dict[str, Any]) -> dict[str, Any]:
    """The streamed message as the API shows it."""
    return slack.workspace.message(slack.workspace.channel(at["channel"]), at["ts"]).to_json()


async def test_text_grows_and_the_end_brings_blocks(slack: Sandbox, client: AsyncWebClient, at: dict[str, Any]) -> None:
    """The message is what was appended, then what stopStream put below."""
    await client.chat_appendStream(**at, markdown_text="one ")
    await client.chat_appendStream(**at, markdown_text="two")
    during = shown(slack, at)
    await client.chat_stopStream(**at, markdown_text=".", blocks=[{"type": "divider"}])
    after = shown(slack, at)
    assert (during["text"], during["streaming_state"]) == ("one two", "in_progress")
    assert (after["text"], after["streaming_state"]) == ("one two.", "completed")
    assert [block["type"] for block in after["blocks"]] == ["markdown", "divider"]


@pytest.mark.parametrize("mode", ["plan", "timeline"])
async def test_tasks_are_updated_by_their_id(slack: Sandbox, client: AsyncWebClient, mode: str) -> None:
    """A task's later chunk changes its card; in plan mode the cards stand inside the plan."""
    at = await open_stream(slack, client, task_display_mode=mode)
    task = {"type": "task_update", "id": "t1", "title": "Read alerts", "status": "in_progress"}
    await client.chat_appendStream(**at, chunks=[{"type": "plan_update", "title": "Plan"}, task])
    await client.chat_appendStream(**at, chunks=[task | {"status": "complete", "output": "3 firing"}])
    blocks = shown(slack, at)["blocks"]
    cards = blocks[0]["tasks"] if mode == "plan" else blocks[1:]
    assert [(card["status"], card["output"]) for card in cards] == [("complete", "3 firing")]


async def test_a_message_holds_eleven_kilobytes(client: AsyncWebClient, at: dict[str, Any]) -> None:
    """The whole counts, not the chunk; what was refused leaves no trace and the stream lives on."""
    await client.chat_appendStream(**at, markdown_text="x" * 10_900)
    assert await code_of(client.chat_appendStream(**at, markdown_text="ä" * 60)) == "msg_too_long"
    assert await code_of(client.chat_appendStream(**at, markdown_text="y" * 50)) == "ok"


async def test_details_of_tasks_weigh_double(client: AsyncWebClient, at: dict[str, Any]) -> None:
    """A task's output of 5,600 bytes is already too much."""
    task = {"type": "task_update", "id": "t1", "title": "t", "status": "complete", "output": "x" * 5_600}
    assert await code_of(client.chat_appendStream(**at, chunks=[task])) == "msg_too_long"
    assert await code_of(client.chat_appendStream(**at, chunks=[task | {"output": "x" * 5_400}])) == "ok"


async def test_a_stream_dies_five_minutes_after_its_start(
    slack: Sandbox, client: AsyncWebClient, at: dict[str, Any], clock: Clock
) -> None:
    """However active; then neither append nor stop is taken, and an edit saves it."""
    for _ in range(3):
        clock.at += 99
        await client.chat_appendStream(**at, markdown_text="still here ")
    clock.at += 4
    assert await code_of(client.chat_appendStream(**at, markdown_text="x")) == "message_not_in_streaming_state"
    assert await code_of(client.chat_stopStream(**at)) == "message_not_in_streaming_state"
    await client.chat_update(**at, text="rescued")
    assert shown(slack, at)["text"] == "rescued"


async def test_a_stopped_stream_stays_stopped(client: AsyncWebClient, at: dict[str, Any]) -> None:
    """A second stop is refused."""
    await client.chat_stopStream(**at, markdown_text="end")
    assert await code_of(client.chat_stopStream(**at)) == "message_not_in_streaming_state"


async def test_streams_can_be_killed(slack: Sandbox, client: AsyncWebClient, at: dict[str, Any]) -> None:
    """The fault ends every open stream at once."""
    assert await slack.kill_streams() == 1
    assert await code_of(client.chat_appendStream(**at, markdown_text="x")) == "message_not_in_streaming_state"


async def test_a_direct_message_streams_without_recipient(slack: Sandbox, client: AsyncWebClient) -> None:
    """Only outside direct messages must the recipient be named."""
    asked = await slack.say(await slack.dm("mira"), "why?")
    assert await code_of(client.chat_startStream(channel=asked["channel"], thread_ts=asked["ts"])) == "ok"


async def test_a_native_chart_can_be_streamed_and_fifty_blocks_are_the_end(
    client: AsyncWebClient, at: dict[str, Any]
) -> None:
    """Blocks count over the whole stream."""
    chunk = {"type": "blocks", "blocks": [{"type": "divider"}] * 30}
    assert await code_of(client.chat_appendStream(**at, chunks=[chunk])) == "ok"
    assert await code_of(client.chat_appendStream(**at, chunks=[chunk])) == "invalid_blocks"


async def test_the_sdks_own_helper_streams(slack: Sandbox, client: AsyncWebClient) -> None:
    """`chat_stream` of slack_sdk runs over the sandbox unchanged, and stop sets the session's state."""
    asked = await slack.say("inc-checkout", "@nightjar why?")
    streamer = await client.chat_stream(
        channel=asked["channel"], thread_ts=asked["ts"], recipient_team_id=slack.team_id, recipient_user_id=MIRA
    )
    await streamer.append(markdown_text="word " * 100)
    await streamer.stop(session_status="active")
    assert slack.thread(asked["channel"], asked["ts"])[1]["text"] == "word " * 100
    assert slack.session(asked["channel"], asked["ts"])["status"] == "active"
