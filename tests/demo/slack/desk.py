"""The desk a Web API call is made from: a question, the bot's answer, an open stream."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack.sandbox import Sandbox
from bot.demo.slack.workspace import PEOPLE
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


Call: TypeAlias = Callable[[AsyncWebClient, Desk], Awaitable[Any]]
