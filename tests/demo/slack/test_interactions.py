"""What people do besides writing, with real Bolt at the other end."""

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.records import Refused
from bot.demo.slack.sandbox import Sandbox
from tests.demo.slack.conftest import Clock, bolt_of, code_of, socket_mode
from tests.demo.slack.showcase import closing, plain

ROOM = "inc-checkout"
FIELD = {"type": "plain_text_input", "action_id": "reason", "multiline": True}
FORM = {
    "type": "modal",
    "callback_id": "why",
    "title": plain("Why not useful?"),
    "submit": plain("Send"),
    "notify_on_close": True,
    "blocks": [{"type": "input", "block_id": "b", "label": plain("Reason"), "element": FIELD}],
}


class Bot:
    """A Bolt app that answers every kind of interaction, and what it saw."""

    def __init__(self, slack: Sandbox) -> None:
        self.app: AsyncApp = bolt_of(slack)
        self.seen: list[dict[str, Any]] = []
        self.after_submit: dict[str, Any] = {}
        self.app.command("/oncall")(self.command)
        for action in ("deep", "vote", "more"):
            self.app.action(action)(self.action)
        self.app.shortcut("investigate")(self.shortcut)
        self.app.view("why")(self.submitted)
        self.app.view_closed("why")(self.closed)

    async def command(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """Acknowledge with a text, then answer in the channel."""
        self.seen.append(body)
        await ack()
        await respond(f"asked: {body['text']}", response_type="in_channel")

    async def action(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, respond: AsyncRespond) -> None:
        """Open a form for a vote, else replace the message."""
        self.seen.append(body)
        await ack()
        if body["actions"][0]["action_id"] == "vote":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        else:
            await respond("pressed", replace_original=True)

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """Whisper what was picked."""
        self.seen.append(body)
        await ack()
        await respond(f"looking at: {body['message']['text']}")

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Answer as the test wants."""
        self.seen.append(body)
        await ack(**self.after_submit)

    async def closed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Note it."""
        self.seen.append(body)
        await ack()


async def answer(slack: Sandbox, client: AsyncWebClient) -> dict[str, Any]:
    """An answer with buttons, below a question."""
    asked = await slack.say(ROOM, "@nightjar why?")
    posted = await client.chat_postMessage(
        channel=asked["channel"], thread_ts=asked["ts"], text="because", blocks=closing()
    )
    return {"channel": posted["channel"], "ts": posted["ts"]}


async def test_a_command_answers_by_its_response_url(slack: Sandbox) -> None:
    """The payload names channel, user and trigger; `in_channel` is for everybody."""
    bot = Bot(slack)
    async with socket_mode(slack, bot.app):
        outcome = await slack.slash("/oncall", "status", channel="general", user="sam")
        await slack.wait_for(lambda: slack.history("general"))
    body = bot.seen[0]
    assert outcome.ok
    assert (body["command"], body["text"], body["channel_name"], body["user_name"]) == (
        "/oncall",
        "status",
        "general",
        "sam",
    )
    assert slack.history("general")[0]["text"] == "asked: status"


async def test_a_command_without_an_app_says_so(slack: Sandbox) -> None:
    """The person gets Slack's word, alone; there is no second try."""
    outcome = await slack.slash("/oncall", "status", user="sam")
    assert outcome.reason == "no_connection"
    assert "dispatch_failed" in slack.ephemeral("sam")[0]["text"]
    assert slack.ephemeral("mira") == []


async def test_a_pressed_button_can_replace_its_message(slack: Sandbox, client: AsyncWebClient) -> None:
    """The payload carries the action, its message and the thread."""
    bot = Bot(slack)
    async with socket_mode(slack, bot.app):
        where = await answer(slack, client)
        assert (await slack.press(where, "deep", user="sam")).ok
        await slack.wait_for(lambda: slack.calls("response_url"))
    body = bot.seen[0]
    assert (body["actions"][0]["value"], body["user"]["username"]) == ("1", "sam")
    assert body["container"]["thread_ts"] == body["message"]["thread_ts"]
    assert slack.thread(ROOM, body["message"]["thread_ts"])[1]["text"] == "pressed"


@pytest.mark.parametrize(("action", "value", "picked"), [("more", "copy", "copy"), ("vote", "down", "down")])
async def test_menus_and_feedback_say_what_was_picked(
    slack: Sandbox, client: AsyncWebClient, action: str, value: str, picked: str
) -> None:
    """An overflow menu by its selected option, feedback buttons by their value."""
    bot = Bot(slack)
    async with socket_mode(slack, bot.app):
        await slack.press(await answer(slack, client), action, value=value)
        chosen = bot.seen[0]["actions"][0]
    assert (chosen.get("value") or chosen["selected_option"]["value"]) == picked


async def test_what_is_not_there_cannot_be_pressed(slack: Sandbox, client: AsyncWebClient) -> None:
    """Neither an unknown action, nor a button shown to somebody else, nor another's ephemeral message."""
    where = await answer(slack, client)
    with pytest.raises(Refused, match="action_not_found"):
        await slack.press(where, "launch")
    mira = slack.workspace.person("mira").id
    button = {"type": "button", "action_id": "b", "text": plain("Approve"), "visible_to_user_ids": [mira]}
    posted = await client.chat_postMessage(
        channel="#general", text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    with pytest.raises(Refused, match="action_not_found"):
        await slack.press({"channel": posted["channel"], "ts": posted["ts"]}, "b", user="sam")
    whisper = await client.chat_postEphemeral(channel="#general", user=mira, text="only Mira")
    with pytest.raises(Refused, match="message_not_found"):
        await slack.press({"channel": "general", "ts": whisper["message_ts"]}, "b", user="sam")


async def test_a_message_shortcut_brings_the_message(slack: Sandbox) -> None:
    """Another bot's post can be picked; the answer is whispered."""
    bot = Bot(slack)
    async with socket_mode(slack, bot.app):
        alert = await slack.post_as_bot(ROOM, "[FIRING] CheckoutSlow")
        await slack.shortcut(alert, "investigate")
        await slack.wait_for(slack.ephemeral)
    assert bot.seen[0]["callback_id"] == "investigate"
    assert slack.ephemeral()[0]["text"] == "looking at: [FIRING] CheckoutSlow"


async def opened(slack: Sandbox, client: AsyncWebClient) -> dict[str, Any]:
    """The form, opened by a vote."""
    await slack.press(await answer(slack, client), "vote", value="down")
    return await slack.wait_for(slack.view) or {}


async def test_a_form_brings_its_values_and_closes(slack: Sandbox, client: AsyncWebClient) -> None:
    """`state.values` by block and action; a plain ack closes the form."""
    bot = Bot(slack)
    async with socket_mode(slack, bot.app):
        await opened(slack, client)
        await slack.submit_view({"reason": "too long"})
    assert bot.seen[-1]["view"]["state"]["values"]["b"]["reason"]["value"] == "too long"
    assert slack.view() is None


@pytest.mark.parametrize(
    ("after", "title", "depth"),
    [
        ({"response_action": "errors", "errors": {"b": "say more"}}, "Why not useful?", 0),
        ({"response_action": "update", "view": FORM | {"title": plain("Thanks")}}, "Thanks", 0),
        ({"response_action": "push", "view": FORM | {"title": plain("More")}}, "More", 1),
    ],
)
async def test_a_form_can_stay_open(
    slack: Sandbox, client: AsyncWebClient, after: dict[str, Any], title: str, depth: int
) -> None:
    """With errors, with another content, or with one more on top."""
    bot = Bot(slack)
    bot.after_submit = after
    async with socket_mode(slack, bot.app):
        first = await opened(slack, client)
        await slack.submit_view({"reason": ""})
    top = slack.view() or {}
    assert (top["title"]["text"], top["root_view_id"]) == (title, first["id"])
    assert (top["id"] != first["id"]) is bool(depth)


async def test_a_cleared_and_a_closed_form_are_gone(slack: Sandbox, client: AsyncWebClient) -> None:
    """`clear` closes all; closing by hand is told to an app that asked for it."""
    bot = Bot(slack)
    bot.after_submit = {"response_action": "clear"}
    async with socket_mode(slack, bot.app):
        await opened(slack, client)
        await slack.submit_view()
        assert slack.view() is None
        await opened(slack, client)
        await slack.close_view()
    assert (slack.view(), bot.seen[-1]["type"]) == (None, "view_closed")


async def test_a_trigger_is_good_once_and_for_three_seconds(
    slack: Sandbox, client: AsyncWebClient, clock: Clock
) -> None:
    """Then it is exchanged, or expired."""
    surfaces = slack.workspace.surfaces
    first, second = surfaces.new_trigger("U1"), surfaces.new_trigger("U1")
    await client.views_open(trigger_id=first, view=FORM)
    assert await code_of(client.views_open(trigger_id=first, view=FORM)) == "exchanged_trigger_id"
    clock.at += 3.1
    assert await code_of(client.views_open(trigger_id=second, view=FORM)) == "expired_trigger_id"


async def test_a_response_url_takes_five_answers_in_thirty_minutes(slack: Sandbox, clock: Clock) -> None:
    """The sixth is refused, and so is a late one."""
    await slack.slash("/oncall", "status")
    await slack.slash("/oncall", "status")
    first, second = (exchange.sent["response_url"] for exchange in slack.traffic.of("slash_commands"))
    async with aiohttp.ClientSession() as session:

        async def post(url: str) -> tuple[int, str]:
            async with session.post(url, json={"text": "hi"}) as got:
                return got.status, await got.text()

        assert [await post(first) for _ in range(6)] == [(200, "ok")] * 5 + [(404, "used_url")]
        clock.at += 30 * 60 + 1
        assert await post(second) == (404, "expired_url")


async def test_an_ephemeral_original_can_be_deleted(slack: Sandbox, client: AsyncWebClient) -> None:
    """`delete_original` on a whisper takes it away."""
    mira = slack.workspace.person("mira").id
    posted = await client.chat_postEphemeral(channel="#general", user=mira, text="x", blocks=closing())
    await slack.press({"channel": "general", "ts": posted["message_ts"]}, "deep")
    url = slack.traffic.of("interactive")[0].sent["response_url"]
    async with aiohttp.ClientSession() as session, session.post(url, json={"delete_original": True}) as got:
        assert got.status == 200
    assert slack.ephemeral() == []
