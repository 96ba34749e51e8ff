"""What the page sees: one snapshot, then every change as it comes (server-sent events)."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from bot.demo.slack.limits import Limits
from bot.demo.slack.records import Json, Message
from bot.demo.slack.sockets import Sockets
from bot.demo.slack.traffic import Exchange, Traffic
from bot.demo.slack.workspace import BOT, TEAM, Happening, Workspace

KEEP_ALIVE_S = 15.0


@dataclass(frozen=True)
class Offer:
    """What the page offers beside writing: the app's commands and shortcuts, and questions to start with."""

    commands: Mapping[str, str] = field(default_factory=lambda: {"/oncall": "ask · alerts · metrics · status · help"})
    shortcuts: Mapping[str, str] = field(default_factory=lambda: {"investigate_message": "Investigate this"})
    questions: Sequence[str] = ("@nightjar why is checkout slow?", "@nightjar what changed in the last hour?")
    about: str = (
        "This is a demo: a workspace, a shop and an incident, all simulated on this machine; nothing leaves it. "
        "Nightjar itself is the real thing. Ask it something:"
    )


def message_json(message: Message) -> Json:
    """A message for the page: the API's JSON, its channel, and who may see it."""
    return message.to_json() | {"channel": message.channel, "visible_to": message.visible_to}


def line_json(exchange: Exchange) -> Json:
    """A line of the traffic list without its bodies."""
    return {k: v for k, v in exchange.to_json().items() if k not in ("sent", "answer")}


@dataclass
class Live:
    """The open event streams; a slow reader loses nothing, it only gets it later."""

    workspace: Workspace
    traffic: Traffic
    sockets: Sockets
    limits: Limits
    offer: Offer = field(default_factory=Offer)
    pushes: int = 0
    readers: set["asyncio.Queue[Json | None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.workspace.listeners.append(self._happened)
        self.traffic.listeners.append(self._exchanged)
        self.sockets.listeners.append(self.tell_connections)

    def connections(self) -> int:
        """How many ways to the app there are: its sockets, or its request URL."""
        return self.sockets.alive + self.pushes

    def tell_connections(self) -> None:
        """Tell the page whether the app can be reached."""
        self.tell({"kind": "sockets", "data": {"sockets": self.connections()}})

    def snapshot(self) -> Json:
        """Everything there is to draw."""
        workspace, surfaces = self.workspace, self.workspace.surfaces
        now = workspace.now()
        channels = []
        for channel in workspace.channels.values():
            messages = [*channel.messages.values(), *channel.ephemeral.values()]
            drawn = sorted((message_json(m) for m in messages), key=lambda m: float(m["ts"]))
            channels.append(channel.to_json(BOT.id) | {"members": channel.members, "messages": drawn})
        return {
            "team": TEAM,
            "offer": dataclasses.asdict(self.offer),
            "sockets": self.connections(),
            "limits": self.limits.on,
            "bot": BOT.id,
            "users": [user.to_json(TEAM, now) for user in workspace.users.values()],
            "channels": channels,
            "statuses": [{"channel": c, "thread_ts": t, "status": s} for (c, t), s in surfaces.statuses.items()],
            "sessions": [{"channel": c, "thread_ts": t, **s} for (c, t), s in surfaces.sessions.items()],
            "prompts": surfaces.prompts,
            "homes": {user: home.to_json(TEAM) for user, home in surfaces.homes.items()},
            "views": [view.to_json(TEAM) | {"user": view.user} for view in surfaces.views.values()],
            "traffic": [line_json(exchange) for exchange in list(self.traffic.exchanges)[-200:]],
        }

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One reader, until it goes away or the sandbox closes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self.readers.add(queue)
        try:
            await _write(response, {"kind": "snapshot", "data": self.snapshot()})
            while (event := await _next(queue)) is not None:
                await _write(response, event)
        except ConnectionError:
            return response
        finally:
            self.readers.discard(queue)
        return response

    def close(self) -> None:
        """Let every reader go."""
        for queue in self.readers:
            queue.put_nowait(None)

    def tell(self, event: Json) -> None:
        """Send something to every page."""
        for queue in self.readers:
            queue.put_nowait(event)

    def _happened(self, happening: Happening) -> None:
        if not self.readers:
            return
        event: Json = {"kind": happening.kind, "channel": happening.channel, "user": happening.user}
        if happening.message is not None:
            event["message"] = json.loads(json.dumps(message_json(happening.message)))
        if happening.data is not None:
            event["data"] = {key: value for key, value in happening.data.items() if key != "previous"}
        if happening.kind in ("channel_created", "im_created", "member_joined_channel", "topic"):
            channel = self.workspace.channels[happening.channel]
            event["data"] = channel.to_json(BOT.id) | {"members": list(channel.members)}
        self.tell(event)

    def _exchanged(self, exchange: Exchange) -> None:
        if self.readers:
            self.tell({"kind": "traffic", "data": line_json(exchange)})


async def _next(queue: "asyncio.Queue[Json | None]") -> Json | None:
    try:
        return await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
    except TimeoutError:
        return {"kind": "alive"}


async def _write(response: web.StreamResponse, event: Json) -> None:
    await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
