"""Slash commands and the message shortcut."""

from functools import partial
from typing import Any

from bot.domain.investigations import Question
from bot.domain.place import Place
from bot.domain.plugin import Heard
from bot.slack.alert_posts import subject_of
from bot.slack.client import Identity
from bot.slack.flatten import MAX_TEXT, plain
from bot.slack.hearing import Hearing, put, spelled

Json = dict[str, Any]
COMMAND = "/oncall"
SHORTCUT = "investigate_message"
ASKED = "What is behind this message: what broke, since when, and why?"


class Slashes:
    """Hears `/oncall …` and "Investigate this"."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._context = hearing.context

    async def command(self, body: Json, me: Identity) -> None:
        """`/oncall name rest`; an unknown name gets help that says what was not understood."""
        text = " ".join(plain(str(body.get("text") or ""))[:MAX_TEXT].split())
        name, _, rest = text.partition(" ")
        command = self._hearing.commands.get(spelled(name) or "help")
        if command is None:
            command, rest = self._hearing.commands["help"], name
        place = Place(me.team, str(body.get("channel_id", "")))
        trigger = str(body.get("trigger_id", ""))
        heard = Heard(
            place=place,
            person=str(body.get("user_id", "")),
            rest=rest.strip(),
            ts=trigger,
            key=f"heard:{place.team}:{place.channel}:{trigger}",
            slash=True,
            response_url=str(body.get("response_url", "")),
            trigger=trigger,
        )
        await self._hearing.give(command, heard)
        if command.name not in ("help", "stop"):
            self._context.after(partial(self._context.tell_if_outside, heard))

    async def shortcut(self, body: Json, me: Identity) -> None:
        """The message becomes the subject; the answer stands in its thread."""
        message = body.get("message") or {}
        ts = str(message.get("ts") or body.get("message_ts") or "")
        if body.get("callback_id") != SHORTCUT or not ts:
            return
        place = Place(me.team, str((body.get("channel") or {}).get("id", "")), str(message.get("thread_ts") or ts))
        asker = str((body.get("user") or {}).get("id", ""))
        pressed = str(body.get("action_ts") or body.get("trigger_id") or ts)
        await put(self._context, Question(place, ASKED, asker, pressed, way="shortcut", subject=subject_of(message)))
        url = str(body.get("response_url", ""))
        heard = Heard(place, asker, "", pressed, f"heard:{place.lane}:{pressed}", slash=False, response_url=url)
        self._context.after(partial(self._context.tell_if_outside, heard))
