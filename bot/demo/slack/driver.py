"""What tests, the command line and the page can do to the workspace and see of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bot.demo.slack.compose import to_wire
from bot.demo.slack.delivery import Courier, Outcome
from bot.demo.slack.events import Events
from bot.demo.slack.faults import Faults
from bot.demo.slack.interactions import Interactions
from bot.demo.slack.limits import Limits
from bot.demo.slack.methods.files import share
from bot.demo.slack.records import Channel, Json, Message, Refused
from bot.demo.slack.sockets import Sockets
from bot.demo.slack.surfaces import Response, View
from bot.demo.slack.traffic import Exchange, Traffic
from bot.demo.slack.workspace import ALERTS, BOT, TEAM, Happening, Workspace

T = TypeVar("T")
SOMEBODY = "mira"


class Driver:
    """The verbs. Channels are named by id or name, people by id or name; messages are the API's JSON."""

    team_id = TEAM
    bot_user_id = BOT.id

    def __init__(
        self,
        workspace: Workspace,
        traffic: Traffic,
        *,
        faults: Faults,
        limits: Limits,
        sockets: Sockets,
        courier: Courier,
    ) -> None:
        self.workspace = workspace
        self.traffic = traffic
        self.faults = faults
        self.limits = limits
        self.sockets = sockets
        self.courier = courier
        self._events = Events(workspace, "verification")
        self._interactions = Interactions(workspace, courier, self._events)
        self._stirred = asyncio.Event()
        self.telling = True
        workspace.listeners.append(self._heard)
        traffic.listeners.append(lambda exchange: self._stirred.set())

    # What people write.

    async def say(
        self, channel: str, text: str, user: str = SOMEBODY, thread_ts: str | None = None, files: Sequence[Json] = ()
    ) -> Json:
        """A person writes; `@name` and `#channel` become what Slack sends; `files` as `share` takes them."""
        where = self._open(channel, user)
        shared = [share(self.workspace, file, self.workspace.person(user).id, where.id) for file in files]
        message = Message(
            ts=self.workspace.mint_ts(),
            channel=where.id,
            user=self.workspace.person(user).id,
            text=to_wire(self.workspace, text),
            thread_ts=self.workspace.thread_root(where, thread_ts),
            subtype="file_share" if shared else "",
            files=shared,
        )
        return _shown(self.workspace.post(message))

    async def post_as_bot(
        self,
        channel: str,
        text: str = "",
        blocks: list[Json] | None = None,
        attachments: list[Json] | None = None,
        thread_ts: str | None = None,
    ) -> Json:
        """Another app's bot (Alertmanager) posts; nothing of it is checked. Returns the message."""
        where = self.workspace.channel(channel)
        message = Message(
            ts=self.workspace.mint_ts(),
            channel=where.id,
            user=ALERTS.id,
            bot_id=ALERTS.bot_id,
            subtype="bot_message",
            username=ALERTS.real_name,
            text=text,
            blocks=blocks,
            attachments=attachments or [],
            thread_ts=self.workspace.thread_root(where, thread_ts),
        )
        return _shown(self.workspace.post(message))

    async def edit(self, channel: str, ts: str, text: str) -> Json:
        """A person edits their message."""
        message = self._message(channel, ts)
        previous = message.to_json()
        message.text = to_wire(self.workspace, text)
        message.edited = {"user": message.user, "ts": self.workspace.mint_ts()}
        self.workspace.changed(message, previous)
        return _shown(message)

    async def delete(self, channel: str, ts: str) -> None:
        """A person deletes a message."""
        self.workspace.delete(self._message(channel, ts))

    async def react(self, channel: str, ts: str, name: str, user: str = SOMEBODY, remove: bool = False) -> None:
        """A person puts a reaction on a message, or takes it off."""
        self.workspace.react(self._message(channel, ts), name, self.workspace.person(user).id, add=not remove)

    async def create_channel(self, name: str, user: str = SOMEBODY, bot: bool = False) -> str:
        """A person makes a public channel with everybody but (by default) the bot in it; returns its id."""
        people = [u.id for u in self.workspace.users.values() if not u.bot_id]
        creator = self.workspace.person(user).id
        return self.workspace.create_channel(name, creator, [*people, *([BOT.id] if bot else [])]).id

    async def invite_bot(self, channel: str, user: str = SOMEBODY) -> None:
        """A person brings the bot into a channel."""
        self.workspace.join(self.workspace.channel(channel), BOT.id, self.workspace.person(user).id)

    async def dm(self, user: str = SOMEBODY) -> str:
        """The id of a person's direct message with the bot."""
        return self.workspace.direct(self.workspace.person(user).id).id

    # What people click.

    async def slash(self, command: str, text: str = "", channel: str = "", user: str = SOMEBODY) -> Outcome:
        """`/command text` in a channel (the first one by default)."""
        where = self.workspace.channel(channel) if channel else next(iter(self.workspace.channels.values()))
        return await self._interactions.slash(where, command, text, self.workspace.person(user))

    async def press(self, message: Json, action_id: str, user: str = SOMEBODY, value: str | None = None) -> Outcome:
        """Click a button, a feedback button or an option; `message` needs `channel` and `ts`."""
        channel = self.workspace.channel(message["channel"])
        found = channel.find(message["ts"])
        if found is None:
            raise Refused("message_not_found")
        return await self._interactions.press(channel, found, action_id, self.workspace.person(user), value)

    async def shortcut(self, message: Json, callback_id: str, user: str = SOMEBODY) -> Outcome:
        """A message shortcut; `message` needs `channel` and `ts`."""
        channel = self.workspace.channel(message["channel"])
        found = self.workspace.message(channel, message["ts"])
        return await self._interactions.shortcut(channel, found, callback_id, self.workspace.person(user))

    async def submit_view(self, values: dict[str, Any] | None = None, user: str = SOMEBODY) -> Outcome:
        """Submit the modal in front of a person; `values` by action id. Raises `not_found` without a modal."""
        return await self._interactions.submit(self._top(user), values or {}, self.workspace.person(user))

    async def close_view(self, user: str = SOMEBODY) -> None:
        """Close the modal in front of a person."""
        await self._interactions.close(self._top(user), self.workspace.person(user))

    async def open_home(self, user: str = SOMEBODY, tab: str = "home") -> Outcome:
        """Open the app's Home tab, or its messages tab."""
        return await self._interactions.open_home(self.workspace.person(user), tab)

    async def stop(self, channel: str, thread_ts: str, user: str = SOMEBODY) -> Outcome:
        """Press the native stop button of a thread at work."""
        where = self.workspace.channel(channel)
        return await self._interactions.stop(where, thread_ts, self.workspace.person(user))

    def respond(self, response: Response, body: Json) -> None:
        """What the app sends to a response URL."""
        self._interactions.answer(response, body)

    # What can be seen.

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A thread's messages, root first, as `conversations.replies` shows them."""
        where = self.workspace.channel(channel)
        root = self.workspace.message(where, ts)
        return [_shown(message) for message in (root, *(where.messages[reply] for reply in root.replies))]

    def history(self, channel: str) -> list[Json]:
        """A channel's top-level messages, oldest first."""
        where = self.workspace.channel(channel)
        return [_shown(message) for message in where.messages.values() if not message.is_reply]

    def ephemeral(self, user: str = SOMEBODY) -> list[Json]:
        """What only this person sees, in every channel, oldest first."""
        viewer = self.workspace.person(user).id
        everything = (m for channel in self.workspace.channels.values() for m in channel.ephemeral.values())
        return [_shown(message) for message in everything if message.visible_to == viewer]

    def view(self, user: str = SOMEBODY) -> Json | None:
        """The modal in front of a person."""
        top = self.workspace.surfaces.top_view(self.workspace.person(user).id)
        return top.to_json(TEAM) if top else None

    def home(self, user: str = SOMEBODY) -> Json | None:
        """A person's Home tab."""
        home = self.workspace.surfaces.homes.get(self.workspace.person(user).id)
        return home.to_json(TEAM) if home else None

    def status(self, channel: str, thread_ts: str) -> str:
        """The status line under a thread."""
        return self.workspace.surfaces.statuses.get((self.workspace.channel(channel).id, thread_ts), "")

    def session(self, channel: str, thread_ts: str) -> Json:
        """The agent session of a thread, empty when there is none."""
        return self.workspace.surfaces.sessions.get((self.workspace.channel(channel).id, thread_ts), {})

    def calls(self, method: str | None = None) -> list[Exchange]:
        """Web API calls so far, of one method when given; also those that failed."""
        return self.traffic.of("call", method)

    def events(self, name: str | None = None) -> list[Exchange]:
        """Event deliveries so far, one for each try; named like `message` or `message.message_changed`."""
        return self.traffic.of("events_api", name)

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 15.0) -> T:  # noqa: ASYNC109 - part of the port
        """The predicate's first true value, asked again at each change; raises TimeoutError with the last calls."""
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate()):
                    self._stirred.clear()
                    await self._stirred.wait()
                return value
        except TimeoutError:
            last = ", ".join(f"{e.name} {e.status}" for e in list(self.traffic.exchanges)[-8:])
            raise TimeoutError(f"not within {timeout} s; last traffic: {last or 'none'}") from None

    async def wait_connected(self, sockets: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the same
        """Wait until the app holds that many sockets; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.sockets.connections) < sockets:
                self.sockets.changed.clear()
                await self.sockets.changed.wait()

    async def settle(self) -> None:
        """Wait until every delivery is done or given up."""
        await self.courier.settle()

    # What can be broken.

    async def fail(self, method: str, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Let the next calls of a method (`*` for any) fail; the kinds are in `faults.KINDS`."""
        self.faults.plan(method, kind, times, seconds)

    async def drop_acks(self, times: int = 1) -> None:
        """Lose the next acks, so that Slack delivers again."""
        self.faults.acks_to_drop += times

    async def kill_streams(self) -> int:
        """End every open stream, as Slack does five minutes after its start; returns how many."""
        live = self.workspace.live_streams()
        for message in live:
            if message.stream is not None:
                message.stream.state = "errored"
                self.workspace.changed(message, message.to_json(), quiet=True)
        return len(live)

    async def disconnect(self, reason: str = "refresh_requested") -> int:
        """Send every socket away; the app is expected to come again. Returns how many."""
        return await self.sockets.disconnect(reason)

    async def heal(self) -> None:
        """Take back every fault that has not happened yet."""
        self.faults.clear()

    async def limit(self, on: bool) -> None:
        """Switch Slack's rate limits on or off."""
        self.limits.on = on

    async def tell(self, on: bool) -> None:
        """Whether the app is told of what happens from now on; what it was not told of is never delivered."""
        self.telling = on

    async def rate_limit_events(self) -> Outcome:
        """Tell the app, as Slack does, that events of this minute are left out: until `tell(True)`."""
        self.telling = False
        return await self.courier.deliver(self._events.rate_limited())

    def _heard(self, happening: Happening) -> None:
        self._stirred.set()
        if not self.telling:
            return
        for envelope in self._events.of(happening):
            self.courier.spawn(self.courier.deliver(envelope))

    def _open(self, channel: str, user: str) -> Channel:
        if channel.startswith("@") or channel in self.workspace.users:
            return self.workspace.direct(self.workspace.person(user).id, self.workspace.person(channel).id)
        return self.workspace.channel(channel)

    def _message(self, channel: str, ts: str) -> Message:
        return self.workspace.message(self.workspace.channel(channel), ts)

    def _top(self, user: str) -> View:
        top = self.workspace.surfaces.top_view(self.workspace.person(user).id)
        if top is None:
            raise Refused("not_found")
        return top


def _shown(message: Message) -> Json:
    return message.to_json() | {"channel": message.channel}
