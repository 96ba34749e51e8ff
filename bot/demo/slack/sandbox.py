"""The sandbox as one thing: state, wire, faults and a server on a loopback port."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.demo.slack.delivery import ACK_TIMEOUT_S, RETRY_DELAYS_S, Courier
from bot.demo.slack.driver import Driver
from bot.demo.slack.faults import Faults
from bot.demo.slack.gateway import Gateway, Tokens
from bot.demo.slack.limits import Limits
from bot.demo.slack.live import Live, Offer
from bot.demo.slack.push import Push
from bot.demo.slack.records import Clock, User
from bot.demo.slack.server import build
from bot.demo.slack.sockets import Sockets
from bot.demo.slack.traffic import Traffic
from bot.demo.slack.workspace import PEOPLE, Workspace

SCOPES = (
    *("app_mentions:read", "assistant:write", "channels:history", "channels:join", "channels:read", "chat:write"),
    *("commands", "files:read", "files:write", "groups:history", "groups:read", "im:history", "reactions:read"),
    *("reactions:write", "users:read"),
)
LOOPBACK = "127.0.0.1"
LAST_ANSWER_S = 0.02  # so that whoever sends it away by HTTP hears that it went


class Sandbox(Driver):
    """`async with Sandbox() as slack:` serves a fresh workspace until the block ends."""

    def __init__(
        self,
        *,
        port: int = 0,
        channels: Iterable[str] = ("inc-checkout", "general"),
        people: Iterable[User] = PEOPLE,
        limits: bool = False,
        faults: Mapping[str, float] | None = None,
        seed: int = 0,
        retry_delays: Sequence[float] = RETRY_DELAYS_S,
        ack_timeout: float = ACK_TIMEOUT_S,
        now: Clock = time.time,
        scopes: Sequence[str] = SCOPES,
        offer: Offer | None = None,
    ) -> None:
        workspace = Workspace(now=now, people=people, channels=channels)
        wrong = Faults(faults, seed)
        traffic = Traffic(now)
        sockets = Sockets(wrong, ack_timeout)
        super().__init__(
            workspace,
            traffic,
            faults=wrong,
            limits=Limits(now, on=limits),
            sockets=sockets,
            courier=Courier(sockets, traffic, retry_delays),
        )
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.live = Live(workspace, traffic, sockets, self.limits, offer or Offer())
        self._port = port
        self._ack_timeout = ack_timeout
        self._tokens = Tokens(self.bot_token, self.app_token, tuple(scopes))
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.workspace.base_url

    @property
    def api_url(self) -> str:
        """What a client takes as `base_url`."""
        return f"{self.url}/api/"

    def credentials(self) -> dict[str, str]:
        """What a bot in another process needs to sign in."""
        names = ("url", "api_url", "bot_token", "app_token", "signing_secret", "team_id", "bot_user_id")
        return {name: getattr(self, name) for name in names}

    async def set_request_url(self, url: str) -> bool:
        """Deliver by signed HTTP from now on; whether the app answered Slack's challenge."""
        push = Push(url, self.signing_secret, self.faults, self._ack_timeout)
        self.courier.carrier = push
        taken = await push.verify()
        self.live.pushes = int(taken)
        self.live.tell_connections()
        return taken

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        gateway = Gateway(self.workspace, self._tokens, self.faults, self.limits, self.traffic)
        self._runner = web.AppRunner(build(self, gateway, self.live), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self._listen(self._runner)
        self._port = self._runner.addresses[0][1]
        self.workspace.base_url = f"http://{LOOPBACK}:{self._port}"

    async def go_away(self, seconds: float = 0.0) -> None:
        """Refuse and cut every connection, and deliver nothing; back after `seconds`, or by `come_back`."""
        self.telling = False
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        self._site = None
        if seconds:
            self.courier.spawn(self._back_after(seconds))
        loop = asyncio.get_running_loop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                loop.call_later(LAST_ANSWER_S, connection.transport.abort)

    async def come_back(self) -> None:
        """Be there again; what happened meanwhile is not delivered."""
        self.telling = True
        if self._site is None and self._runner is not None:
            await self._listen(self._runner)

    async def _back_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.come_back()

    async def _listen(self, runner: web.AppRunner) -> None:
        self._site = web.TCPSite(runner, LOOPBACK, self._port)
        await self._site.start()

    async def close(self) -> None:
        """Stop delivering and listening."""
        await self.courier.close()
        self.live.close()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
