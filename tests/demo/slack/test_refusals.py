"""What Slack refuses is refused, with Slack's code."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.workspace import BOT
from tests.demo.slack.conftest import client_of, code_of
from tests.demo.slack.desk import HOME, MIRA, MODAL, PROMPTS, Call, Desk
from tests.demo.slack.showcase import plain


async def _elsewhere(client: AsyncWebClient, desk: Desk) -> Any:
    return await client.chat_postMessage(channel=await desk.slack.create_channel("inc-other"), text="x")


async def _twice(client: AsyncWebClient, desk: Desk) -> Any:
    await client.reactions_add(channel=desk.c, timestamp=desk.ts, name="eyes")
    return await client.reactions_add(channel=desk.c, timestamp=desk.ts, name="eyes")


async def _stranger(client: AsyncWebClient, desk: Desk) -> Any:
    made = await client.conversations_create(name="bots-only")
    return await client.chat_postEphemeral(channel=made["channel"]["id"], user=MIRA, text="x")


async def _four_modals(client: AsyncWebClient, desk: Desk) -> Any:
    await client.views_open(trigger_id=desk.trigger(), view=MODAL)
    for _ in range(3):
        last = await client.views_push(trigger_id=desk.trigger(), view=MODAL)
    return last


async def _older_hash(client: AsyncWebClient, desk: Desk) -> Any:
    opened = await client.views_open(trigger_id=desk.trigger(), view=MODAL | {"external_id": "mine"})
    await client.views_update(external_id="mine", view=MODAL | {"external_id": "mine"})
    return await client.views_update(external_id="mine", hash=opened["view"]["hash"], view=MODAL)


async def _older_home(client: AsyncWebClient, desk: Desk) -> Any:
    first = await client.views_publish(user_id=MIRA, view=HOME)
    await client.views_publish(user_id=MIRA, view=HOME)
    return await client.views_publish(user_id=MIRA, view=HOME, hash=first["view"]["hash"])


async def _chunk(client: AsyncWebClient, desk: Desk, **chunk: Any) -> Any:
    return await client.chat_appendStream(channel=desk.c, ts=desk.stream, chunks=[chunk])


REFUSED: dict[str, tuple[str, Call]] = {
    "an unknown method": ("unknown_method", lambda c, d: c.api_call("chat.shout")),
    "an unknown channel": ("channel_not_found", lambda c, d: c.chat_postMessage(channel="C0", text="x")),
    "a channel without the bot": ("not_in_channel", _elsewhere),
    "nothing to say": ("no_text", lambda c, d: c.api_call("chat.postMessage", json={"channel": d.c})),
    "text beside Markdown": (
        "markdown_text_conflict",
        lambda c, d: c.chat_postMessage(channel=d.c, text="x", markdown_text="y"),
    ),
    "too much Markdown": ("msg_too_long", lambda c, d: c.chat_postMessage(channel=d.c, markdown_text="x" * 12_001)),
    "an unknown block": (
        "invalid_blocks",
        lambda c, d: c.chat_postMessage(channel=d.c, text="x", blocks=[{"type": "hologram"}]),
    ),
    "51 blocks": (
        "invalid_blocks",
        lambda c, d: c.chat_postMessage(channel=d.c, text="x", blocks=[{"type": "divider"}] * 51),
    ),
    "blocks that are no JSON": (
        "invalid_blocks_format",
        lambda c, d: c.chat_postMessage(channel=d.c, text="x", blocks="[{"),
    ),
    "an unknown thread": ("thread_not_found", lambda c, d: c.chat_postMessage(channel=d.c, text="x", thread_ts="1.1")),
    "metadata without a type": (
        "invalid_metadata_format",
        lambda c, d: c.chat_postMessage(channel=d.c, text="x", metadata={"event_payload": {}}),
    ),
    "another's message edited": ("cant_update_message", lambda c, d: c.chat_update(channel=d.c, ts=d.ts, text="x")),
    "another's message deleted": ("cant_delete_message", lambda c, d: c.chat_delete(channel=d.c, ts=d.ts)),
    "a streaming message edited": (
        "streaming_state_conflict",
        lambda c, d: c.chat_update(channel=d.c, ts=d.stream, text="x"),
    ),
    "an unknown message edited": ("message_not_found", lambda c, d: c.chat_update(channel=d.c, ts="1.1", text="x")),
    "a whisper to nobody": ("user_not_found", lambda c, d: c.chat_postEphemeral(channel=d.c, user="U0", text="x")),
    "a stream to nobody": ("missing_recipient_user_id", lambda c, d: c.chat_startStream(**d.at)),
    "a stream without team": (
        "missing_recipient_team_id",
        lambda c, d: c.chat_startStream(**d.at, recipient_user_id=MIRA),
    ),
    "a stream to a bot": (
        "invalid_arguments",
        lambda c, d: c.chat_startStream(**d.at, recipient_team_id=d.team, recipient_user_id=BOT.bot_id),
    ),
    "an append to a plain message": (
        "message_not_in_streaming_state",
        lambda c, d: c.chat_appendStream(channel=d.c, ts=d.own, markdown_text="x"),
    ),
    "an append of nothing": ("no_text", lambda c, d: c.chat_appendStream(channel=d.c, ts=d.stream)),
    "an unknown chunk": (
        "invalid_chunks",
        lambda c, d: c.chat_appendStream(channel=d.c, ts=d.stream, chunks=[{"type": "confetti"}]),
    ),
    "a thread that is none": ("thread_not_found", lambda c, d: c.conversations_replies(channel=d.c, ts="1.1")),
    "a made-up cursor": ("invalid_cursor", lambda c, d: c.conversations_history(channel=d.c, cursor="bm9wZQ==")),
    "a limit of none": ("invalid_limit", lambda c, d: c.conversations_history(channel=d.c, limit=0)),
    "a name taken": ("name_taken", lambda c, d: c.conversations_create(name="general")),
    "a name with a space": ("invalid_name_specials", lambda c, d: c.conversations_create(name="Not So")),
    "the same reaction twice": ("already_reacted", _twice),
    "a reaction never made": ("no_reaction", lambda c, d: c.reactions_remove(channel=d.c, timestamp=d.ts, name="eyes")),
    "an unknown user": ("user_not_found", lambda c, d: c.users_info(user="U0")),
    "an unknown file": ("file_not_found", lambda c, d: c.files_info(file="F0")),
    "a made-up trigger": ("invalid_trigger_id", lambda c, d: c.views_open(trigger_id="1.2", view=MODAL)),
    "a long title": (
        "invalid_arguments",
        lambda c, d: c.views_open(trigger_id=d.trigger(), view=MODAL | {"title": plain("x" * 25)}),
    ),
    "an unknown view": ("not_found", lambda c, d: c.views_update(view_id="V0", view=MODAL)),
    "an unknown session state": (
        "invalid_arguments",
        lambda c, d: c.agents_sessions_setStatus(**d.thread, status="dancing"),
    ),
    "a socket with the bot's token": (
        "not_allowed_token_type",
        lambda c, d: c.apps_connections_open(app_token=d.slack.bot_token),
    ),
    "a whisper to a stranger": ("user_not_in_channel", _stranger),
    "a whisper of nothing": (
        "no_text",
        lambda c, d: c.api_call("chat.postEphemeral", json={"channel": d.c, "user": MIRA}),
    ),
    "an edit to nothing": ("no_text", lambda c, d: c.api_call("chat.update", json={"channel": d.c, "ts": d.own})),
    "13,200 characters of blocks": (
        "msg_blocks_too_long",
        lambda c, d: c.chat_postMessage(
            channel=d.c, text="x", blocks=[{"type": "section", "text": plain("x" * 2_700)}] * 5
        ),
    ),
    "a picture of no file": (
        "invalid_blocks",
        lambda c, d: c.chat_postMessage(
            channel=d.c, text="x", blocks=[{"type": "image", "alt_text": "a", "slack_file": {"id": "F0"}}]
        ),
    ),
    "16 kB of metadata": (
        "metadata_too_large",
        lambda c, d: c.chat_postMessage(
            channel=d.c, text="x", metadata={"event_type": "t", "event_payload": {"k": "x" * 16_000}}
        ),
    ),
    "a long topic": ("too_long", lambda c, d: c.conversations_setTopic(channel=d.c, topic="x" * 251)),
    "a direct message with nobody": ("users_list_not_supplied", lambda c, d: c.conversations_open(users="")),
    "a direct message joined": (
        "method_not_supported_for_channel_type",
        lambda c, d: c.conversations_join(channel=d.slack.workspace.direct(MIRA).id),
    ),
    "an invited member": ("already_in_channel", lambda c, d: c.conversations_invite(channel=d.c, users=MIRA)),
    "a bound that is no time": ("invalid_ts_oldest", lambda c, d: c.conversations_history(channel=d.c, oldest="noon")),
    "a history elsewhere": (
        "not_in_channel",
        lambda c, d: c.conversations_history(channel=d.slack.workspace.create_channel("x", MIRA, [MIRA]).id),
    ),
    "a limit in words": ("invalid_limit", lambda c, d: c.api_call("users.list", params={"limit": "all"})),
    "five prompts": (
        "invalid_arguments",
        lambda c, d: c.assistant_threads_setSuggestedPrompts(**d.thread, prompts=PROMPTS * 5),
    ),
    "a session's long title": (
        "invalid_arguments",
        lambda c, d: c.agents_sessions_setStatus(**d.thread, status="active", title="x" * 201),
    ),
    "a session never opened": ("session_not_found", lambda c, d: c.agents_sessions_rename(**d.thread, title="x")),
    "an unknown bot": ("bot_not_found", lambda c, d: c.bots_info(bot="B0")),
    "an error asked for": ("fatal_error", lambda c, d: c.api_test(error="fatal_error")),
    "bad blocks to validate": ("invalid_blocks", lambda c, d: c.blocks_validate(blocks=[{"type": "hologram"}])),
    "nothing to validate": ("invalid_arguments", lambda c, d: c.blocks_validate()),
    "a reaction with a space": (
        "invalid_name",
        lambda c, d: c.reactions_add(channel=d.c, timestamp=d.ts, name="not so"),
    ),
    "no files to share": ("invalid_arguments", lambda c, d: c.files_completeUploadExternal(files=[])),
    "files that are no JSON": (
        "invalid_json",
        lambda c, d: c.api_call("files.completeUploadExternal", params={"files": "["}),
    ),
    "files shared elsewhere": (
        "not_in_channel",
        lambda c, d: c.files_completeUploadExternal(
            files=[{"id": "F0"}], channel_id=d.slack.workspace.create_channel("x", MIRA, [MIRA]).id
        ),
    ),
    "a view that is none": ("invalid_arguments", lambda c, d: c.api_call("views.open", json={"view": [1]})),
    "an input without submit": (
        "invalid_arguments",
        lambda c, d: c.views_open(
            trigger_id=d.trigger(),
            view=MODAL | {"blocks": [{"type": "input", "label": plain("l"), "element": {"type": "plain_text_input"}}]},
        ),
    ),
    "a fourth modal": ("push_limit_reached", _four_modals),
    "an older hash": ("hash_conflict", _older_hash),
    "an older home": ("hash_conflict", _older_home),
    "a stream in another mode": (
        "invalid_arguments",
        lambda c, d: c.chat_startStream(
            **d.at, recipient_team_id=d.team, recipient_user_id=MIRA, task_display_mode="list"
        ),
    ),
    "a stream to another team": (
        "team_not_found",
        lambda c, d: c.chat_startStream(**d.at, recipient_team_id="T0", recipient_user_id=MIRA),
    ),
    "a task in no state": ("invalid_chunks", lambda c, d: _chunk(c, d, type="task_update", id="1", title="t")),
    "a text chunk without text": ("invalid_chunks", lambda c, d: _chunk(c, d, type="markdown_text")),
    "a long text chunk": ("msg_too_long", lambda c, d: _chunk(c, d, type="markdown_text", text="x" * 12_001)),
    "a long append": (
        "msg_too_long",
        lambda c, d: c.chat_appendStream(channel=d.c, ts=d.stream, markdown_text="x" * 12_001),
    ),
    "chunks that are no list": (
        "invalid_chunks",
        lambda c, d: c.api_call("chat.appendStream", json={"channel": d.c, "ts": d.stream, "chunks": {"a": 1}}),
    ),
    "another's stream": (
        "message_not_owned_by_app",
        lambda c, d: c.chat_appendStream(channel=d.c, ts=d.ts, markdown_text="x"),
    ),
    "a wrong token": ("invalid_auth", lambda c, d: client_of(d.slack, "xoxb-wrong").auth_test()),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_call_that_must_fail_fails_with_slacks_code(name: str, desk: Desk, client: AsyncWebClient) -> None:
    """The refusal carries the code that Slack documents."""
    code, call = REFUSED[name]
    assert await code_of(call(client, desk)) == code
