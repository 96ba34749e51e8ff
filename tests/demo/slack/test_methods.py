"""Every Web API method answers the real client, and refuses with Slack's code what Slack refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.methods import METHODS
from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import BOT, PEOPLE
from tests.demo.slack.conftest import client_of, code_of
from tests.demo.slack.showcase import plain

MIRA = PEOPLE[0].id
MODAL = {"type": "modal", "title": plain("Why"), "blocks": [{"type": "divider"}]}
HOME = {"type": "home", "blocks": [{"type": "header", "text": plain("Home")}]}
PROMPTS = [{"title": "What changed?", "message": "What changed in the last hour?"}]


class Desk:
    """The ids a call may need: a channel, a person's question, the bot's answer, an open stream."""

    def __init__(self, slack: Sandbox, client: AsyncWebClient) -> None:
        self.slack, self.client = slack, client
        self.c = self.ts = self.own = self.stream = ""

    async def lay(self) -> "Desk":
        """Make them."""
        asked = await self.slack.say("inc-checkout", "@nightjar why?")
        self.c, self.ts = asked["channel"], asked["ts"]
        self.own = (await self.client.chat_postMessage(channel=self.c, text="working on it", thread_ts=self.ts))["ts"]
        self.stream = (
            await self.client.chat_startStream(**self.at, recipient_team_id=self.team, recipient_user_id=MIRA)
        )["ts"]
        return self

    @property
    def at(self) -> dict[str, Any]:
        """The question's thread."""
        return {"channel": self.c, "thread_ts": self.ts}

    @property
    def thread(self) -> dict[str, Any]:
        """The same, as the assistant methods spell it."""
        return {"channel_id": self.c, "thread_ts": self.ts}

    @property
    def team(self) -> str:
        """The team's id."""
        return self.slack.team_id

    def trigger(self) -> str:
        """A fresh trigger of Mira's."""
        return self.slack.workspace.surfaces.new_trigger(MIRA)


@pytest.fixture
async def desk(slack: Sandbox, client: AsyncWebClient) -> Desk:
    """A laid desk."""
    return await Desk(slack, client).lay()


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


async def _elsewhere(client: AsyncWebClient, desk: Desk) -> Any:
    return await client.chat_postMessage(channel=await desk.slack.create_channel("inc-other"), text="x")


async def _twice(client: AsyncWebClient, desk: Desk) -> Any:
    await client.reactions_add(channel=desk.c, timestamp=desk.ts, name="eyes")
    return await client.reactions_add(channel=desk.c, timestamp=desk.ts, name="eyes")


Call = Callable[[AsyncWebClient, Desk], Awaitable[Any]]

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
    "a wrong token": ("invalid_auth", lambda c, d: client_of(d.slack, "xoxb-wrong").auth_test()),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_call_that_must_fail_fails_with_slacks_code(name: str, desk: Desk, client: AsyncWebClient) -> None:
    """The refusal carries the code that Slack documents."""
    code, call = REFUSED[name]
    assert await code_of(call(client, desk)) == code
