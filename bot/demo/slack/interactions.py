"""What a person does besides writing: commands, clicks, shortcuts, modals, the Home tab, the stop button."""

import uuid
from typing import Any

from bot.demo.slack import payloads
from bot.demo.slack.blocks import faults_of
from bot.demo.slack.delivery import Courier, Envelope, Outcome
from bot.demo.slack.events import APP, Events
from bot.demo.slack.methods import views
from bot.demo.slack.methods.content import with_ids
from bot.demo.slack.records import Channel, Json, Message, Refused, User
from bot.demo.slack.surfaces import Response, View
from bot.demo.slack.workspace import BOT, TEAM, Happening, Workspace

NOT_TAKEN = {
    "timeout": "operation_timeout: the app did not answer within 3 seconds",
    "no_connection": "dispatch_failed: the app is not connected",
    "http_error": "dispatch_failed: the app answered with an error",
}


class Interactions:
    """Delivers interactions once, and does with the app's answer what a client would."""

    def __init__(self, workspace: Workspace, courier: Courier, events: Events) -> None:
        self._workspace = workspace
        self._courier = courier
        self._events = events

    async def slash(self, channel: Channel, command: str, text: str, user: User) -> Outcome:
        """`/command text`; an answer in the ack is shown, to the user alone unless it says otherwise."""
        surfaces = self._workspace.surfaces
        payload: Json = {
            "token": self._events.verification,
            "team_id": TEAM,
            "team_domain": payloads.DOMAIN,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_direct else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "trigger_id": surfaces.new_trigger(user.id),
            "response_url": self._response_url(Response(channel.id, user.id, self._workspace.now())),
        }
        outcome = await self._ask("slash_commands", command, payload)
        if not outcome.ok:
            self._whisper(channel, user, f"{command} failed: {NOT_TAKEN[outcome.reason]}")
        elif outcome.body and (outcome.body.get("text") or outcome.body.get("blocks")):
            self.answer(Response(channel.id, user.id, self._workspace.now()), outcome.body)
        return outcome

    async def press(
        self, channel: Channel, message: Message, action_id: str, user: User, value: str | None = None
    ) -> Outcome:
        """Click an element of a message; `value` picks one of several, or an option."""
        if message.visible_to not in (None, user.id):
            raise Refused("message_not_found")
        where, element = payloads.find_element(message.shown_blocks(), action_id, value)
        allowed = element.get("visible_to_user_ids")
        if allowed and user.id not in allowed:
            raise Refused("action_not_found")
        response = Response(channel.id, user.id, self._workspace.now(), message.ts, message.thread_ts)
        payload = payloads.base("block_actions", user, self._events.verification) | {
            "trigger_id": self._workspace.surfaces.new_trigger(user.id),
            "container": payloads.container_json(channel, message),
            "channel": payloads.place(channel),
            "message": message.to_json(),
            "state": {"values": {}},
            "response_url": self._response_url(response),
            "actions": [payloads.action_json(where, element, value, f"{self._workspace.now():.6f}")],
        }
        return await self._ask("interactive", action_id, payload)

    async def shortcut(self, channel: Channel, message: Message, callback_id: str, user: User) -> Outcome:
        """A message shortcut from a message's menu."""
        response = Response(channel.id, user.id, self._workspace.now(), None, message.thread_ts)
        payload = payloads.base("message_action", user, self._events.verification) | {
            "callback_id": callback_id,
            "trigger_id": self._workspace.surfaces.new_trigger(user.id),
            "action_ts": f"{self._workspace.now():.6f}",
            "message_ts": message.ts,
            "channel": payloads.place(channel),
            "message": message.to_json(),
            "response_url": self._response_url(response),
        }
        return await self._ask("interactive", callback_id, payload)

    async def submit(self, view: View, values: dict[str, Any], user: User) -> Outcome:
        """Submit a modal; the answer's `response_action` is carried out."""
        state = payloads.view_state(view, values)
        payload = payloads.base("view_submission", user, self._events.verification) | {
            "trigger_id": self._workspace.surfaces.new_trigger(user.id),
            "view": view.to_json(TEAM) | {"state": state, "app_id": APP, "bot_id": BOT.bot_id},
            "response_urls": [],
        }
        outcome = await self._ask("interactive", str(view.body.get("callback_id", "")), payload)
        if outcome.ok:
            self._after_submit(view, outcome.body or {})
        return outcome

    async def close(self, view: View, user: User) -> None:
        """Close a modal; the app hears of it when it asked to."""
        self._drop(view)
        if view.body.get("notify_on_close"):
            payload = payloads.base("view_closed", user, self._events.verification)
            payload |= {"view": view.to_json(TEAM) | {"state": {"values": {}}}, "is_cleared": False}
            await self._ask("interactive", str(view.body.get("callback_id", "")), payload)

    async def open_home(self, user: User, tab: str) -> Outcome:
        """`app_home_opened`, for the Home tab or for the messages tab."""
        event: Json = {"type": "app_home_opened", "user": user.id, "tab": tab}
        event["channel"] = self._workspace.direct(user.id).id
        home = self._workspace.surfaces.homes.get(user.id)
        if home is not None and tab == "home":
            event["view"] = home.to_json(TEAM)
        return await self._courier.deliver(self._events.wrap(event))

    async def stop(self, channel: Channel, thread_ts: str, user: User) -> Outcome:
        """The stop button of a session at work: an event; the session's state stays as it is."""
        streams = [m.ts for m in self._workspace.live_streams() if m.channel == channel.id and m.root == thread_ts]
        event = {
            "type": "agent_session_stopped",
            "channel": channel.id,
            "thread_ts": thread_ts,
            "user": user.id,
            "streaming_message_ts": streams,
        }
        return await self._courier.deliver(self._events.wrap(event))

    def answer(self, response: Response, body: Json) -> None:
        """What a response URL (or an ack's body) says: a new message, or the original one changed."""
        channel = self._workspace.channel(response.channel)
        original = channel.find(response.message_ts) if response.message_ts else None
        if body.get("delete_original"):
            if original is not None:
                self._workspace.delete(original)
            return
        blocks = body.get("blocks")
        found = faults_of(blocks) if blocks is not None else []
        if found or not (body.get("text") or blocks):
            raise Refused("invalid_blocks" if found else "no_text", *found)
        if body.get("replace_original") and original is not None:
            self._replace(original, body)
            return
        public = body.get("response_type") == "in_channel"
        self._workspace.post(
            Message(
                ts=self._workspace.mint_ts(),
                channel=channel.id,
                user=BOT.id,
                bot_id=BOT.bot_id,
                text=body.get("text", ""),
                blocks=with_ids(blocks) if blocks else None,
                thread_ts=body.get("thread_ts") or response.thread_ts,
                visible_to=None if public else response.user,
            )
        )

    def _replace(self, original: Message, body: Json) -> None:
        previous = original.to_json()
        original.text = body.get("text", original.text)
        original.blocks = with_ids(body["blocks"]) if body.get("blocks") else None
        original.markdown = original.stream = None
        original.edited = {"user": BOT.id, "ts": self._workspace.mint_ts()}
        self._workspace.changed(original, previous, quiet=original.visible_to is not None)

    def _after_submit(self, view: View, body: Json) -> None:
        action = body.get("response_action")
        if action == "errors":
            data = {"view_id": view.id, "errors": body.get("errors", {})}
            self._workspace.emit(Happening("view_errors", user=view.user, data=data))
        elif action == "update":
            view.body = views.check_view(body.get("view"), "modal")
            views.show(self._workspace, view, "view_updated")
        elif action == "push":
            pushed = views.stacked(self._workspace, view.user, views.check_view(body.get("view"), "modal"))
            views.show(self._workspace, pushed, "view_opened")
        elif action == "clear":
            self._workspace.surfaces.close_views(view.user)
            self._workspace.emit(Happening("views_closed", user=view.user))
        else:
            self._drop(view)

    def _drop(self, view: View) -> None:
        self._workspace.surfaces.views.pop(view.id, None)
        self._workspace.emit(Happening("view_closed", user=view.user, data={"view_id": view.id}))

    def _response_url(self, response: Response) -> str:
        return f"{self._workspace.base_url}/hooks/{self._workspace.surfaces.new_response(response)}"

    def _whisper(self, channel: Channel, user: User, text: str) -> None:
        message = Message(
            ts=self._workspace.mint_ts(), channel=channel.id, user="USLACKBOT", text=text, visible_to=user.id
        )
        self._workspace.post(message)

    async def _ask(self, kind: str, name: str, payload: Json) -> Outcome:
        return await self._courier.ask(Envelope(str(uuid.uuid4()), kind, name, payload))
