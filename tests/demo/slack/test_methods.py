"""Every Web API method answers the real client."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.methods import METHODS
from bot.demo.slack.workspace import BOT
from tests.demo.slack.conftest import client_of
from tests.demo.slack.desk import HOME, MIRA, MODAL, PROMPTS, Call, Desk


async def _invite(client: AsyncWebClient) -> Any:
    made = await client.conversations_create(name="inc-fresh")
    return await client.conversations_invite(channel=made["channel"]["id"], users=MIRA)


async def _unreact(client: AsyncWebClient, desk: Desk) -> Any:
    await client.reactions_add(channel=desk.c, timestamp=desk.ts, name="eyes")
    return await client.reactions_remove(channel=desk.c, timestamp=desk.ts, name="eyes")


async def _file(client: AsyncWebClient) -> Any:
    made = await client.files_upload_v2(content="abc", filename="a.txt")
    return await client.files_info(file=made["file"]["id"])


async def _update_view(client: AsyncWebClient, desk: Desk) -> Any:
    opened = await client.views_open(trigger_id=desk.trigger(), view=MODAL)
    return await client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=MODAL)


async def _rename(client: AsyncWebClient, desk: Desk) -> Any:
    await client.agents_sessions_setStatus(**desk.thread, status="active")
    return await client.agents_sessions_rename(**desk.thread, title="checkout is slow")


WORKS: dict[str, Call] = {
    "api.test": lambda c, d: c.api_test(foo="bar"),
    "auth.test": lambda c, d: c.auth_test(),
    "team.info": lambda c, d: c.team_info(),
    "bots.info": lambda c, d: c.bots_info(bot=BOT.bot_id),
    "users.info": lambda c, d: c.users_info(user=MIRA),
    "users.list": lambda c, d: c.users_list(limit=2),
    "users.conversations": lambda c, d: c.users_conversations(user=BOT.id),
    "chat.postMessage": lambda c, d: c.chat_postMessage(channel=d.c, text="hi"),
    "chat.postMessage markdown": lambda c, d: c.chat_postMessage(channel=d.c, markdown_text="# hi"),
    "chat.postMessage blocks": lambda c, d: c.chat_postMessage(channel=d.c, text="x", blocks=[{"type": "divider"}]),
    "chat.postMessage to a person": lambda c, d: c.chat_postMessage(channel=MIRA, text="psst"),
    "chat.postMessage by name": lambda c, d: c.chat_postMessage(channel="#general", text="hi"),
    "chat.update": lambda c, d: c.chat_update(channel=d.c, ts=d.own, text="done"),
    "chat.update blocks": lambda c, d: c.chat_update(channel=d.c, ts=d.own, text="x", blocks=[{"type": "divider"}]),
    "chat.delete": lambda c, d: c.chat_delete(channel=d.c, ts=d.own),
    "chat.postEphemeral": lambda c, d: c.chat_postEphemeral(channel=d.c, user=MIRA, text="only you"),
    "chat.getPermalink": lambda c, d: c.chat_getPermalink(channel=d.c, message_ts=d.ts),
    "chat.startStream": lambda c, d: c.chat_startStream(**d.at, recipient_team_id=d.team, recipient_user_id=MIRA),
    "chat.appendStream": lambda c, d: c.chat_appendStream(channel=d.c, ts=d.stream, markdown_text="more"),
    "chat.stopStream": lambda c, d: c.chat_stopStream(channel=d.c, ts=d.stream, markdown_text="end"),
    "conversations.info": lambda c, d: c.conversations_info(channel=d.c),
    "conversations.list": lambda c, d: c.conversations_list(types="public_channel,im"),
    "conversations.history": lambda c, d: c.conversations_history(channel=d.c),
    "conversations.replies": lambda c, d: c.conversations_replies(channel=d.c, ts=d.ts),
    "conversations.members": lambda c, d: c.conversations_members(channel=d.c),
    "conversations.open": lambda c, d: c.conversations_open(users=[MIRA], return_im=True),
    "conversations.create": lambda c, d: c.conversations_create(name="inc-new"),
    "conversations.invite": lambda c, d: _invite(c),
    "conversations.join": lambda c, d: c.conversations_join(channel=d.c),
    "conversations.setTopic": lambda c, d: c.conversations_setTopic(channel=d.c, topic="sev 2"),
    "reactions.add": lambda c, d: c.reactions_add(channel=d.c, timestamp=d.ts, name="eyes"),
    "reactions.get": lambda c, d: c.reactions_get(channel=d.c, timestamp=d.ts),
    "reactions.remove": _unreact,
    "files.getUploadURLExternal": lambda c, d: c.files_getUploadURLExternal(filename="a.txt", length=3),
    "files.completeUploadExternal": lambda c, d: c.files_upload_v2(content="abc", filename="a.txt", channel=d.c),
    "files.info": lambda c, d: _file(c),
    "views.open": lambda c, d: c.views_open(trigger_id=d.trigger(), view=MODAL),
    "views.push": lambda c, d: c.views_push(trigger_id=d.trigger(), view=MODAL),
    "views.update": _update_view,
    "views.publish": lambda c, d: c.views_publish(user_id=MIRA, view=HOME),
    "assistant.threads.setStatus": lambda c, d: c.assistant_threads_setStatus(**d.thread, status="is reading"),
    "assistant.threads.setTitle": lambda c, d: c.assistant_threads_setTitle(**d.thread, title="checkout"),
    "assistant.threads.setSuggestedPrompts": lambda c, d: c.assistant_threads_setSuggestedPrompts(
        **d.thread, prompts=PROMPTS
    ),
    "agents.sessions.setStatus": lambda c, d: c.agents_sessions_setStatus(**d.thread, status="processing"),
    "agents.sessions.rename": _rename,
    "blocks.validate": lambda c, d: c.blocks_validate(blocks=[{"type": "divider"}]),
    "apps.connections.open": lambda c, d: client_of(d.slack, d.slack.app_token).apps_connections_open(
        app_token=d.slack.app_token
    ),
}


@pytest.mark.parametrize("name", WORKS)
async def test_a_call_that_must_work_works(name: str, desk: Desk, client: AsyncWebClient) -> None:
    """The real client's call is answered with `ok: true`."""
    answer = await WORKS[name](client, desk)
    assert answer["ok"] is True


def test_every_method_has_a_call() -> None:
    """The table of calls above leaves no method out."""
    assert {name.split(" ")[0] for name in WORKS} == set(METHODS)
